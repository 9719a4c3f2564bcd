package mask

import (
	"strconv"
	"strings"

	"github.com/lumigo-io/opentelemetry-distro/internal/pyjson"
)

// outcome is how reading JSON ended.
type outcome int

const (
	complete outcome = iota // at the end of the text
	short                   // the text ended before the document did
	filled                  // the Writer needs no more
	broken                  // the text is not JSON
)

// document writes s as the JSON document that it holds, if it does.
func (w *Writer) document(s string) bool {
	if len(w.stack) == 0 && strings.HasSuffix(s, Suffix) { // dumped before: the original leaves it as it is
		s = strings.TrimSuffix(s, Suffix)
		if !w.m.compatible {
			s = w.clean(w.m.redactCut(s))
		}
		w.buf = append(w.buf, s...)
		w.bare, w.full = true, true
		return true
	}
	if c := firstByte(s); c != object && c != array {
		return false
	}
	if w.m.compatible && s[0] != object { // it knows neither arrays nor leading blanks
		return false
	}
	before := *w
	if _, result, many := w.documents(s); result == filled || result == complete && !many {
		return true
	}
	before.buf, before.stack = w.buf[:len(before.buf)], w.stack[:len(before.stack)]
	before.inner, before.scratch = w.inner, w.scratch
	*w = before
	return false
}

// inside masks what looks like JSON in a string. The result is s itself when
// nothing in it was masked, or else stays valid until the next call.
func (w *Writer) inside(s string) string {
	if w.level == maxLevel {
		return Mask
	}
	if w.inner == nil {
		w.inner = &Writer{m: w.m}
	}
	w.inner.level = w.level + 1
	limit := w.limit
	if limit >= 0 {
		limit = max(limit-len(w.buf), 0)
	}
	w.inner.Reset(w.c, limit)
	w.inner.ample = true
	text, masked := w.inner.json(s)
	if !masked {
		return s
	}
	return text
}

// json dumps what looks like JSON, cut short or not. From where it turns out to
// be something else it goes on as text.
func (w *Writer) json(s string) (text string, masked bool) {
	if firstByte(s) == '"' { // it may begin with cells in quotes
		if text := w.table(s); text != s {
			return w.prose(text), true
		}
	}
	n, result, _ := w.documents(s)
	if result != broken {
		return view(w.buf), w.masked > 0 || result == filled
	}
	if strings.Trim(s[:n], bom+" \t\r\n[") == "" { // [section], which only looks like JSON
		text := w.prose(s)
		return text, text != s
	}
	rest := w.loose(s[n:], true)
	if w.masked == 0 && rest == s[n:] {
		return s, false
	}
	w.buf = append(w.buf, rest...)
	return view(w.buf), true
}

// maxLevel bounds how deep JSON is looked for in strings of JSON.
const maxLevel = 8

// documents reads JSON documents until the end of s. It writes a line break
// between them, and says whether there were many. When the result is broken,
// end is where the text goes on after what was written.
func (w *Writer) documents(s string) (end int, result outcome, many bool) {
	i := len(s) - len(strings.TrimPrefix(s, bom))
	text, written := -1, 0 // the document before, if it is a string
	for {
		start, before := skipBlank(s, i), len(w.buf)
		n, result := w.scan(s[i:])
		if result == broken && text >= 0 && (s[i] == ':' || s[i] == '=') { // it was a key
			w.buf = w.buf[:written]
			return text, broken, many
		}
		text, written = -1, before
		if start < len(s) && s[start] == '"' {
			text = start
		}
		i += n
		if result != complete {
			return i, result, many
		}
		if i = skipBlank(s, i); i == len(s) {
			return i, complete, many
		}
		if w.m.compatible {
			return i, broken, many
		}
		w.buf = append(w.buf, '\n')
		many = true
	}
}

// scan reads one JSON document and returns where it ends; or, when it is broken,
// where the text goes on after the last item that could be written. It accepts what
// Python's json.loads does and, unless in compatible mode, control characters
// and unknown escapes in strings.
func (w *Writer) scan(s string) (int, outcome) {
	base := len(w.stack)
	i := 0
	sure, written := 0, len(w.buf) // up to where s is understood, and what that has come to
	giveUp := func() (int, outcome) {
		w.buf = w.buf[:written]
		return sure, broken
	}
	for {
		// A value comes, or the end of an empty array.
		if i = skipBlank(s, i); i == len(s) {
			return i, short
		}
		open := false
		switch s[i] {
		case object:
			w.BeginObject()
			i, open = i+1, true
		case array:
			w.BeginArray()
			i, open = i+1, true
		case '"':
			text, n, ok := w.unquote(s[i+1:])
			if !ok {
				return giveUp()
			}
			if n < 0 {
				w.partial(text)
				return len(s), short
			}
			i += 1 + n
			if w.value() {
				w.text(text)
			}
		default:
			n := literalLength(s[i:])
			if !w.literal(s[i:i+n], i+n == len(s)) {
				return giveUp()
			}
			i += n
		}
		// Then the ends of containers, and what leads to the next value.
		for {
			if w.full {
				return i, filled
			}
			if w.hidden == 0 {
				sure, written = i, len(w.buf)
			}
			if len(w.stack) == base {
				return i, complete
			}
			if i = skipBlank(s, i); i == len(s) {
				return i, short
			}
			c, in := s[i], w.top()
			if c == in+2 { // the closing bracket
				w.End()
				i, open = i+1, false
				continue
			}
			if !open {
				if c != ',' {
					return giveUp()
				}
				if i = skipBlank(s, i+1); i == len(s) {
					return i, short
				}
			}
			if in == array {
				break
			}
			if s[i] != '"' {
				return giveUp()
			}
			key, n, ok := w.unquote(s[i+1:])
			if !ok {
				return giveUp()
			}
			if n < 0 {
				return len(s), short // a key without a value says nothing
			}
			w.Key(key)
			if i = skipBlank(s, i+1+n); i == len(s) {
				return i, short
			}
			if s[i] != ':' {
				return giveUp()
			}
			i++
			break
		}
	}
}

// partial writes a string whose end is missing.
func (w *Writer) partial(text string) {
	if !w.value() {
		return
	}
	w.text(w.m.redactCut(text))
	if n := len(w.buf); !w.full && w.buf[n-1] == '"' {
		w.buf = w.buf[:n-1]
	}
}

// literal writes a number, true, false or null; or, when it is last in the
// text, what may have been the start of one.
func (w *Writer) literal(text string, last bool) bool {
	switch text {
	case "null", "true", "false", "NaN", "Infinity", "-Infinity":
	default:
		whole, ok := parseNumber(text)
		if !ok && !(last && text != "" && !w.m.compatible) {
			return false
		}
		if ok && !whole {
			f, _ := strconv.ParseFloat(text, 64) // out of range becomes infinite, as in Python
			w.Float(f)
			return true
		}
		if text == "-0" {
			text = "0"
		}
	}
	w.Number(text)
	return true
}

func literalLength(s string) int {
	n := 0
	for n < len(s) && (isAlphanumeric(s[n]) || s[n] == '-' || s[n] == '+' || s[n] == '.') {
		n++
	}
	return n
}

// parseNumber says whether s is a JSON number, and whether it has neither
// fraction nor exponent.
func parseNumber(s string) (whole, ok bool) {
	digits := func() bool {
		n := 0
		for n < len(s) && '0' <= s[n] && s[n] <= '9' {
			n++
		}
		s = s[n:]
		return n > 0
	}
	s = strings.TrimPrefix(s, "-")
	if strings.HasPrefix(s, "0") {
		s = s[1:]
	} else if !digits() {
		return false, false
	}
	whole = s == ""
	if strings.HasPrefix(s, ".") {
		s = s[1:]
		if !digits() {
			return false, false
		}
	}
	if s != "" && s[0]|0x20 == 'e' {
		s = s[1:]
		if s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		if !digits() {
			return false, false
		}
	}
	return whole, s == ""
}

// unquote reads a JSON string whose opening quote has been read, and returns
// its text and where in s it ends; n is negative when its closing quote is
// missing. The text stays valid until the next call. ok is false when it is
// not valid, in compatible mode only.
func (w *Writer) unquote(s string) (text string, n int, ok bool) {
	strict := w.m.compatible
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return s[:i], i + 1, true
		case c == '\\':
			return w.unescape(s, i)
		case c < ' ' && strict:
			return "", 0, false
		}
	}
	return s, -1, !strict
}

// unescape is unquote from the first backslash on.
func (w *Writer) unescape(s string, i int) (text string, n int, ok bool) {
	strict := w.m.compatible
	b := append(w.scratch[:0], s[:i]...)
	n = -1
scan:
	for i < len(s) {
		c := s[i]
		i++
		if c == '"' {
			n = i
			break
		}
		if c != '\\' {
			if c < ' ' && strict {
				return "", 0, false
			}
			b = append(b, c)
			continue
		}
		if i == len(s) {
			break
		}
		c = s[i]
		i++
		switch c {
		case 'n':
			b = append(b, '\n')
		case 't':
			b = append(b, '\t')
		case 'r':
			b = append(b, '\r')
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case '"', '\\', '/':
			b = append(b, c)
		case 'u':
			r, size := unescapeUnicode(s[i:])
			if size == 0 {
				if len(s)-i < 4 && strings.IndexByte(s[i:], '"') < 0 {
					break scan // cut short within the escape
				}
				if strict {
					return "", 0, false
				}
				b = append(b, 'u')
			} else {
				b = pyjson.AppendRune(b, r)
			}
			i += size
		default: // not JSON, but many a reader takes it for the character itself
			if strict {
				return "", 0, false
			}
			b = append(b, c)
		}
	}
	w.scratch = b
	return view(b), n, n >= 0 || !strict
}

// unescapeUnicode reads the digits after \u, and the second half of a pair.
func unescapeUnicode(s string) (r rune, size int) {
	r, ok := hex4(s)
	if !ok {
		return 0, 0
	}
	if 0xd800 <= r && r < 0xdc00 && len(s) >= 10 && s[4] == '\\' && s[5] == 'u' {
		if low, ok := hex4(s[6:]); ok && 0xdc00 <= low && low < 0xe000 {
			return (r-0xd800)<<10 | (low - 0xdc00) + 0x10000, 10
		}
	}
	return r, 4
}

func hex4(s string) (r rune, ok bool) {
	if len(s) < 4 {
		return 0, false
	}
	for i := 0; i < 4; i++ {
		d, ok := hexDigit(s[i])
		if !ok {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, true
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

func skipBlank(s string, i int) int {
	for i < len(s) && isBlank(s[i]) {
		i++
	}
	return i
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// firstByte is the first that is neither blank nor byte order mark, or 0.
func firstByte(s string) byte {
	s = strings.TrimPrefix(s, bom)
	if i := skipBlank(s, 0); i < len(s) {
		return s[i]
	}
	return 0
}

// looksJSON says whether s may hold keys of JSON.
func looksJSON(s string) bool {
	c := firstByte(s)
	return c == object || c == array || c == '"'
}
