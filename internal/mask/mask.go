package mask

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"unsafe"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
)

// Category is the kind of data that is masked; each has its own variable.
type Category int

// The categories. All but General fall back to General's patterns when their
// own variable is not set.
const (
	General         Category = iota // LUMIGO_SECRET_MASKING_REGEX
	Environment                     // ..._ENVIRONMENT
	RequestHeaders                  // ..._HTTP_REQUEST_HEADERS
	ResponseHeaders                 // ..._HTTP_RESPONSE_HEADERS
	RequestBodies                   // ..._HTTP_REQUEST_BODIES
	ResponseBodies                  // ..._HTTP_RESPONSE_BODIES
	QueryParameters                 // ..._HTTP_QUERY_PARAMS
	categories
)

// Mask stands in the place of each secret.
const Mask = "****"

// Suffix follows a dump that was cut short.
const Suffix = "...[too long]"

// Masker masks by the patterns and secrets it was made with. It is safe for
// concurrent use.
type Masker struct {
	matchers   [categories]*matcher
	secrets    []secret
	compatible bool
	writers    sync.Pool
}

// writer lends a Writer, for release.
func (m *Masker) writer(c Category, limit int) *Writer {
	w, _ := m.writers.Get().(*Writer)
	if w == nil {
		w = &Writer{m: m}
	}
	w.Reset(c, limit)
	return w
}

func (m *Masker) release(w *Writer) { m.writers.Put(w) }

// secret is a text to be replaced wherever it stands.
type secret struct {
	text string
	mark int // the place of the byte by which to look for it: one that is rare in texts
}

// minSecret is the length from which a secret is looked for inside of texts.
// A shorter one must be the whole text, or it would tear holes in all others.
const minSecret = 8

func newSecret(text string) secret {
	mark := strings.IndexFunc(text, func(r rune) bool { return r > ' ' && r < 0x80 && !isAlphanumeric(byte(r)) })
	return secret{text, max(mark, 0)}
}

// in says whether the secret stands in s.
func (x secret) in(s string) bool {
	if len(x.text) < minSecret || len(s) < len(x.text) {
		return s == x.text
	}
	for i := x.mark; ; i++ {
		n := strings.IndexByte(s[i:], x.text[x.mark])
		if n < 0 {
			return false
		}
		i += n
		if strings.HasPrefix(s[i-x.mark:], x.text) {
			return true
		}
	}
}

// New returns the masker that the settings ask for, and a warning for each
// variable that is not valid; the default patterns are in force beside what
// is valid in it. The secrets are replaced wherever they stand in a value;
// secrets shorter than 8 bytes only where they are all of it.
func New(settings config.Masking, secrets []string) (*Masker, []config.Message) {
	m := &Masker{compatible: settings.Compatible}
	for _, text := range secrets {
		if text != "" {
			m.secrets = append(m.secrets, newSecret(text))
		}
	}
	var warnings []config.Message
	defaults := defaultPatterns
	if m.compatible {
		defaults = originalPatterns
	}
	byDefault, _ := newMatcher(defaults)
	// read makes the matcher of one variable, or takes over that of fallback.
	read := func(c Category, p config.Patterns, fallback *matcher) {
		m.matchers[c] = fallback
		if !p.IsSet {
			return
		}
		patterns, all, err := parsePatterns(p.Text, c, m.compatible)
		if all {
			m.matchers[c] = &matcher{all: true}
			return
		}
		if len(patterns) == 0 && c != General && err == nil {
			return // as in the original: an empty list of one category says nothing
		}
		matcher, bad := newMatcher(patterns)
		if bad != nil {
			err = fmt.Errorf("partly unusable (%q cannot be compiled as RE2 regular expressions)", bad)
		}
		if err != nil {
			warnings = append(warnings, config.Message{Level: diag.Warning, Text: explain(p.Name, p.Text, err)})
			if fallback.all {
				return
			}
			matcher, _ = newMatcher(slices.Concat(patterns, fallback.patterns, defaults))
		}
		m.matchers[c] = matcher
	}
	read(General, settings.General, byDefault)
	general := m.matchers[General]
	read(Environment, settings.Environment, general)
	read(RequestHeaders, settings.RequestHeaders, general)
	read(ResponseHeaders, settings.ResponseHeaders, general)
	read(RequestBodies, settings.RequestBodies, general)
	read(ResponseBodies, settings.ResponseBodies, general)
	read(QueryParameters, settings.QueryParameters, general)
	return m, warnings
}

// Matches says whether the value of key is a secret in this category.
func (m *Masker) Matches(c Category, key string) bool {
	return m.matchers[c].matches(key)
}

// Hides says whether everything of this category is masked, as a whole.
func (m *Masker) Hides(c Category) bool { return m.matchers[c].all }

// Redact replaces the secrets that [New] was given, in a text that is masked no
// other way. It returns s itself when there are none in it.
func (m *Masker) Redact(s string) string {
	for _, secret := range m.secrets {
		if secret.in(s) {
			s = strings.ReplaceAll(s, secret.text, Mask)
		}
	}
	return s
}

// redactCut is Redact for a text whose end is missing: the start of a secret
// may have been left there.
func (m *Masker) redactCut(s string) string {
	s = m.Redact(s)
	for _, secret := range m.secrets {
		for n := min(len(secret.text)-1, len(s)); n >= minSecret/2; n-- {
			if strings.HasSuffix(s, secret.text[:n]) {
				return s[:len(s)-n] + Mask
			}
		}
	}
	return s
}

// view gives the bytes as a string without copying them. Its callers use it
// while the bytes stay as they are, and keep no part of it.
func view(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b))
}
