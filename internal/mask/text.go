package mask

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// splice replaces parts of a text, from left to right. As long as nothing was
// replaced it costs nothing.
type splice struct {
	s    string
	out  []byte
	done int // what of s is in out
}

func (e *splice) replace(from, to int, with string) {
	e.out = append(append(e.out, e.s[e.done:from]...), with...)
	e.done = to
}

func (e *splice) text() string {
	if e.done == 0 {
		return e.s
	}
	e.out = append(e.out, e.s[e.done:]...)
	return view(e.out)
}

// clean masks what a string carries inside: the secrets themselves, JSON,
// multipart bodies and what [Writer.prose] knows. It returns s itself when there
// is nothing to mask; what it returns stays valid until the next call.
func (w *Writer) clean(s string) string {
	s = w.m.Redact(s)
	if looksJSON(s) {
		return w.inside(s)
	}
	if boundary := multipartBoundary(s); boundary != "" {
		return w.multipart(s, boundary)
	}
	return w.prose(s)
}

// prose masks what a text holds that is not JSON: URLs, XML and HTML, tables,
// forms, keys and values, at each of which it looks only if the text may have it.
func (w *Writer) prose(s string) string {
	if strings.Contains(s, "://") {
		s = w.urls(s, false, "")
	}
	if strings.IndexByte(s, '<') >= 0 {
		s = w.markup(s)
	}
	pairs, lines := strings.IndexByte(s, '=') >= 0, strings.IndexByte(s, '\n') >= 0
	if lines {
		s = w.pem(s)
	}
	switch {
	case firstByte(s) == '<':
	case lines:
		s = w.table(s)
	case pairs:
		s = w.form(s, w.keys)
	}
	if pairs || strings.IndexByte(s, ':') >= 0 {
		s = w.loose(s, strings.IndexByte(s, '{') >= 0)
	}
	return s
}

// AppendBody appends a body: JSON in the format of [Writer], forms and other
// text as they are, with what belongs to matching keys masked. Bytes that are
// neither become hexadecimal digits after 0x. Only the first limit characters
// (hexadecimal digits) are appended, without a suffix; a negative limit means
// all. truncated says that the body goes on after what is given of it.
func (m *Masker) AppendBody(dst []byte, c Category, body []byte, truncated bool, limit int) []byte {
	keys := m.matchers[c]
	if len(body) == 0 {
		return dst
	}
	if keys.all {
		return append(dst, Mask...)
	}
	s := decodeUTF16(view(body))
	if truncated {
		s = m.redactCut(dropPartialRune(s))
	} else {
		s = m.Redact(s)
	}
	if !looksStructured(s) && (!utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0) {
		known := s[:keys.firstKey(s)]
		dst = appendHex(dst, known, limit)
		if len(known) < len(s) {
			dst = appendChars(dst, Mask, max(limit-2*len(known), min(limit, 0)))
		}
		return dst
	}
	w := m.writer(c, limit)
	defer m.release(w)
	w.ample = true
	if c := firstByte(s); c == object || c == array {
		s, _ = w.json(s)
	} else {
		s = w.clean(s)
	}
	return appendChars(dst, s, limit)
}

// appendChars appends the first limit characters of s, as valid UTF-8. A
// negative limit means all.
func appendChars(dst []byte, s string, limit int) []byte {
	if limit >= 0 && len(s) > limit {
		end := 0
		for ; end < len(s) && limit > 0; limit-- {
			if s[end] < utf8.RuneSelf {
				end++
				continue
			}
			_, size := utf8.DecodeRuneInString(s[end:])
			end += size
		}
		s = s[:end]
	}
	if utf8.ValidString(s) {
		return append(dst, s...)
	}
	for _, r := range s {
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

func appendHex(dst []byte, s string, limit int) []byte {
	dst = append(dst, "0x"...)
	for i := 0; i < len(s) && limit != 0; i++ {
		dst = append(dst, hexDigits[s[i]>>4])
		if limit--; limit == 0 {
			break
		}
		dst = append(dst, hexDigits[s[i]&0xf])
		limit--
	}
	return dst
}

// looksStructured says whether s is to be masked by key rather than shown in
// hexadecimal when it is not valid UTF-8.
func looksStructured(s string) bool {
	if looksJSON(s) || firstByte(s) == '<' || multipartBoundary(s) != "" {
		return true
	}
	n := formKeyLength(s)
	return n > 0 && n < len(s) && s[n] == '='
}

// firstKey is where the first word ends in binary data that is a matching key,
// since what follows it is likely its value; the end of s when there is none.
func (s *matcher) firstKey(data string) int {
	const shortest = 3
	for i := 0; i < len(data); i++ {
		start := i
		for i < len(data) && isWord(data[i]) && data[i] < utf8.RuneSelf {
			i++
		}
		word := data[start:i]
		if len(word) >= shortest && (s.matches(word) || s.matches(word[1:])) { // its length may stand before it
			return i
		}
	}
	return len(data)
}

// decodeUTF16 turns text in UTF-16 into UTF-8, so that its keys can be read.
func decodeUTF16(s string) string {
	if len(s) < 4 {
		return s
	}
	little := s[:2] == "\xff\xfe" || s[0] != 0 && s[1] == 0
	big := s[:2] == "\xfe\xff" || s[0] == 0 && s[1] != 0
	if !little && !big {
		return s
	}
	units := make([]uint16, 0, len(s)/2)
	for i := 0; i+1 < len(s); i += 2 {
		low, high := s[i], s[i+1]
		if big {
			low, high = high, low
		}
		units = append(units, uint16(high)<<8|uint16(low))
	}
	text := string(utf16.Decode(units))
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && !isBlank(byte(r)) || r == utf8.RuneError }) {
		return s // it is something else
	}
	return strings.TrimPrefix(text, bom)
}

func dropPartialRune(s string) string {
	for n := 1; n < utf8.UTFMax && n <= len(s); n++ {
		if c := s[len(s)-n]; utf8.RuneStart(c) {
			if !utf8.FullRuneInString(s[len(s)-n:]) {
				return s[:len(s)-n]
			}
			break
		}
	}
	return s
}

// form masks pairs like a=1&b=2 by their keys, and JSON in their values.
func (w *Writer) form(s string, keys *matcher) string {
	e := splice{s: s}
	w.pairs(&e, 0, len(s), keys)
	return e.text()
}

// pairs masks the pairs between two places of a text. A pair ends at "&"; at ";"
// another may begin, since readers differ on that, and at "?" in a URL that is
// the value of one.
func (w *Writer) pairs(e *splice, from, to int, keys *matcher) {
	for i := from; i < to; {
		end := to
		if n := strings.IndexByte(e.s[i:to], '&'); n >= 0 {
			end = i + n
		}
		searched := false
		for i < end {
			i = w.pair(e, i, end, keys, &searched)
		}
		i = end + 1
	}
}

// pair masks the pair at i and gives where to go on. searched says that what is
// there up to the end has been taken for a search before.
func (w *Writer) pair(e *splice, i, end int, keys *matcher, searched *bool) int {
	for i < end && e.s[i] == ' ' { // as between cookies
		i++
	}
	equals := i + formKeyLength(e.s[i:end])
	if i < equals && equals < end && e.s[equals] == '=' && strings.Trim(e.s[equals:end], "=") != "" {
		value := e.s[equals+1 : end]
		if keys.matches(decodePercent(e.s[i:equals])) {
			e.replace(equals+1, end, Mask)
			return end
		}
		if startsJSON(value) {
			decoded := decodePercent(value)
			if clean := w.inside(decoded); clean != decoded {
				e.replace(equals+1, end, encodePercent(clean))
			}
			return end
		}
		if !*searched && !w.inTerms {
			*searched = true
			if clean := w.terms(value, keys); clean != value {
				e.replace(equals+1, end, clean)
				return end
			}
		}
	}
	rest := e.s[equals:end]
	if n := strings.IndexByte(rest, ';'); n >= 0 {
		rest = rest[:n]
	}
	if n := strings.IndexByte(rest, '?'); n >= 0 {
		rest = rest[:n]
	}
	return min(equals+len(rest)+1, end)
}

// formKeyLength is the length of what can be the key of a pair. Quotes,
// brackets that are not part of names, blanks and what belongs to URLs end it.
func formKeyLength(s string) int {
	n := 0
	for n < len(s) && !endsFormKey[s[n]] {
		n++
	}
	return n
}

var endsFormKey = func() (table [256]bool) {
	for c := range table {
		table[c] = c <= ' ' || strings.IndexByte("=&;\"'`<>{}/:?,", byte(c)) >= 0
	}
	return table
}()

// startsJSON says whether a value that may be encoded begins as JSON does.
func startsJSON(s string) bool {
	start := decodePercent(s[:min(len(s), 48)])
	return looksJSON(start) || start != "" && strings.Trim(start, " \t\r\n") == ""
}

// decodePercent decodes %XX and "+". What is not valid stays as it is.
func decodePercent(s string) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '+' {
			c = ' '
		}
		if c == '%' && i+2 < len(s) {
			high, ok1 := hexDigit(s[i+1])
			low, ok2 := hexDigit(s[i+2])
			if ok1 && ok2 {
				c = high<<4 | low
				i += 2
			}
		}
		b = append(b, c)
	}
	return view(b)
}

func encodePercent(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isAlphanumeric(c), c == '-', c == '_', c == '.', c == '*':
			b.WriteByte(c)
		case c == ' ':
			b.WriteByte('+')
		default:
			b.WriteByte('%')
			b.WriteByte("0123456789ABCDEF"[c>>4])
			b.WriteByte("0123456789ABCDEF"[c&0xf])
		}
	}
	return b.String()
}

// multipartBoundary is the line that separates the parts of a multipart body,
// or empty when s is none.
func multipartBoundary(s string) string {
	s = strings.TrimPrefix(s, bom)
	s = s[skipBlank(s, 0):]
	if !strings.HasPrefix(s, "--") {
		return ""
	}
	line, rest, ok := strings.Cut(s, "\n")
	line = strings.TrimSuffix(line, "\r")
	if !ok || len(line) < 3 || len(line) > 80 || !strings.Contains(strings.ToLower(rest[:min(len(rest), 1000)]), "content-") {
		return ""
	}
	return line
}

// multipart masks the parts of a multipart form by their names.
func (w *Writer) multipart(s, boundary string) string {
	e := splice{s: s}
	for i := strings.Index(s, boundary); i < len(s); {
		i += len(boundary)
		end := len(s)
		if n := strings.Index(s[i:], "\n"+boundary); n >= 0 {
			end = i + n + 1
		}
		w.part(&e, i, end)
		i = end
	}
	return e.text()
}

// part masks the part of a multipart form between two places.
func (w *Writer) part(e *splice, from, to int) {
	s := e.s[from:to]
	head, blank := len(s), 0
	for _, line := range []string{"\r\n\r\n", "\n\n"} {
		if n := strings.Index(s, line); n >= 0 && n < head {
			head, blank = n, len(line)
		}
	}
	body := from + head + blank
	end := to
	for _, line := range []string{"\n", "\r"} { // the last line break belongs to the boundary
		if end > body && e.s[end-1:end] == line {
			end--
		}
	}
	if body >= end {
		return
	}
	name := partName(s[:head])
	if w.keys.matches(name) {
		e.replace(body, end, Mask)
		return
	}
	text := e.s[body:end]
	if clean := w.embedded(text); clean != text {
		e.replace(body, end, clean)
	}
}

// partName is the value of name= in the head of a part.
func partName(head string) string {
	const attribute = "name="
	for i := 0; i+len(attribute) <= len(head); i++ {
		if !strings.EqualFold(head[i:i+len(attribute)], attribute) || i > 0 && (isAlphanumeric(head[i-1]) || head[i-1] == '*') {
			continue // something else, like filename=
		}
		name := head[i+len(attribute):]
		if n := quotedLength(name); n > 0 && name[0] == '"' {
			return name[1 : n-1]
		}
		if n := strings.IndexAny(name, ";\r\n"); n >= 0 {
			name = name[:n]
		}
		return strings.TrimSpace(name)
	}
	return ""
}
