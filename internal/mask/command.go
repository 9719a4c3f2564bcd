package mask

import "strings"

// AppendCommand appends the words of a command such as Redis's, parted by
// blanks. All words after one that matches are masked, because commands differ
// in which of them is the value, and so is what authenticates somebody; JSON and
// forms in the others are masked inside. secret says that a word matched, so
// that the answer may well be a secret, too.
func (m *Masker) AppendCommand(dst []byte, words []string) (_ []byte, secret bool) {
	keys := m.matchers[General]
	if keys.all {
		return append(dst, Mask...), true
	}
	hidden := len(words) // the first word of which all that follow are masked
	if len(words) > 0 {
		name, rest, whole := strings.Cut(words[0], " ") // clients may send both as one
		switch {
		case !strings.EqualFold(name, "ACL"):
		case whole:
			secret, hidden = keys.matches(rest), 1
		default:
			hidden = 2
		}
	}
	for i, word := range words {
		if i > 0 {
			dst = append(dst, ' ')
		}
		if i >= hidden {
			dst = append(dst, Mask...)
			continue
		}
		matches := i > 0 && (keys.matches(word) || strings.EqualFold(word, "masterauth"))
		if matches || strings.EqualFold(word, "AUTH") || strings.EqualFold(word, "AUTH2") {
			secret, hidden = secret || matches, min(hidden, i+1)
		}
		if i > 0 && isScript(words[:i]) {
			word = m.script(word)
		}
		dst = m.AppendBody(dst, General, []byte(word), false, -1)
	}
	return dst, secret
}

// isScript says whether a script follows the words.
func isScript(words []string) bool {
	switch last := words[len(words)-1]; len(words) {
	case 1:
		return strings.EqualFold(last, "EVAL") || strings.EqualFold(last, "EVAL_RO") || strings.EqualFold(last, "SCRIPT LOAD") || strings.EqualFold(last, "FUNCTION LOAD")
	case 2, 3: // FUNCTION LOAD REPLACE
		return strings.EqualFold(words[1], "LOAD")
	}
	return false
}

// script masks what is quoted in Lua after what matches or authenticates, up to
// the end of the call.
func (m *Masker) script(s string) string {
	keys := m.matchers[General]
	e := splice{s: s}
	hidden, end := false, -1
	for i := 0; i < len(s); i++ {
		if i > end {
			hidden, end = false, lineEnd(s, i)
		}
		switch c := s[i]; {
		case c == ')':
			hidden = false
		case strings.HasPrefix(s[i:], "--"): // a comment
			i = end
		case c == '\'' || c == '"':
			from, to := i+1, end
			if n := quotedLength(s[i:end]); n > 0 {
				to = i + n - 1
			}
			if hidden {
				e.hide(from, to)
			}
			text := s[from:to]
			hidden = hidden || keys.matches(text) || strings.EqualFold(text, "AUTH") || strings.EqualFold(text, "masterauth")
			i = to
		}
	}
	return e.text()
}
