package otlp

import (
	"encoding/base64"
	"encoding/hex"
	"math"
	"strconv"
	"unicode/utf8"
)

// A Signal is what a request is about.
type Signal int

const (
	Traces Signal = iota
	Logs
)

// message is the type of the signal's requests.
func (s Signal) message() messageType {
	if s == Logs {
		return messageLogs
	}
	return messageTraces
}

// AppendRequestJSON appends the body of an export request in OTLP JSON to dst:
// what AppendRequest makes, transcoded by [AppendJSON].
func AppendRequestJSON(dst []byte, groups []Group) []byte {
	return AppendJSON(dst, Traces, AppendRequest(nil, groups))
}

// AppendJSON transcodes the body of a request from protobuf to OTLP JSON and
// appends that to dst. As OTLP says: ids are hexadecimal, 64-bit integers are
// strings, enums are numbers; and fields with a default value are left out. Of a
// damaged message, which [Span] never makes, the fields before the damage are
// written.
func AppendJSON(dst []byte, s Signal, request []byte) []byte {
	w := jsonWriter{b: dst}
	w.message(s.message(), request, 0)
	return w.b
}

// Parts returns of how many messages an item of a request consists, a span or a
// log record: attributes, values, events and so on, however nested. A few bytes
// can hold many, each of which takes far more memory once it is parsed. It
// stops counting at a damage, and at most.
func Parts(s Signal, item []byte, most int) int {
	t := messageSpan
	if s == Logs {
		t = messageLogRecord
	}
	return countParts(t, item, 0, most)
}

// countParts adds the parts of a message, itself included, to n.
func countParts(t messageType, b []byte, n, most int) int {
	n++
	r := reader{rest: b}
	for n < most && r.next() {
		for i := range schema[t] {
			if f := &schema[t][i]; f.kind == fieldMessage && r.is(uint64(f.number), wireBytes) {
				n = countParts(f.message, r.data, n, most)
			}
		}
	}
	return n
}

// jsonWriter appends JSON.
type jsonWriter struct {
	b []byte
}

// message writes an encoded message as an object. Depth is how many values it
// is nested in.
func (w *jsonWriter) message(t messageType, b []byte, depth int) {
	if t == messageValue {
		depth++
	}
	var last [32]struct { // the last value of each field by its number, with which it counts
		set  bool
		num  uint64
		data []byte
	}
	r := reader{rest: b}
	value := byte(0) // of a messageValue, the field that counts
	for depth <= maxDepth+1 && r.next() {
		if r.field >= uint64(len(last)) || !known(t, byte(r.field), r.wire) {
			continue
		}
		l := &last[r.field]
		l.set, l.num, l.data = true, r.num, r.data
		value = byte(r.field)
	}
	w.b = append(w.b, '{')
	empty := true
	for i := range schema[t] {
		f := &schema[t][i]
		l := &last[f.number]
		oneOf := t == messageValue
		if !l.set || oneOf && f.number != value || !oneOf && f.isDefault(l.num, l.data) {
			continue
		}
		if !empty {
			w.b = append(w.b, ',')
		}
		empty = false
		w.b = append(append(append(w.b, '"'), f.name...), '"', ':')
		if f.repeated {
			w.repeated(f, b, depth)
		} else {
			w.value(f, l.num, l.data, depth)
		}
	}
	w.b = append(w.b, '}')
}

// known reports whether a message has a field of this number and wire type.
func known(t messageType, number, wire byte) bool {
	for i := range schema[t] {
		if f := &schema[t][i]; f.number == number {
			return f.kind.wire() == wire
		}
	}
	return false
}

// isDefault reports whether a field need not be written. A message that is
// there is written, even if there is nothing in it.
func (f *field) isDefault(num uint64, data []byte) bool {
	switch f.kind {
	case fieldMessage:
		return false
	case fieldID:
		for _, c := range data {
			if c != 0 {
				return false
			}
		}
		return true
	}
	return num == 0 && len(data) == 0
}

// repeated writes all messages of a field of the message b as an array.
func (w *jsonWriter) repeated(f *field, b []byte, depth int) {
	c := byte('[')
	r := reader{rest: b}
	for r.next() {
		if r.is(uint64(f.number), wireBytes) {
			w.b = append(w.b, c)
			w.message(f.message, r.data, depth)
			c = ','
		}
	}
	w.b = append(w.b, ']')
}

func (w *jsonWriter) value(f *field, num uint64, data []byte, depth int) {
	switch f.kind {
	case fieldMessage:
		w.message(f.message, data, depth)
	case fieldText:
		w.string(data)
	case fieldID:
		w.b = append(hex.AppendEncode(append(w.b, '"'), data), '"')
	case fieldBytes:
		w.b = append(base64.StdEncoding.AppendEncode(append(w.b, '"'), data), '"')
	case fieldBool:
		w.b = strconv.AppendBool(w.b, num != 0)
	case fieldUint32, fieldFixed32:
		w.b = strconv.AppendUint(w.b, uint64(uint32(num)), 10)
	case fieldEnum:
		w.b = strconv.AppendInt(w.b, int64(int32(num)), 10)
	case fieldInt64:
		w.b = append(strconv.AppendInt(append(w.b, '"'), int64(num), 10), '"')
	case fieldFixed64:
		w.b = append(strconv.AppendUint(append(w.b, '"'), num, 10), '"')
	case fieldDouble:
		w.float(math.Float64frombits(num))
	}
}

// float writes a number, or the names protobuf's JSON gives to those that JSON
// has no digits for.
func (w *jsonWriter) float(v float64) {
	switch {
	case math.IsNaN(v):
		w.b = append(w.b, `"NaN"`...)
	case math.IsInf(v, 1):
		w.b = append(w.b, `"Infinity"`...)
	case math.IsInf(v, -1):
		w.b = append(w.b, `"-Infinity"`...)
	default:
		w.b = strconv.AppendFloat(w.b, v, 'g', -1, 64)
	}
}

func (w *jsonWriter) string(s []byte) {
	const digits = "0123456789abcdef"
	b := append(w.b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRune(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[start:i]...), replacement...)
				start = i + 1
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		default:
			b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
		i++
		start = i
	}
	w.b = append(append(b, s[start:]...), '"')
}
