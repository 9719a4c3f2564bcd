package mask

import (
	"bytes"

	"github.com/lumigo-io/opentelemetry-distro/internal/pyjson"
)

const hexDigits = "0123456789abcdef"

// quote writes s as a JSON string and returns how many characters it has. What
// lies beyond the limit may be left out.
func (w *Writer) quote(s string) (chars int) {
	if w.limit >= 0 && !w.m.compatible { // a character takes at most four bytes, and at least one when written
		if most := 4 * (max(w.limit-len(w.buf), 0) + 1); len(s) > most {
			s = s[:most]
		}
	}
	w.buf, chars = pyjson.AppendString(w.buf, s)
	return chars
}

// appendRepr writes bytes as Python's repr does.
func appendRepr(dst, b []byte) []byte {
	quote := byte('\'')
	if bytes.IndexByte(b, '\'') >= 0 && bytes.IndexByte(b, '"') < 0 {
		quote = '"'
	}
	dst = append(dst, 'b', quote)
	for _, c := range b {
		switch {
		case c == quote || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c < ' ' || c > '~':
			dst = append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&0xf])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, quote)
}
