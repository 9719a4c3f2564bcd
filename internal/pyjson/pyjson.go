// Package pyjson writes texts and numbers as Python's json.dumps does.
package pyjson

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
	"unicode/utf8"
	"unsafe"
)

const hexDigits = "0123456789abcdef"

// plainASCII tells the characters that stand for themselves in a JSON string.
var plainASCII = func() (table [256]bool) {
	for c := ' '; c <= '~'; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

// allPlain is plainASCII for eight characters at once. It may err on the side of
// false.
func allPlain(x uint64) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	quote, backslash := x^(ones*'"'), x^(ones*'\\')
	special := x | (x + ones) | (x - ones*' ') | // beyond ASCII; DEL; control characters
		((quote - ones) &^ quote) | ((backslash - ones) &^ backslash)
	return special&highs == 0
}

// AppendString appends s as a JSON string, in which all that is not printable
// ASCII is escaped, and says how many characters it has. What is not UTF-8
// becomes U+FFFD, but for the lone surrogates that Python's strings can hold.
func AppendString(b []byte, s string) (quoted []byte, chars int) {
	b = append(b, '"')
	start, i := 0, 0
	raw := unsafe.Slice(unsafe.StringData(s), len(s)) // only read
	for i < len(s) {
		if i+8 <= len(s) && allPlain(binary.LittleEndian.Uint64(raw[i:])) {
			i += 8
			continue
		}
		c := s[i]
		if plainASCII[c] {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		chars += i - start + 1
		if c < utf8.RuneSelf {
			i++
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, `\n`...)
			case '\r':
				b = append(b, `\r`...)
			case '\t':
				b = append(b, `\t`...)
			case '\b':
				b = append(b, `\b`...)
			case '\f':
				b = append(b, `\f`...)
			default:
				b = appendUnicode(b, rune(c))
			}
		} else {
			r, size := decodeRune(s[i:])
			i += size
			if r >= 0x10000 {
				r -= 0x10000
				b = appendUnicode(b, 0xd800+r>>10)
				r = 0xdc00 + r&0x3ff
			}
			b = appendUnicode(b, r)
		}
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"'), chars + len(s) - start
}

func appendUnicode(b []byte, r rune) []byte {
	return append(b, '\\', 'u', hexDigits[r>>12&0xf], hexDigits[r>>8&0xf], hexDigits[r>>4&0xf], hexDigits[r&0xf])
}

// decodeRune is utf8.DecodeRuneInString that also knows lone surrogates, which
// Python's strings can hold, as the three bytes that UTF-8 would make of them.
func decodeRune(s string) (rune, int) {
	r, size := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && size == 1 && len(s) >= 3 && s[0] == 0xed && s[1]&0xe0 == 0xa0 && s[2]&0xc0 == 0x80 {
		return 0xd000 | rune(s[1]&0x3f)<<6 | rune(s[2]&0x3f), 3
	}
	return r, size
}

// AppendRune is utf8.AppendRune that also knows lone surrogates.
func AppendRune(b []byte, r rune) []byte {
	if 0xd800 <= r && r < 0xe000 {
		return append(b, 0xed, 0x80|byte(r>>6&0x3f), 0x80|byte(r&0x3f))
	}
	return utf8.AppendRune(b, r)
}

// AppendFloat appends f as Python's repr does, and with json.dumps' words for what
// JSON lacks.
func AppendFloat(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "NaN"...)
	case math.IsInf(f, 1):
		return append(b, "Infinity"...)
	case math.IsInf(f, -1):
		return append(b, "-Infinity"...)
	}
	if size := math.Abs(f); size != 0 && (size < 1e-4 || size >= 1e16) {
		return strconv.AppendFloat(b, f, 'e', -1, 64)
	}
	start := len(b)
	b = strconv.AppendFloat(b, f, 'f', -1, 64)
	if bytes.IndexByte(b[start:], '.') < 0 {
		b = append(b, ".0"...)
	}
	return b
}
