package otlp

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// Protobuf wire types, the low three bits of a field's tag.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

const replacement = "\uFFFD"

// tag is the one-byte tag of a field numbered below 16.
func tag(field, wire byte) byte { return field<<3 | wire }

func varintSize(v uint64) int { return (9*bits.Len64(v|1) + 64) / 64 }

// sizeBytes is the size of a length-delimited field numbered below 16.
func sizeBytes(n int) int { return 1 + varintSize(uint64(n)) + n }

func appendVarint(b []byte, v uint64) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// appendHeader appends the tag and the length of a length-delimited field.
func appendHeader(b []byte, field byte, n int) []byte {
	return appendVarint(append(b, tag(field, wireBytes)), uint64(n))
}

func appendText[T string | []byte](b []byte, field byte, v T) []byte {
	return append(appendHeader(b, field, len(v)), v...)
}

func appendUint(b []byte, field byte, v uint64) []byte {
	return appendVarint(append(b, tag(field, wireVarint)), v)
}

func appendFixed64(b []byte, field byte, v uint64) []byte {
	return binary.LittleEndian.AppendUint64(append(b, tag(field, wireFixed64)), v)
}

// appendFixed32 takes any field number, unlike the others.
func appendFixed32(b []byte, field byte, v uint32) []byte {
	return binary.LittleEndian.AppendUint32(appendVarint(b, uint64(field)<<3|wireFixed32), v)
}

// appendOpen starts a message of unknown length and returns where its length
// stands. One byte is reserved; appendClose makes room when that is too little.
// Written this way the encoding stays canonical, and short messages cost no copy.
func appendOpen(b []byte, field byte) (opened []byte, at int) {
	b = append(b, tag(field, wireBytes), 0)
	return b, len(b) - 1
}

// appendClose ends the message whose length stands at the offset at.
func appendClose(b []byte, at int) []byte {
	n := uint64(len(b) - at - 1)
	if extra := varintSize(n) - 1; extra > 0 {
		var room [9]byte
		b = append(b, room[:extra]...)
		copy(b[at+1+extra:], b[at+1:])
	}
	binary.PutUvarint(b[at:], n)
	return b
}

func validBytes(b []byte) bool { return utf8.Valid(b) }

func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, replacement)
}

var (
	errTruncated = errors.New("protobuf: message is cut short")
	errWire      = errors.New("protobuf: invalid field")
	errDepth     = errors.New("protobuf: values nested too deeply")
)

// reader walks the fields of one protobuf message. It never reads beyond its
// slice and never allocates; groups, which OTLP does not use, are an error.
type reader struct {
	rest  []byte
	field uint64
	wire  byte
	num   uint64 // the value of a varint or fixed field
	data  []byte // the value of a length-delimited field
	err   error
}

// next advances to the next field; false at the end or at an error.
func (r *reader) next() bool {
	if r.err != nil || len(r.rest) == 0 {
		return false
	}
	key := r.varint()
	r.field, r.wire = key>>3, byte(key&7)
	r.num, r.data = 0, nil
	if r.err == nil && (r.field == 0 || r.field > 1<<29-1) {
		r.err = errWire
	}
	if r.err != nil {
		return false
	}
	switch r.wire {
	case wireVarint:
		r.num = r.varint()
	case wireFixed64:
		if b := r.take(8); b != nil {
			r.num = binary.LittleEndian.Uint64(b)
		}
	case wireFixed32:
		if b := r.take(4); b != nil {
			r.num = uint64(binary.LittleEndian.Uint32(b))
		}
	case wireBytes:
		r.data = r.take(r.varint())
	default:
		r.err = errWire
	}
	return r.err == nil
}

// is tells whether the current field has this number and wire type. A known
// field of another type is skipped like an unknown one.
func (r *reader) is(field uint64, wire byte) bool { return r.field == field && r.wire == wire }

func (r *reader) varint() uint64 {
	v, n := binary.Uvarint(r.rest)
	switch {
	case r.err != nil:
		return 0
	case n == 0:
		r.err = errTruncated
		return 0
	case n < 0:
		r.err = errWire
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) take(n uint64) []byte {
	if r.err != nil {
		return nil
	}
	if n > uint64(len(r.rest)) {
		r.err = errTruncated
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}
