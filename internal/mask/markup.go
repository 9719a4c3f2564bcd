package mask

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// identifies says whether the value of an attribute says what the element is
// about, as in <input name="password" value="...">.
func identifies(attribute string) bool {
	switch attribute {
	case "name", "key", "k", "property", "itemprop", "id", "type":
		return true
	}
	return false
}

// isTitle says whether the text of an element is the name of what the next one
// holds, as in <key>password</key><string>...</string>.
func isTitle(element string) bool {
	switch element[strings.LastIndexByte(element, ':')+1:] {
	case "key", "name", "k", "td", "th", "dt":
		return true
	}
	return false
}

// isHollow says whether an element of HTML has neither content nor an end.
func isHollow(element string) bool {
	switch element {
	case "input", "meta", "link", "param", "img", "br", "hr", "base", "embed", "source":
		return true
	}
	return false
}

// markup masks XML and HTML: the content of elements and the values of attributes
// whose names match, and of those that get such a name from another attribute or
// from the element before. What is escaped in texts and values is masked inside.
func (w *Writer) markup(s string) string {
	e := splice{s: s}
	t := tags{s: s}
	text := 0      // where the text begins that stands before the next tag
	title := false // within an element that names another
	found := false // its text matches
	next := false  // so the next element is to be hidden
	for t.next() {
		w.escaped(&e, text, t.from)
		found = found || title && w.names(s[text:t.from])
		text = t.to
		if t.closing {
			ends := isTitle(t.name)
			next = ends && found
			title = title && !ends
			continue
		}
		hidden := next || w.named(t.name)
		next = false
		if isTitle(t.name) {
			title, found = true, false
		}
		values := hidden || t.cut // what they are the values of may have been to come
		for _, a := range t.attributes {
			if identifies(a.name) && w.names(s[a.from:a.to]) {
				values = true
				hidden = hidden || a.name != "id" && a.name != "type"
			}
		}
		for _, a := range t.attributes {
			if w.named(a.name) || values && !identifies(a.name) {
				e.hide(a.from, a.to)
			} else {
				w.escaped(&e, a.from, a.to)
			}
		}
		switch {
		case !hidden:
			continue
		case !t.empty:
			t.to = t.content()
		case isHollow(t.name):
			t.to = textEnd(s, t.to)
		}
		e.hide(text, t.to)
		found = title && w.names(withoutTags(s[text:t.to])) // hidden itself, it may still be a name
		text = t.to
	}
	w.escaped(&e, text, len(s))
	return e.text()
}

// hide replaces what stands between two places, unless it is blank.
func (e *splice) hide(from, to int) {
	if from < to && strings.TrimSpace(e.s[from:to]) != "" {
		e.replace(from, to, Mask)
	}
}

// withoutTags is the text of what is short enough for a name, or empty.
func withoutTags(s string) string {
	var b strings.Builder
	for len(s) < 1000 {
		text, rest, ok := strings.Cut(s, "<")
		b.WriteString(text)
		if _, s, _ = strings.Cut(rest, ">"); !ok {
			break
		}
	}
	return b.String()
}

// textEnd is where the next tag begins.
func textEnd(s string, i int) int {
	if n := strings.IndexByte(s[i:], '<'); n >= 0 {
		return i + n
	}
	return len(s)
}

// names says whether a text or a value is a key that matches.
func (w *Writer) names(s string) bool {
	const most = 256
	s = strings.TrimSpace(s)
	return s != "" && len(s) <= most && w.named(unescapeEntities(s))
}

// named says whether a key matches, by itself or by its last part: of ns:key,
// settings.key or "Its key".
func (w *Writer) named(key string) bool {
	if w.keys.matches(key) {
		return true
	}
	n := strings.LastIndexAny(key, ".:/ \t\"'`*([")
	return n >= 0 && n+1 < len(key) && w.keys.matches(key[n+1:])
}

// escaped masks what a text or a value holds once its entities are resolved, or
// that is to be found only where it begins: keys in lines, headers of tables.
func (w *Writer) escaped(e *splice, from, to int) {
	s := e.s[from:to]
	plain := unescapeEntities(s)
	if plain == s && (strings.IndexByte(s, '\n') < 0 || len(s) == len(e.s)) || strings.TrimSpace(s) == "" {
		return
	}
	switch clean := w.embedded(plain); {
	case clean == plain:
	case plain == s:
		e.replace(from, to, clean)
	default:
		e.replace(from, to, escapeEntities(clean))
	}
}

// embedded is clean for a text within a text.
func (w *Writer) embedded(s string) string {
	if w.level >= maxLevel {
		return Mask
	}
	w.level++
	s = w.clean(s)
	w.level--
	return s
}

// tags reads the tags of a text, one after another.
type tags struct {
	s          string
	strict     bool   // comments and CDATA hold no tags
	name       string // in lower case; of an instruction with its "?"
	from, to   int    // with the brackets
	attributes []attribute
	closing    bool // </name>
	empty      bool // it has no content
	cut        bool // it has no end

	noQuote [2]bool // no '"' and no "'" follows any more
}

type attribute struct {
	name     string // in lower case
	from, to int    // of its value, without quotes
}

// next goes on to the next tag.
func (t *tags) next() bool {
	s := t.s
	for i := t.to; i < len(s); {
		n := strings.IndexByte(s[i:], '<')
		if n < 0 {
			return false
		}
		t.from = i + n
		if t.strict {
			if length := sectionLength(s[t.from:]); length > 0 {
				i = t.from + length
				continue
			}
		}
		i = t.from + 1
		t.closing = i < len(s) && s[i] == '/'
		if t.closing {
			i++
		}
		start := i
		if i < len(s) && s[i] == '?' {
			i++
		}
		if i == len(s) || !isAlphanumeric(s[i]) && s[i] != '_' && s[i] < utf8.RuneSelf {
			continue
		}
		for i < len(s) && !endsName[s[i]] {
			i++
		}
		t.name = strings.ToLower(s[start:i])
		t.rest(i)
		return true
	}
	return false
}

// sectionLength is that of the comment or CDATA that s begins with, or 0.
func sectionLength(s string) int {
	for _, section := range [][2]string{{"<!--", "-->"}, {"<![CDATA[", "]]>"}} {
		if strings.HasPrefix(s, section[0]) {
			if n := strings.Index(s, section[1]); n >= 0 {
				return n + len(section[1])
			}
			return len(s)
		}
	}
	return 0
}

// endsName has the characters that end the name of an element or attribute.
var endsName = [256]bool{' ': true, '\t': true, '\r': true, '\n': true, '>': true, '/': true, '<': true, '=': true}

// rest reads the attributes of a tag, and its end.
func (t *tags) rest(i int) {
	s := t.s
	t.attributes = t.attributes[:0]
	t.empty = isHollow(t.name) || t.name[0] == '?'
	for i < len(s) {
		switch c := s[i]; {
		case c == '>':
			t.empty = t.empty || s[i-1] == '/'
			t.to = i + 1
			return
		case c == '<': // this one has no end
			t.to = i
			return
		case isBlank(c) || c == '/' || c == '=':
			i++
			continue
		}
		start := i
		for i < len(s) && !endsName[s[i]] {
			i++
		}
		name := s[start:i]
		if i = skipBlank(s, i); i == len(s) || s[i] != '=' {
			continue
		}
		i = skipBlank(s, i+1)
		a := attribute{name: strings.ToLower(name), from: i}
		if n := t.quotedLength(i); n > 0 {
			a.from, a.to = i+1, i+n-1
			i += n
		} else {
			for i < len(s) && !isBlank(s[i]) && s[i] != '>' {
				i++
			}
			a.to = i
		}
		t.attributes = append(t.attributes, a)
	}
	t.to, t.cut = len(s), true
}

// quotedLength is that of the value in quotes at i, or 0 when there is none.
func (t *tags) quotedLength(i int) int {
	kind := 0
	switch {
	case i == len(t.s):
		return 0
	case t.s[i] == '\'':
		kind = 1
	case t.s[i] != '"':
		return 0
	}
	if t.noQuote[kind] {
		return 0
	}
	n := strings.IndexByte(t.s[i+1:], t.s[i])
	if n < 0 {
		t.noQuote[kind] = true
		return 0
	}
	return n + 2
}

// content is where the content of the element that the tag begins has its end:
// at its end tag, or with the text.
func (t *tags) content() int {
	inner := tags{s: t.s, to: t.to, strict: true, noQuote: t.noQuote}
	for depth := 1; inner.next(); {
		switch {
		case inner.name != t.name:
		case inner.closing:
			if depth--; depth == 0 {
				return inner.from
			}
		case !inner.empty:
			depth++
		}
	}
	return len(t.s)
}

// unescapeEntities resolves the entities of XML and those of numbers.
func unescapeEntities(s string) string {
	n := strings.IndexByte(s, '&')
	if n < 0 {
		return s
	}
	b := append(make([]byte, 0, len(s)), s[:n]...)
	for i := n; i < len(s); {
		if r, size := entity(s[i:]); size > 0 {
			b = utf8.AppendRune(b, r)
			i += size
		} else {
			b = append(b, s[i])
			i++
		}
	}
	return view(b)
}

// entity is the one that s begins with; size is 0 when there is none.
func entity(s string) (r rune, size int) {
	const longest = len("&#x0010ffff;")
	n := strings.IndexByte(s[:min(len(s), longest)], ';')
	if s[0] != '&' || n < 0 {
		return 0, 0
	}
	switch name := s[1:n]; name {
	case "lt":
		return '<', n + 1
	case "gt":
		return '>', n + 1
	case "amp":
		return '&', n + 1
	case "quot":
		return '"', n + 1
	case "apos":
		return '\'', n + 1
	case "colon":
		return ':', n + 1
	case "equals":
		return '=', n + 1
	default:
		digits, ok := strings.CutPrefix(name, "#")
		base := 10
		if ok && digits != "" && digits[0]|0x20 == 'x' {
			digits, base = digits[1:], 16
		}
		code, err := strconv.ParseUint(digits, base, 31)
		if !ok || err != nil {
			return 0, 0
		}
		return rune(code), n + 1
	}
}

var entities = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;")

func escapeEntities(s string) string { return entities.Replace(s) }
