package mask

import "strings"

// loose masks text by the keys in it: lines like "key: value" and key=value,
// broken JSON, and what JavaScript, Python, YAML and shells write. Whatever
// stands after a matching key and ":" or "=" is masked; all else stays as it is.
// A value without quotes goes on until the end of its line, but in code it ends
// as it does there.
func (w *Writer) loose(s string, code bool) string {
	e := splice{s: s}
	ends := "\r\n\""
	switch {
	case code:
		ends = ",;&}])\r\n\""
	case firstByte(s) == '<':
		ends = "<\"" // tags end it
	}
	manyLines := strings.IndexByte(strings.TrimRight(s, "\r\n"), '\n') >= 0
	start := len(s) - len(strings.TrimPrefix(s, bom))
	for i := start; i < len(s); {
		if i == start && !code || i > start && isLineBreak(s[i-1]) {
			if next := w.line(&e, i, manyLines); next > i {
				i = next
				continue
			}
		}
		key, end := looseKey(s, i)
		if end == i {
			i++
			continue
		}
		value := afterKey(s, end)
		if value < 0 || !w.named(w.unescapeKey(key)) {
			if isQuote(s[i]) {
				end = i + 1 // what is quoted may hold keys itself
			}
			i = end
			continue
		}
		for ends[0] == '<' && value < len(s) && s[value] == '<' { // <b>Key:</b> value
			if n := strings.IndexByte(s[value:], '>'); n >= 0 {
				value = skipBlank(s, value+n+1)
			} else {
				value = len(s)
			}
		}
		from, to := looseValue(s, value, ends)
		if s[value-1] == '=' && from == value {
			to = pairEnd(s, from, to)
		}
		if from < to {
			e.replace(from, to, Mask)
		}
		i = max(to, end)
	}
	return e.text()
}

// bom is the byte order mark with which a text may begin.
const bom = "\ufeff"

// looseKey reads a word or a quoted text at i, and gives its end; i when there
// is none.
func looseKey(s string, i int) (key string, end int) {
	if isQuote(s[i]) {
		if i > 0 && s[i-1] == '\\' {
			return "", i
		}
		n := quotedLength(s[i:])
		if n < 0 {
			return "", i
		}
		return s[i+1 : i+n-1], i + n
	}
	end = i
	for end < len(s) && isWord(s[end]) {
		end++
	}
	return s[i:end], end
}

func isQuote(c byte) bool { return c == '"' || c == '\'' || c == '`' }

func isWord(c byte) bool { return wordCharacters[c] }

var wordCharacters = func() (table [256]bool) {
	for c := range table {
		table[c] = isAlphanumeric(byte(c)) || c >= 0x80 || strings.IndexByte("_-.$%", byte(c)) >= 0
	}
	return table
}()

// quotedLength is that of the quoted text at the start of s, with its quotes,
// or negative when it has no end.
func quotedLength(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			return i + 1
		}
	}
	return -1
}

// unescapeKey gives the key that a quoted text stands for.
func (w *Writer) unescapeKey(key string) string {
	if n := strings.IndexByte(key, '\\'); n >= 0 {
		scratch := w.scratch // which may hold the very text that is being read
		w.scratch = nil
		key, _, _ = w.unescape(key+`"`, n)
		w.scratch = scratch
	}
	return key
}

// afterKey is where the value begins that belongs to the key before i, or
// negative when no ":" or "=" follows. Quotes that are escaped, as in JSON in
// a string, and what closes brackets and emphasis may come first.
func afterKey(s string, i int) int {
	for most := i + 100; i < min(len(s), most) && (isBlank(s[i]) || isQuote(s[i]) || strings.IndexByte(`\*)]`, s[i]) >= 0); {
		i++
	}
	if i == len(s) || s[i] != ':' && s[i] != '=' {
		return -1
	}
	for i < len(s) && (s[i] == ':' || s[i] == '=' || s[i] == '>') { // also "=>", ":=" and the like
		i++
	}
	return skipBlank(s, i)
}

// looseValue is where the value at i begins and ends, when one of ends does end
// it unless it is quoted or in brackets.
func looseValue(s string, i int, ends string) (from, to int) {
	quote := i
	for quote < len(s) && s[quote] == '\\' {
		quote++
	}
	if quote < len(s) && isQuote(s[quote]) {
		mark := s[i : quote+1]
		from = quote + 1
		for to = from; to < len(s); to++ {
			if strings.HasPrefix(s[to:], mark) {
				if len(mark) == 1 && strings.HasPrefix(s[to+1:], mark) {
					to++ // it stands for one in the text
					continue
				}
				return from, to
			}
			if s[to] == '\\' {
				to++ // what is escaped ends nothing
				for len(mark) > 1 && to < len(s) && s[to] == '\\' {
					to++
				}
			}
		}
		return from, len(s)
	}
	if i < len(s) && strings.IndexByte("{[(", s[i]) >= 0 {
		return i, i + bracketLength(s[i:])
	}
	for to = i; to < len(s); to++ {
		if strings.IndexByte(ends, s[to]) >= 0 {
			break
		}
		if isQuote(s[to]) && (to+1 == len(s) || !isWord(s[to+1])) { // not an apostrophe
			break
		}
	}
	return i, to
}

// pairEnd is where the value of a pair ends, as in a=1&b=2.
func pairEnd(s string, from, to int) int {
	for i := from; ; i++ {
		n := strings.IndexByte(s[i:to], '&')
		if n < 0 {
			return to
		}
		i += n
		if key := formKeyLength(s[i+1 : to]); key > 0 && i+1+key < to && s[i+1+key] == '=' {
			return i
		}
	}
}

// bracketLength is that of the brackets at the start of s with all they hold.
func bracketLength(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '{', '[', '(':
			depth++
		case '}', ']', ')':
			if depth--; depth == 0 {
				return i + 1
			}
		case '\\':
			i++
		case '"', '\'':
			if i > 0 && isAlphanumeric(s[i-1]) {
				continue // an apostrophe
			}
			n := quotedLength(s[i:])
			if n < 0 {
				return len(s)
			}
			i += n - 1
		}
	}
	return len(s)
}
