package mask

import "strings"

// loose masks text that has JSON in it, or looks like it and is not: broken
// JSON, or what JavaScript and Python write. Whatever stands after a matching key and
// ":" or "=" is masked; all else stays as it is.
func (w *Writer) loose(s string) string {
	e := splice{s: s}
	for i := 0; i < len(s); {
		key, end := looseKey(s, i)
		if end == i {
			i++
			continue
		}
		value := afterKey(s, end)
		if value < 0 || !w.keys.matches(w.unescapeKey(key)) {
			if isQuote(s[i]) {
				end = i + 1 // what is quoted may hold keys itself
			}
			i = end
			continue
		}
		from, to := looseValue(s, value)
		if from < to {
			e.replace(from, to, Mask)
		}
		i = max(to, end)
	}
	return e.text()
}

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

func isWord(c byte) bool {
	return isAlphanumeric(c) || c == '_' || c == '-' || c == '.' || c == '$' || c == '%' || c >= 0x80
}

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
		key, _, _ = w.unescape(key+`"`, n)
	}
	return key
}

// afterKey is where the value begins that belongs to the key before i, or
// negative when no ":" or "=" follows. Quotes that are escaped, as in JSON in
// a string, may come first.
func afterKey(s string, i int) int {
	for most := i + 100; i < min(len(s), most) && (isBlank(s[i]) || isQuote(s[i]) || s[i] == '\\'); {
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

// looseValue is where the value at i begins and ends.
func looseValue(s string, i int) (from, to int) {
	quote := i
	for quote < len(s) && s[quote] == '\\' {
		quote++
	}
	if quote < len(s) && isQuote(s[quote]) {
		mark := s[i : quote+1]
		from = quote + 1
		for to = from; to < len(s); to++ {
			if strings.HasPrefix(s[to:], mark) {
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
		if strings.IndexByte(",;&}])\r\n\"", s[to]) >= 0 {
			break
		}
		if isQuote(s[to]) && (to+1 == len(s) || !isWord(s[to+1])) { // not an apostrophe
			break
		}
	}
	return i, to
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
