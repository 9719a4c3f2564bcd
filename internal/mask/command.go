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
	if len(words) > 0 && strings.EqualFold(words[0], "ACL") {
		hidden = 2
	}
	for i, word := range words {
		if i > 0 {
			dst = append(dst, ' ')
		}
		if i >= hidden {
			dst = append(dst, Mask...)
			continue
		}
		matches := i > 0 && keys.matches(word)
		if matches || strings.EqualFold(word, "AUTH") || strings.EqualFold(word, "AUTH2") {
			secret, hidden = secret || matches, min(hidden, i+1)
		}
		dst = m.AppendBody(dst, General, []byte(word), false, -1)
	}
	return dst, secret
}
