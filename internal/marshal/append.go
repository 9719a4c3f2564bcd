package marshal

import (
	"encoding/binary"
	"math"
)

// AppendNone and its siblings append one value each. AppendTuple and
// AppendList only announce n elements, which the caller appends next;
// BeginDict is followed by keys and values in turn and by EndDict.
func AppendNone(dst []byte) []byte { return append(dst, 'N') }

func AppendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 'T')
	}
	return append(dst, 'F')
}

func AppendInt(dst []byte, v int64) []byte {
	if v == int64(int32(v)) {
		return binary.LittleEndian.AppendUint32(append(dst, 'i'), uint32(v))
	}
	magnitude, sign := uint64(v), int32(1)
	if v < 0 {
		magnitude, sign = -magnitude, -1
	}
	count := int32(0)
	for m := magnitude; m > 0; m >>= 15 {
		count++
	}
	dst = binary.LittleEndian.AppendUint32(append(dst, 'l'), uint32(count*sign))
	for ; magnitude > 0; magnitude >>= 15 {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(magnitude&0x7FFF))
	}
	return dst
}

func AppendFloat(dst []byte, v float64) []byte {
	return binary.LittleEndian.AppendUint64(append(dst, 'g'), math.Float64bits(v))
}

// AppendString appends a str; Python's reader wants valid UTF-8.
func AppendString(dst []byte, v string) []byte {
	return append(appendSize(dst, 'u', len(v)), v...)
}

func AppendBytes(dst, v []byte) []byte {
	return append(appendSize(dst, 's', len(v)), v...)
}

func AppendTuple(dst []byte, n int) []byte { return appendSize(dst, '(', n) }
func AppendList(dst []byte, n int) []byte  { return appendSize(dst, '[', n) }
func BeginDict(dst []byte) []byte          { return append(dst, '{') }
func EndDict(dst []byte) []byte            { return append(dst, '0') }

func appendSize(dst []byte, kind byte, n int) []byte {
	return binary.LittleEndian.AppendUint32(append(dst, kind), uint32(n))
}
