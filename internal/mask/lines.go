package mask

import "strings"

// line masks what the line at i says of a matching key that it begins with, to
// its end and beyond where the value goes on: in lines that are indented more, in
// the items of a list, below the head of a section. It gives where to go on, or i
// when the line does not begin with such a key.
func (w *Writer) line(e *splice, i int, manyLines bool) int {
	s := e.s
	end := lineEnd(s, i)
	start := i + indent(s[i:end])
	if section := sectionName(s[start:end]); section != "" && w.named(section) {
		next := sectionEnd(s, end)
		e.hide(skipBlank(s, end), lastText(s, next))
		return next
	}
	key, value := lineKey(s[:end], start)
	if key == "" || !w.named(key) {
		return i
	}
	if !manyLines && s[value-1] == '=' && pairEnd(s, value, end) < end {
		return i // a form
	}
	if value == end && s[end-1] == '=' {
		return i // base64
	}
	next := end
	if value < end && strings.IndexByte("\"'`([{\\", s[value]) >= 0 {
		from, to := looseValue(s, value, "\r\n")
		next = lineEnd(s, min(to+1, len(s)))
		if rest := strings.TrimLeft(s[min(to+1, next):next], " \t"); from < to && (rest == "" || strings.IndexByte(",;)]}#", rest[0]) >= 0) {
			e.replace(from, to, Mask)
			return min(to+1, len(s))
		}
	}
	next = continued(s, next, start-i, value == end)
	value = min(skipBlank(s, value), next)
	e.hide(value, next)
	return next
}

// lineKey is the key that the line begins with, which ends with s, and where its
// value begins.
func lineKey(s string, i int) (key string, value int) {
	const longest = 100
	for again := true; again; {
		again = false
		for _, lead := range []string{"- ", "* ", "# ", "// ", "> ", "export ", "set "} {
			if strings.HasPrefix(s[i:], lead) {
				i += len(lead) + indent(s[i+len(lead):])
				again = true
			}
		}
	}
	for n := i; n < min(len(s), i+longest); n++ {
		switch c := s[n]; {
		case c == ':' || c == '=':
			key = strings.Trim(s[i:n], " \t\"'`*()[]+?!")
			for n < len(s) && strings.IndexByte(":=>", s[n]) >= 0 {
				n++
			}
			return key, n + indent(s[n:])
		case !isWord(c) && strings.IndexByte(" \t\"'`*()[]/+?!", c) < 0:
			return "", 0
		}
	}
	return "", 0
}

// continued is where the value ends that began on a line which ends at end and
// is indented so far; empty says that nothing of it stands there.
func continued(s string, end, depth int, empty bool) int {
	first := empty
	for next := end; next < len(s); {
		more := s[next-1] == '\\'
		next += lineBreak(s[next:])
		stop := lineEnd(s, next)
		line := s[next:stop]
		in := indent(line)
		text := line[in:]
		switch {
		case more, text != "" && in > depth:
		case text == "": // belongs to it if the next one does
			next = stop
			continue
		case empty && in == depth && strings.HasPrefix(text, "- "):
		case first && !beginsWithKey(text): // "Your password:", and below it that
			return stop
		default:
			return end
		}
		first = false
		end, next = stop, stop
	}
	return end
}

// beginsWithKey says whether a line has a key and a value of its own.
func beginsWithKey(line string) bool {
	key, value := lineKey(line, 0)
	return key != "" && value < len(line)
}

// sectionName is the name in a line like [name], or empty.
func sectionName(line string) string {
	line = strings.TrimRight(line, " \t")
	if len(line) < 3 || len(line) > 100 || line[0] != '[' || line[len(line)-1] != ']' {
		return ""
	}
	name := strings.Trim(line, "[]\" ")
	if strings.ContainsAny(name, ",{}:=") {
		return ""
	}
	return name
}

// sectionEnd is where the next section begins.
func sectionEnd(s string, i int) int {
	for i < len(s) {
		i += lineBreak(s[i:])
		if i < len(s) && s[i] == '[' {
			return i
		}
		i = lineEnd(s, i)
	}
	return len(s)
}

// lastText is where the text before i ends, without the blanks at its end.
func lastText(s string, i int) int { return len(strings.TrimRight(s[:i], " \t\r\n")) }

func isLineBreak(c byte) bool { return c == '\n' || c == '\r' }

// lineEnd is where the line ends that i is in, without its line break.
func lineEnd(s string, i int) int {
	for i < len(s) && !isLineBreak(s[i]) {
		i++
	}
	return i
}

// lineBreak is the length of the line break that s begins with.
func lineBreak(s string) int {
	switch {
	case strings.HasPrefix(s, "\r\n"):
		return 2
	case s != "" && isLineBreak(s[0]):
		return 1
	}
	return 0
}

// indent is how many blanks a line begins with.
func indent(line string) int {
	n := 0
	for n < len(line) && (line[n] == ' ' || line[n] == '\t') {
		n++
	}
	return n
}

// pem masks keys and the like that stand between lines of -----BEGIN and -----END.
func (w *Writer) pem(s string) string {
	const begin, end, dashes = "-----BEGIN ", "-----END ", "-----"
	e := splice{s: s}
	for i := 0; ; {
		n := strings.Index(s[i:], begin)
		if n < 0 {
			return e.text()
		}
		i += n + len(begin)
		label := s[i:]
		n = strings.Index(label, dashes)
		if n < 0 || n > 100 {
			continue
		}
		label = label[:n]
		i += n + len(dashes)
		if !w.named(label) {
			continue
		}
		to := len(s)
		if n := strings.Index(s[i:], end); n >= 0 {
			to = i + n
		}
		e.hide(i, to)
		i = to
	}
}
