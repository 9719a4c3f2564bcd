package mask

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"regexp"
	"strings"
	"sync/atomic"
	"unicode/utf8"
)

// originalPatterns is the original's default list.
var originalPatterns = []string{
	".*pass.*", ".*key.*", ".*secret.*", ".*credential.*", ".*passphrase.*",
	"SessionToken", "x-amz-security-token", "Signature", "Authorization",
}

// defaultPatterns is ours: the original's, and what leaks through it.
var defaultPatterns = append(originalPatterns[:len(originalPatterns):len(originalPatterns)],
	".*token.*", ".*passw.*", ".*pwd.*", "cookie", "set-cookie", ".*authorization.*", ".*dsn.*", ".*database_url.*",
	// Of signed URLs, as the semantic conventions ask for url.full.
	".*signature.*", "sig$",
)

// parsePatterns reads the text of a masking variable. all says that it is the
// word "all", in any case.
func parsePatterns(text string, c Category, compatible bool) (patterns []string, all bool, err error) {
	originalFails := compatible && c == General // the original knows "all" in the other variables only
	if strings.EqualFold(strings.TrimSpace(text), "all") && !originalFails {
		return nil, true, nil
	}
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return nil, false, errors.New("not a JSON array")
	}
	switch value := value.(type) {
	case []any:
		for _, v := range value {
			s, ok := v.(string)
			if !ok {
				return nil, false, errors.New("not an array of strings")
			}
			patterns = append(patterns, s)
		}
		return patterns, false, nil
	case string: // the original takes it for a list of characters
		if compatible {
			return strings.Split(value, ""), false, nil
		}
	case map[string]any, nil: // and these for empty lists
		if compatible {
			return nil, false, nil
		}
	}
	return nil, false, errors.New("not an array of strings")
}

// matcher decides whether a key is that of a secret, by one list of patterns.
type matcher struct {
	all      bool     // every payload is secret as a whole
	patterns []string // those that could be compiled

	// A pattern of plain text, like .*pass.* or cookie, needs no regular
	// expression in a key of printable ASCII. other is made of the patterns
	// that are not plain, whole of all of them; nil when there is none.
	anywhere, atStart [][]byte
	other, whole      *regexp.Regexp

	verdicts verdicts
}

// newMatcher compiles the patterns. Those that cannot be compiled are left out
// and returned.
func newMatcher(patterns []string) (s *matcher, bad []string) {
	s = &matcher{verdicts: verdicts{seed: maphash.MakeSeed()}}
	var whole, others []string
	for _, p := range patterns {
		if _, err := regexp.Compile("(?i)(?:" + p + ")"); err != nil {
			bad = append(bad, p)
			continue
		}
		s.patterns = append(s.patterns, p)
		whole = append(whole, "(?:"+p+")")
		if text, anywhere := plain(p); text == nil {
			others = append(others, "(?:"+p+")")
		} else if anywhere {
			s.anywhere = append(s.anywhere, text)
		} else {
			s.atStart = append(s.atStart, text)
		}
	}
	s.other, s.whole = alternatives(others), alternatives(whole)
	return s, bad
}

// alternatives matches any of the patterns at the start of a text, or is nil.
func alternatives(patterns []string) *regexp.Regexp {
	if len(patterns) == 0 {
		return nil
	}
	return regexp.MustCompile(`(?i)\A(?:` + strings.Join(patterns, "|") + ")")
}

// plain gives the text, in lower case, of a pattern that looks for nothing but
// that text, or nil.
func plain(pattern string) (text []byte, anywhere bool) {
	p, anywhere := strings.CutPrefix(pattern, ".*")
	p = strings.TrimSuffix(p, ".*")
	for i := 0; i < len(p); i++ {
		if c := p[i]; c != '-' && c != '_' && !isAlphanumeric(c) {
			return nil, false
		}
	}
	if p == "" {
		return nil, false
	}
	return bytes.ToLower([]byte(p)), anywhere
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
}

// matches says whether key is that of a secret.
func (s *matcher) matches(key string) bool {
	switch {
	case s.all:
		return true
	case s.whole == nil:
		return false
	case len(key) > maxCachedKey:
		return s.decide(key)
	}
	return s.verdicts.get(key, s)
}

// decide is matches without the cache.
func (s *matcher) decide(key string) bool {
	var array [maxCachedKey]byte
	lower := array[:0]
	if len(key) > len(array) {
		lower = make([]byte, 0, len(key))
	}
	for i := 0; i < len(key); i++ {
		c := key[i]
		if c < ' ' || c >= utf8.RuneSelf {
			return s.whole.MatchString(key)
		}
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		lower = append(lower, c)
	}
	for _, text := range s.anywhere {
		if bytes.Contains(lower, text) {
			return true
		}
	}
	for _, text := range s.atStart {
		if bytes.HasPrefix(lower, text) {
			return true
		}
	}
	return s.other != nil && s.other.MatchString(key)
}

// verdicts remembers the decisions on the keys seen last, because the same
// keys come again and again. It is a table of fixed size, at most about 200 KB;
// a key's place follows from its hash, and reading takes no lock.
type verdicts struct {
	seed  maphash.Seed
	slots [verdictSets][verdictWays]atomic.Pointer[verdict]
}

const (
	maxCachedKey = 128 // bytes; longer keys are decided anew each time
	verdictSets  = 256
	verdictWays  = 4
)

type verdict struct {
	key     string
	matches bool
}

func (v *verdicts) get(key string, s *matcher) bool {
	hash := maphash.String(v.seed, key)
	set := &v.slots[hash%verdictSets]
	place := int(hash>>32) % verdictWays // whom to replace when all are taken
	for i := range set {
		known := set[i].Load()
		if known == nil {
			place = i
			break
		}
		if known.key == key {
			return known.matches
		}
	}
	matches := s.decide(key)
	// The key may be part of a buffer that lives on, so it is copied.
	set[place].Store(&verdict{strings.Clone(key), matches})
	return matches
}

// explain words the one warning about a variable.
func explain(name, text string, why error) string {
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "") + "..."
	}
	return fmt.Sprintf("%s: %q is %v; the default masking patterns stay in force", name, text, why)
}
