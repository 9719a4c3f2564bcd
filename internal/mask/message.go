package mask

import (
	"slices"
	"strings"
)

// Message masks a text that a program wrote for people, such as what an error
// says, and returns s itself when there is nothing to mask. Most of such a text
// is prose, in which a word before a colon is rarely a key, so less is hidden
// than in a body: user-info and queries of URLs, values after "=", quoted ones
// after ":", and others there only if they do not look like words.
func (m *Masker) Message(s string) string { return m.spoken(s, (*Writer).message) }

// Trace is Message for a stack trace. Of the lines of source that Python's have
// in them, only quoted values and user-info are masked.
func (m *Masker) Trace(s string) string { return m.spoken(s, (*Writer).trace) }

func (m *Masker) spoken(s string, mask func(*Writer, string) string) string {
	if s == "" {
		return s
	}
	if m.matchers[General].all {
		return Mask
	}
	w := m.writer(General, -1)
	defer m.release(w)
	return mask(w, m.Links(s))
}

// Links masks the URLs in a text, and nothing else of it.
func (m *Masker) Links(s string) string {
	s = m.Redact(s)
	if !strings.Contains(s, "://") {
		return s
	}
	w := m.writer(QueryParameters, -1)
	defer m.release(w)
	return w.urls(s, false, "')")
}

// Arguments masks those of a command line, in place, and says whether there was
// anything to mask: --password=x, and what follows --password.
func (m *Masker) Arguments(list []string) (masked bool) {
	keys := m.matchers[General]
	for i, argument := range list {
		clean := argument
		switch {
		case keys.all, i > 0 && isSecretFlag(keys, list[i-1]) && !strings.HasPrefix(argument, "-"):
			clean = Mask
		default:
			clean = m.Message(argument)
		}
		if clean != argument {
			list[i], masked = clean, true
		}
	}
	return masked
}

// isSecretFlag says whether an argument names one whose value comes next.
func isSecretFlag(keys *matcher, argument string) bool {
	name := strings.TrimLeft(argument, "-")
	return name != argument && name != "" && strings.IndexByte(name, '=') < 0 && keys.matches(name)
}

// How much a text may be taken for keys and values.
type trust byte

const (
	source trust = iota // of a program: only what is quoted is a value
	prose
	terms // of a search: whatever stands after a key is its value
)

const longestKey = 100 // bytes that are looked back for a key

// message masks keys and values in prose.
func (w *Writer) message(s string) string {
	s = w.aside(s)
	e := splice{s: s}
	w.said(&e, 0, len(s), prose)
	return e.text()
}

// terms masks what the value of a pair, which may be encoded, searches for below
// keys that match, as in q=name:joe, and what URLs it has.
func (w *Writer) terms(value string, keys *matcher) string {
	if strings.IndexByte(value, ':') < 0 && !strings.Contains(value, "%3") { // %3A is ":", %3D is "="
		return value
	}
	own := w.keys
	w.keys, w.inTerms = keys, true
	defer func() { w.keys, w.inTerms = own, false }()
	decoded := decodePercent(value)
	s := decoded
	if strings.Contains(s, "://") {
		s = w.urls(s, false, "")
	}
	e := splice{s: s}
	w.said(&e, 0, len(s), terms)
	switch s = e.text(); {
	case s == decoded:
		return value
	case decoded == value:
		return s
	}
	return encodePercent(s)
}

// trace masks a stack trace: Python's lines of source follow the line of a file,
// and are indented more. All else is prose.
func (w *Writer) trace(s string) string {
	s = w.aside(s)
	e := splice{s: s}
	told, frame := 0, -1 // where the prose began that is not masked yet; how far the last line of a file is indented
	for i := 0; i < len(s); {
		end := len(s)
		if n := strings.IndexByte(s[i:], '\n'); n >= 0 {
			end = i + n
		}
		in := i
		for in < end && strings.IndexByte(" \t|", s[in]) >= 0 { // groups of exceptions are drawn with bars
			in++
		}
		isFile := in > i && strings.HasPrefix(s[in:end], `File "`)
		if isFile || frame >= 0 && in-i > frame {
			w.said(&e, told, i, prose)
			if isFile {
				frame = in - i
			} else {
				w.said(&e, i, end, source)
			}
			told = end
		} else {
			frame = -1
		}
		i = end + 1
	}
	w.said(&e, told, len(s), prose)
	return e.text()
}

// aside masks what is told by marks of its own, before keys are looked for.
func (w *Writer) aside(s string) string {
	return w.duplicates(w.statements(w.pem(s)))
}

// statements masks the statements in what PostgreSQL and SQLAlchemy say of them,
// and the parameters that SQLAlchemy shows by the columns that they are for.
func (w *Writer) statements(s string) string {
	const line, sql, values = "\nLINE 1: ", "[SQL: ", "]\n[parameters: "
	e := splice{s: s}
	for i := 0; ; {
		n := strings.Index(s[i:], line)
		if n < 0 {
			break
		}
		i += n + len(line)
		end := lineEnd(s, i)
		w.statement(&e, i, end)
		i = end
	}
	s = e.text()
	e = splice{s: s}
	for i := 0; ; {
		n := strings.Index(s[i:], sql)
		if n < 0 {
			return e.text()
		}
		i += n + len(sql)
		if n = strings.Index(s[i:], "]\n"); n < 0 {
			n = len(s) - i
		}
		text := s[i : i+n]
		w.statement(&e, i, i+n)
		if i += n; strings.HasPrefix(s[i:], values) {
			i = w.tuple(&e, text, i+len(values))
		}
	}
}

func (w *Writer) statement(e *splice, from, to int) {
	if clean := view(w.m.AppendSQL(nil, e.s[from:to])); clean != e.s[from:to] {
		e.replace(from, to, clean)
	}
}

// tuple masks the parameters of a statement in the tuple at i, or in a list of
// such, as Python writes them, and gives where it ends.
func (w *Writer) tuple(e *splice, sql string, i int) int {
	const longest = 64 << 10
	s := e.s[:min(len(e.s), i+longest)]
	if i == len(s) {
		return i
	}
	var columns []string // by the first tuple's length: the statement is parsed once
	if s[i] != '[' {
		return w.row(e, s, i, sql, &columns)
	}
	for i++; i < len(s) && s[i] != ']' && s[i] != '\n'; {
		if s[i] == '(' {
			i = w.row(e, s, i, sql, &columns)
		} else {
			i++
		}
	}
	return i
}

// row masks one tuple of parameters.
func (w *Writer) row(e *splice, s string, i int, sql string, columns *[]string) int {
	if s[i] != '(' {
		return i
	}
	var places [][2]int
	from, depth := i+1, 0
	add := func(to int) {
		if strings.TrimSpace(s[from:to]) != "" {
			places = append(places, [2]int{from + indent(s[from:to]), to})
		}
		from = to + 1
	}
	for i++; i < len(s) && depth >= 0; i++ {
		switch s[i] {
		case '\'', '"':
			n := quotedLength(s[i:])
			if n < 0 {
				n = len(s) - i // it was cut
			}
			i += n - 1
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth < 0 {
				add(i)
			}
		case ',':
			if depth == 0 {
				add(i)
			}
		}
	}
	if depth >= 0 {
		from = min(from, len(s))
		add(len(s))
	}
	if *columns == nil {
		*columns = w.m.SQLParameterNames(sql, len(places))
	}
	for n, place := range places {
		secret := len(*columns) != len(places) && slices.ContainsFunc(*columns, w.keys.matches)
		if secret || n < len(*columns) && w.keys.matches((*columns)[n]) {
			e.replace(place[0], place[1], "'"+Mask+"'")
		}
	}
	return i
}

// duplicates masks values of which MySQL names the key after them.
func (w *Writer) duplicates(s string) string {
	const before, between = "Duplicate entry '", "' for key '"
	e := splice{s: s}
	for i := 0; ; {
		n := strings.Index(s[i:], before)
		if n < 0 {
			return e.text()
		}
		i += n + len(before)
		n = strings.Index(s[i:], between)
		if n < 0 {
			return e.text()
		}
		key := s[i+n+len(between):]
		if end := strings.IndexByte(key[:min(len(key), longestKey)], '\''); end >= 0 && w.named(key[:end]) {
			e.replace(i, i+n, Mask)
		}
		i += n
	}
}

// said masks the values between two places whose keys match.
func (w *Writer) said(e *splice, from, to int, t trust) {
	r := reading{w, e, from, to, from - 1, t}
	for i := from; i < to; {
		switch c := e.s[i]; {
		case c == '-' && t != terms && i+2 < to && e.s[i+1] == '-' && (i == from || !isWord(e.s[i-1])):
			i = r.flag(i)
		case c != ':' && c != '=':
			i++
		default:
			i = r.pair(i)
		}
	}
}

// reading is what is known of a text while it is read from one place to another.
type reading struct {
	*Writer
	e        *splice
	from, to int
	line     int // where the line ends that was looked at last
	trust    trust
}

// lineEnd is where the line ends that i is in, which goes on from call to call.
func (r *reading) lineEnd(i int) int {
	if i > r.line {
		r.line = lineEnd(r.e.s[:r.to], i)
	}
	return r.line
}

// flag masks what stands after a flag like --password, as one text or as a list
// of quoted ones, and gives where to go on.
func (r *reading) flag(i int) int {
	s, to := r.e.s, r.to
	end := i
	for end < to && end-i < longestKey && isWord(s[end]) {
		end++
	}
	name := strings.Trim(s[i:end], "-")
	if name == "" || end == to || !r.keys.matches(name) {
		return end
	}
	if isQuote(s[end]) { // '--password', 'x'
		value := end + 1
		for value < to && strings.IndexByte(", ", s[value]) >= 0 {
			value++
		}
		if value+1 < to && value > end+1 && s[value] == s[end] && s[value+1] != '-' {
			return r.quoted(value, false)
		}
		return end
	}
	if value := end + indent(s[end:to]); value > end && r.trust == prose {
		if stop := wordEnd(s, value, to); looksSecret(s[value:stop]) {
			r.e.replace(value, stop, Mask)
			return stop
		}
	}
	return end
}

// pair masks the value after the mark at i if the key before it matches, and
// gives where to go on.
func (r *reading) pair(i int) int {
	e, s, to := r.e, r.e.s, r.to
	mark := s[i]
	value := i
	for value < to && strings.IndexByte(":=>", s[value]) >= 0 {
		value++
	}
	after := value
	value += indent(s[value:to])
	if mark == ':' && strings.HasPrefix(s[i:after], "::") || value == to || isLineBreak(s[value]) {
		return value
	}
	start := quoteAt(s[:to], value)
	if start < 0 && r.trust == source {
		return after
	}
	key, before, quoted, list := keyBefore(s, max(r.from, e.done), i)
	if key == "" {
		return after
	}
	if list { // Key (token)=(x), as PostgreSQL says it
		if s[value] == '(' && r.anyNamed(key) {
			if end := strings.LastIndexByte(s[value:r.lineEnd(value)], ')'); end > 0 {
				e.hide(value+1, value+end)
				return value + end
			}
		}
		return after
	}
	if isClass(key) && mark == ':' {
		return after
	}
	if key == "input_value" && mark == '=' && r.trust == prose && r.namedAbove(s, r.from, i) { // as pydantic says it
		end := r.lineEnd(value)
		if n := strings.Index(s[value:end], ", input_type="); n >= 0 {
			end = value + n
		}
		e.hide(value, end)
		return end
	}
	if !r.named(key) {
		return after
	}
	// Between others, as in {user: 'joe', password: 'x'}, it is a key whatever follows.
	among := mark == '=' || quoted || value == after || strings.HasSuffix(before, "{") || strings.HasSuffix(before, ",")
	if start >= 0 {
		return r.quoted(start, !among && r.trust == prose)
	}
	if open := s[value]; strings.IndexByte("{[(", open) >= 0 {
		if quoted || mark == '=' || open == '{' {
			return r.bracketed(value)
		}
		return after
	}
	end := wordEnd(s, value, to)
	word := s[value:end]
	if end < to && s[end] == '(' && isName(word) { // a call, or SecretStr('x')
		if start := quoteAt(s[:to], end+1); start >= 0 && (quoted || mark == '=') {
			return r.quoted(start, false)
		}
		return end
	}
	switch {
	case word == "" || word == Mask:
	case strings.HasSuffix(strings.ToLower(key), "cookie") && isPair(word), strings.EqualFold(word, "Digest"), strings.HasPrefix(word, "AWS4-"):
		for end < to && strings.IndexByte("\r\n\"'", s[end]) < 0 {
			end++
		}
		e.hide(value, end)
	case isScheme(word, key) && end+1 < to && s[end] == ' ':
		end = wordEnd(s, end+1, to)
		e.hide(value, end)
	case isConstant(word) || isPlaceholder(word):
	case mark == ':' && r.trust != terms && isPair(word): // which is looked at by itself
		return after
	case mark == '=' && value == after || r.trust == terms:
		for end < to && (s[end] == '(' || s[end] == '<') { // which a password may have in it
			end = wordEnd(s, end+1, to)
		}
		if end-1 > value && s[end-1] == ':' {
			end--
		}
		e.replace(value, end, Mask)
	case quoted && isNumber(word): // as in JSON
		e.replace(value, end, Mask)
	case mark == ':' && value == after && isNumber(word): // a line, or a port
	case looksSecret(word):
		e.replace(value, end, Mask)
	}
	return end
}

// quoted masks the quoted text at i, which ends with its line at the latest, and
// gives where to go on. doubted says that it must look like a secret.
func (r *reading) quoted(i int, doubted bool) int {
	s := r.e.s[:r.lineEnd(i)]
	from, end := looseValue(s, i, "\r\n")
	end = min(end, len(s))
	if text := s[from:end]; text != Mask && !isConstant(text) && !isPlaceholder(text) && (!doubted || looksSecret(text)) {
		r.e.hide(from, end)
	}
	return min(end+1, r.to)
}

// bracketed masks the brackets at i with all they hold, and gives where to go
// on. Those that do not end are masked to the end of their line.
func (r *reading) bracketed(i int) int {
	const longest = 8 << 10
	part := r.e.s[i:min(r.to, i+longest)]
	n := bracketLength(part)
	if n == len(part) && n < longest && part[n-1] != part[0]+2 && part[n-1] != ')' {
		n = r.lineEnd(i) - i
	}
	if n > 2 {
		r.e.replace(i, i+n, Mask)
	}
	return i + n
}

// keyBefore is the key that ends before the mark at i: a word, a quoted text, or
// the names in brackets; and what stands before it, without blanks.
func keyBefore(s string, from, i int) (key, before string, quoted, list bool) {
	least := max(from, i-longestKey)
	end := i
	for end > least && (s[end-1] == ' ' || s[end-1] == '\t') {
		end--
	}
	if end == least {
		return "", "", false, false
	}
	last := s[end-1]
	if last == ')' {
		if n := strings.LastIndexByte(s[least:end], '('); n >= 0 {
			return s[least+n+1 : end-1], "", false, true
		}
		return "", "", false, false
	}
	if isQuote(last) {
		n := strings.LastIndexByte(s[least:end-1], last)
		if n < 0 || strings.ContainsAny(s[least+n:end], "\r\n") {
			return "", "", false, false
		}
		return strings.TrimSuffix(s[least+n+1:end-1], `\`), "", true, false
	}
	start := end
	for start > least && isWord(s[start-1]) {
		start--
	}
	before = strings.TrimRight(s[least:start], " ")
	if s[i] == ':' && (strings.HasSuffix(before, "/") || strings.HasSuffix(before, `\`)) { // a file
		return "", "", false, false
	}
	return strings.Trim(s[start:end], "-.$%"), before, false, false
}

// anyNamed says whether one of the names in a list matches.
func (w *Writer) anyNamed(list string) bool {
	for name := range strings.SplitSeq(list, ",") {
		if w.named(strings.Trim(name, " \"`")) {
			return true
		}
	}
	return false
}

// namedAbove says whether the line above that of i is nothing but a name that
// matches, or a path to it.
func (w *Writer) namedAbove(s string, from, i int) bool {
	above := s[max(from, i-1000):i]
	n := strings.LastIndexByte(above, '\n')
	if n < 0 {
		return false
	}
	above = strings.TrimRight(above[:n], "\r")
	name := above[strings.LastIndexByte(above, '\n')+1:]
	for part := range strings.SplitSeq(name, ".") {
		if part != "" && strings.IndexByte(part, ' ') < 0 && w.keys.matches(part) {
			return true
		}
	}
	return false
}

// quoteAt is where the quote stands of a text that begins at i, which may be
// bytes like b'x' or be in quotes that are escaped; negative when there is none.
func quoteAt(s string, i int) int {
	start := i
	for start < len(s) && start < i+2 && strings.IndexByte("bBuUrRfF", s[start]) >= 0 {
		start++
	}
	if quote := strings.TrimPrefix(s[min(start, len(s)):], `\`); quote == "" || !isQuote(quote[0]) {
		return -1
	}
	return start
}

// wordEnd is where the word at i ends, which is no text in quotes.
func wordEnd(s string, i, to int) int {
	for start := i; i < to && s[i] > ' '; i++ {
		apostrophe := s[i] == '\'' && i > start && i+1 < to && isAlphanumeric(s[i-1]) && isAlphanumeric(s[i+1])
		if !apostrophe && strings.IndexByte(",;&()[]{}<>\"'`\\", s[i]) >= 0 {
			break
		}
	}
	return i
}

// isClass says whether a word before a colon is what exceptions are called.
func isClass(key string) bool {
	for _, end := range []string{"Error", "Exception", "Warning", "Failure", "Fault"} {
		if strings.HasSuffix(key, end) {
			return true
		}
	}
	return false
}

// isPair says whether a word is a pair like a=1.
func isPair(word string) bool {
	n := strings.IndexByte(word, '=')
	return n > 0 && n+1 < len(word) && word[n+1] != '=' && isName(word[:n])
}

// isScheme says whether a word comes before what authenticates somebody.
func isScheme(word, key string) bool {
	if strings.EqualFold(word, "Bearer") {
		return true
	}
	for _, scheme := range []string{"Basic", "Token", "ApiKey", "Negotiate"} {
		if strings.EqualFold(word, scheme) {
			return strings.HasSuffix(strings.ToLower(key), "authorization")
		}
	}
	return false
}

// isConstant says whether a word stands for nothing that is secret.
func isConstant(word string) bool {
	switch word {
	case "", "None", "null", "nil", "NULL", "undefined", "True", "False", "true", "false", "value":
		return true
	}
	return false
}

// isPlaceholder says whether a value is to be filled in.
func isPlaceholder(value string) bool {
	switch value {
	case "?", "%s", "%r", "%d", "%v", "%q", "%w", "{}", "%":
		return true
	}
	inner, ok := strings.CutPrefix(value, "{")
	if ok {
		inner, ok = strings.CutSuffix(inner, "}")
	} else if inner, ok = strings.CutPrefix(value, "$"); ok {
		ok = isNumber(inner)
	}
	return ok && isName(inner)
}

// isName says whether a text is made of letters, digits and what joins names.
func isName(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isNameByte(s[i]) && s[i] != '.' {
			return false
		}
	}
	return s != ""
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789.") == "" }

// looksSecret says whether a text in prose is likely no word of a language, nor
// the name of something, a path or a small number.
func looksSecret(text string) bool {
	const shortest, shortestOfLetters = 6, 25
	text = strings.TrimRight(text, ".!?")
	letters, digits, joints, others := 0, 0, 0, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case '0' <= c && c <= '9':
			digits++
		case isAlphanumeric(c), c >= 0x80:
			letters++
		case strings.IndexByte("_-./ ", c) >= 0:
			joints++
		default:
			others++
		}
	}
	switch {
	case len(text) < shortest || text[0] == '/' || text[len(text)-1] == ':' || isPlaceholder(text):
		return false
	case digits+others == 0:
		return letters >= shortestOfLetters && joints == 0
	}
	return true
}
