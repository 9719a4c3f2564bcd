package mask

import (
	"slices"
	"strconv"
	"strings"
	"sync"
)

// AppendSQL appends an SQL text with the literals masked that are compared
// with, assigned to or inserted into a column whose name matches, or that
// stand for a password in a statement about users. JSON in other literals is
// masked inside. It reads the text by its tokens only, whatever the dialect;
// apart from the literals the text stays as it is.
func (m *Masker) AppendSQL(dst []byte, text string) []byte {
	keys := m.matchers[General]
	if keys.all {
		return append(dst, Mask...)
	}
	text = m.Redact(text)
	p := parsers.Get().(*sqlParser)
	defer p.release()
	p.parse(text, keys)
	w := m.writer(General, -1)
	defer m.release(w)
	e := splice{s: text}
	for _, t := range p.tokens {
		if !t.isLiteral() || t.role == sqlLabel {
			continue
		}
		literal := text[t.from:t.to]
		switch {
		case t.column != "" && keys.matches(t.column):
			if t.kind == sqlQuoted {
				e.replace(t.from, t.to, `"`+Mask+`"`)
			} else {
				e.replace(t.from, t.to, "'"+Mask+"'")
			}
		case t.kind == sqlText && literal[0] == '\'' && (startsJSON(literal[1:]) || strings.IndexByte(literal, '=') >= 0 || strings.Contains(literal, "://")):
			inner := strings.ReplaceAll(strings.TrimSuffix(literal[1:], "'"), "''", "'")
			clean := ""
			if looksJSON(inner) {
				clean = w.inside(inner)
			} else { // host=db password=x
				clean = m.Message(inner)
			}
			if clean != inner {
				e.replace(t.from, t.to, "'"+strings.ReplaceAll(clean, "'", "''")+"'")
			}
		}
	}
	return append(dst, e.text()...)
}

// SQLParameterNames gives for each of n positional parameters ("?", "%s", "$1",
// ":1") the column that it is compared with, assigned to or inserted into, and
// "" where that is not known. When the text does not have n such places and one
// of them is for a column that matches, every parameter gets that column, lest
// the wrong ones be masked.
func (m *Masker) SQLParameterNames(text string, n int) []string {
	names := make([]string, n)
	keys := m.matchers[General]
	p := parsers.Get().(*sqlParser)
	defer p.release()
	p.parse(text, keys)
	next, places, secret := 0, 0, ""
	for _, t := range p.tokens {
		if t.kind != sqlPlaceholder {
			continue
		}
		place := next
		if number, err := strconv.Atoi(text[t.from+1 : t.to]); err == nil {
			place = number - 1
		} else {
			next++
		}
		places = max(places, place+1)
		if t.column == "" || place < 0 {
			continue
		}
		if keys.matches(t.column) {
			secret = t.column
		}
		if place < n && (names[place] == "" || !keys.matches(names[place])) {
			names[place] = strings.Clone(t.column)
		}
	}
	if places != n && secret != "" {
		for i := range names {
			names[i] = strings.Clone(secret)
		}
	}
	return names
}

// SQLNamedParameters gives the names of the parameters (":name", "%(name)s",
// "@name") that stand for a column whose name matches.
func (m *Masker) SQLNamedParameters(text string) []string {
	keys := m.matchers[General]
	p := parsers.Get().(*sqlParser)
	defer p.release()
	p.parse(text, keys)
	var names []string
	for _, t := range p.tokens {
		if t.kind == sqlNamed && t.column != "" && keys.matches(t.column) {
			name := strings.TrimSuffix(strings.TrimLeft(text[t.from:t.to], ":@%("), ")s")
			names = append(names, strings.Clone(name))
		}
	}
	return names
}

type sqlKind byte

const (
	sqlWord        sqlKind = iota // a name or a keyword
	sqlQuoted                     // "name", or what MySQL takes for a text
	sqlName                       // `name` or [name]
	sqlText                       // 'text' or $$text$$
	sqlNumber                     //
	sqlPlaceholder                // ?, %s, $1, :1
	sqlNamed                      // :name, %(name)s, @name
	sqlOperator                   // a run of operator characters
	sqlPoint                      // one of ( ) [ ] , ; .
)

// sqlLabel is the role of a literal that is a name, as 'a' in data->>'a'.
const sqlLabel = 1

type sqlToken struct {
	from, to int
	kind     sqlKind
	role     byte
	column   string // what the value is for, if it is one
}

func (t sqlToken) isLiteral() bool {
	return t.kind == sqlText || t.kind == sqlNumber || t.kind == sqlQuoted
}

// sqlParser finds out what column each value in a text is for.
type sqlParser struct {
	s      string
	tokens []sqlToken
	keys   *matcher
	frames []sqlFrame
}

var parsers = sync.Pool{New: func() any { return new(sqlParser) }}

func (p *sqlParser) release() {
	if cap(p.tokens) > 10_000 || cap(p.frames) > 1_000 { // do not hold on to the largest text ever seen
		p.tokens, p.frames = nil, nil
	}
	parsers.Put(p)
}

// sqlFrame is what is known within one pair of brackets.
type sqlFrame struct {
	kind  byte     // '(' or 'c' for CASE
	outer string   // the column that the brackets as a whole are for
	name  string   // the column named last
	own   string   // the column that the values here are for
	names []string // the columns of the values here, by position
	at    int      // the position
	rows  []string // the columns of the rows that may follow: VALUES (...), (...)
	once  bool     // there is one row only: (a, b) = (...)
	lists []string // the columns of the lists of rows: IN ((...), (...))
	until bool     // BETWEEN: the next AND belongs to it

	values      int // where rows begin whose columns are not known: (VALUES (...))
	first, last int // where such rows are in the bracket that has ended last
}

// column is what a value in the frame is for; one that is to be masked wins.
func (f *sqlFrame) column(keys *matcher) string {
	positional := ""
	if f.at < len(f.names) {
		positional = f.names[f.at]
	}
	found := ""
	for _, name := range [...]string{f.own, positional, f.outer} {
		if name == "" {
			continue
		}
		if keys.matches(name) {
			return name
		}
		if found == "" {
			found = name
		}
	}
	return found
}

// clear begins a new expression.
func (f *sqlFrame) clear() { f.own, f.name, f.until = "", "", false }

func (p *sqlParser) parse(s string, keys *matcher) {
	p.s, p.keys = s, keys
	if !p.tokenize(true) && strings.IndexByte(s, '\\') >= 0 {
		// Dialects differ on whether a backslash escapes a quote. Where that
		// leaves a text without end, it does not.
		if closed := p.tokenize(false); !closed {
			p.tokenize(true)
		}
	}
	p.resolve()
	p.s = ""
}

// sqlWords are the keywords that say something about columns and values.
var sqlWords = func() map[string]byte {
	words := map[string]byte{}
	for role, list := range map[byte]string{
		'o': "LIKE ILIKE RLIKE REGEXP GLOB MATCH IN IS",
		'b': "BETWEEN",
		'a': "AND",
		'c': "CASE",
		'e': "END",
		'v': "VALUES VALUE",
		's': "SELECT",
		'f': "FROM",
		'i': "IDENTIFIED",
		'x': "OR XOR WHERE GROUP ORDER HAVING LIMIT OFFSET FETCH UNION EXCEPT INTERSECT RETURNING SET ON USING JOIN " +
			"LEFT RIGHT INNER OUTER CROSS FULL NATURAL WINDOW WHEN THEN ELSE INTO UPDATE DELETE INSERT REPLACE",
		'n': "NOT NULL TRUE FALSE DEFAULT DISTINCT ALL ANY SOME AS TO FOR BY WITH ESCAPE BINARY COLLATE ARRAY ROW " +
			"EXISTS INTERVAL DATE TIME TIMESTAMP SIMILAR SYMMETRIC OVERRIDING SYSTEM USER VALID ENCRYPTED UNENCRYPTED",
	} {
		for _, w := range strings.Fields(list) {
			words[w] = role
		}
	}
	return words
}()

// role is that of a keyword, or 0.
func (p *sqlParser) role(t sqlToken) byte {
	var upper [12]byte
	n := t.to - t.from
	if t.kind != sqlWord || n > len(upper) {
		return 0
	}
	for i := 0; i < n; i++ {
		c := p.s[t.from+i]
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		upper[i] = c
	}
	return sqlWords[string(upper[:n])]
}

// is says whether token i exists and is this one character.
func (p *sqlParser) is(i int, c byte) bool {
	return i >= 0 && i < len(p.tokens) && p.tokens[i].kind == sqlPoint && p.s[p.tokens[i].from] == c
}

// resolve sets the columns of the tokens.
func (p *sqlParser) resolve() {
	p.frames = append(p.frames[:0], sqlFrame{})
	var pending []string // a list of columns whose values come
	reverse := -1        // a literal that is compared with what comes
	for i := 0; i < len(p.tokens); i++ {
		t := &p.tokens[i]
		f := &p.frames[len(p.frames)-1]
		switch t.kind {
		case sqlPoint:
			if p.s[t.from] != '.' {
				reverse = -1
			}
			switch p.s[t.from] {
			case '(', '[':
				if names, next := p.columnList(i); names != nil {
					pending = names
					i = next - 1
					continue
				}
				p.aliases(i, f)
				p.push(p.bracket(i, f))
			case ')', ']':
				p.pop('(')
				if f.values > 0 && len(p.frames) > 0 {
					outer := &p.frames[len(p.frames)-1]
					outer.first, outer.last = f.values, i
				}
			case ',':
				f.clear()
				f.at++
			case ';':
				p.frames = append(p.frames[:0], sqlFrame{})
				pending = nil
			}
		case sqlOperator:
			op := p.s[t.from:t.to]
			if strings.HasPrefix(op, "->") || strings.HasPrefix(op, "#>") { // what follows names a part of a JSON value
				if i+1 < len(p.tokens) && p.tokens[i+1].kind == sqlText {
					i++
					p.tokens[i].role = sqlLabel
					p.setName(f, strings.Trim(p.s[p.tokens[i].from:p.tokens[i].to], "'{}"))
				}
				continue
			}
			if !strings.ContainsAny(op, "=<>~!@") {
				continue // an operator within a value
			}
			if pending != nil {
				f.rows, f.once, pending = pending, true, nil
				continue
			}
			if f.name != "" {
				f.own = f.name
			}
			if i > 0 && f.own == "" && p.tokens[i-1].kind >= sqlText && p.tokens[i-1].kind <= sqlNamed {
				reverse = i - 1
				continue
			}
			reverse = -1
		case sqlText, sqlNumber, sqlPlaceholder, sqlNamed:
			p.value(i, f)
			if t.kind == sqlNamed && t.column == "" { // a variable can be assigned to
				p.setName(f, p.s[t.from+1:t.to])
			}
		default:
			reverse, pending = p.word(i, f, reverse, pending)
		}
	}
}

// word reads a name or a keyword.
func (p *sqlParser) word(i int, f *sqlFrame, reverse int, pending []string) (int, []string) {
	t := &p.tokens[i]
	switch role := p.role(*t); role {
	case 'o':
		if pending != nil {
			f.lists = pending
			return -1, nil
		}
		f.own = f.name
	case 'b':
		f.own, f.until = f.name, true
	case 'a':
		if f.until {
			f.until = false
		} else {
			f.clear()
		}
	case 'c':
		p.push(sqlFrame{kind: 'c', outer: f.column(p.keys)})
	case 'e':
		p.pop('c')
	case 'v':
		if i > 0 && p.equal(i-1, "BY") { // IDENTIFIED BY VALUES 'text'
			return -1, pending
		}
		f.clear()
		f.rows, f.once = pending, false
		if pending == nil && p.is(i-1, '(') {
			f.values = i + 1
		}
		return -1, nil
	case 's':
		f.clear()
		f.names, f.at = pending, 0
		return -1, nil
	case 'f', 'x':
		if role == 'f' && f.own != "" && strings.EqualFold(p.s[p.tokens[i-1].from:p.tokens[i-1].to], "distinct") {
			return -1, pending // IS DISTINCT FROM
		}
		f.clear()
		f.names, f.rows, f.lists = nil, nil, nil
		if i+1 < len(p.tokens) && p.tokens[i+1].kind == sqlText && p.equal(i, "REPLACE") {
			f.own = "password" // IDENTIFIED BY 'new' REPLACE 'old'
		}
		if f.kind == '(' || role == 'x' {
			return -1, nil
		}
	case 'i':
		f.own = "password"
		if i+2 < len(p.tokens) && p.equal(i+1, "BY") && !p.equal(i+2, "RANDOM") && !(i+3 < len(p.tokens) && p.tokens[i+3].isLiteral()) {
			if word := &p.tokens[i+2]; word.kind == sqlWord { // as Oracle has it, without quotes
				word.kind = sqlText
			}
		}
	case 'n':
		return reverse, pending
	default:
		if p.is(i+1, '.') || p.is(i+1, '(') { // the name of a table, or of a function
			return reverse, pending
		}
		if t.kind == sqlQuoted { // a text after all, where a secret is expected
			if column := f.column(p.keys); column != "" && p.keys.matches(column) || f.at < len(f.names) {
				p.value(i, f)
				return -1, pending
			}
		}
		name := p.name(*t)
		if reverse >= 0 {
			p.tokens[reverse].column = name
		}
		if i > 1 && p.equal(i-1, "AS") && p.keys.matches(name) {
			p.named(i-2, name)
		}
		p.setName(f, name)
	}
	return -1, pending
}

// value settles what the value at i is for.
func (p *sqlParser) value(i int, f *sqlFrame) {
	t := &p.tokens[i]
	t.column = f.column(p.keys)
	if f.rows != nil && p.role(p.tokens[i-1]) == 'v' { // VALUES %s, which stands for a row
		if n := slices.IndexFunc(f.rows, p.keys.matches); n >= 0 {
			t.column = f.rows[n]
		}
	}
	if i > 1 && t.kind == sqlText && p.tokens[i-1].kind == sqlWord && p.tokens[i-1].to == t.from {
		i-- // E'text'
	}
	if i == 0 || t.column != "" && p.keys.matches(t.column) {
		return
	}
	// PASSWORD 'text', and the like
	if before := p.tokens[i-1]; before.kind <= sqlName && before.to < t.from && p.role(before) == 0 {
		if name := p.name(before); p.keys.matches(name) {
			t.column = name
		}
	} else if f.name != "" && p.role(before) == 'n' && p.keys.matches(f.name) {
		t.column = f.name
	}
}

// named says what the value is called that ends at i, which may be cast.
func (p *sqlParser) named(i int, name string) {
	if i > 1 && p.tokens[i].kind == sqlWord && p.tokens[i-1].kind == sqlOperator && p.s[p.tokens[i-1].from:p.tokens[i-1].to] == "::" {
		i -= 2
	}
	if t := &p.tokens[i]; t.isLiteral() || t.kind == sqlPlaceholder || t.kind == sqlNamed {
		t.column = name
	}
}

// aliases gives the rows in the bracket that has just ended the columns that
// are listed in the bracket at i: (VALUES (...), (...)) AS name (a, b).
func (p *sqlParser) aliases(i int, f *sqlFrame) {
	if f.last == 0 || i-f.last < 2 || i-f.last > 3 || p.tokens[i-1].kind > sqlName {
		return
	}
	var names []string
	secret := false
	for i++; i < len(p.tokens) && !p.is(i, ')'); i++ {
		if p.tokens[i].kind <= sqlName {
			names = append(names, p.name(p.tokens[i]))
			secret = secret || p.keys.matches(names[len(names)-1])
		}
	}
	if !secret {
		return
	}
	depth, at := 0, 0
	for k := f.first; k < f.last; k++ {
		switch t := &p.tokens[k]; {
		case p.is(k, '('):
			if depth++; depth == 1 {
				at = 0
			}
		case p.is(k, ')'):
			depth--
		case p.is(k, ',') && depth == 1:
			at++
		case depth > 0 && t.kind >= sqlQuoted && t.kind <= sqlNamed && t.kind != sqlName && at < len(names) && p.keys.matches(names[at]):
			t.column = names[at]
		}
	}
}

// equal says whether token i is this word.
func (p *sqlParser) equal(i int, word string) bool {
	t := &p.tokens[i]
	return t.to-t.from == len(word) && t.kind == sqlWord && strings.EqualFold(p.s[t.from:t.to], word)
}

// setName notes the name of a column. One that matches is kept until the end of
// the expression.
func (p *sqlParser) setName(f *sqlFrame, name string) {
	if f.name == "" || !p.keys.matches(f.name) {
		f.name = name
	}
}

// name is a token without its quotes.
func (p *sqlParser) name(t sqlToken) string {
	name := p.s[t.from:t.to]
	if t.kind == sqlQuoted || t.kind == sqlName {
		name = strings.Trim(name, "\"`[]")
	}
	return name
}

// bracket is the frame that the bracket at i opens within f.
func (p *sqlParser) bracket(i int, f *sqlFrame) sqlFrame {
	inner := sqlFrame{kind: '(', outer: f.column(p.keys)}
	if i > 0 && p.tokens[i-1].kind == sqlWord {
		// PASSWORD('text'), and functions that take keys
		function := p.s[p.tokens[i-1].from:p.tokens[i-1].to]
		if strings.EqualFold(function, "password") || strings.Contains(strings.ToLower(function), "crypt") {
			inner.outer = "password"
		}
		if len(function) == len("set_config") && strings.EqualFold(function, "set_config") && i+1 < len(p.tokens) && p.tokens[i+1].kind == sqlText {
			if name := strings.Trim(p.s[p.tokens[i+1].from:p.tokens[i+1].to], "'"); p.keys.matches(name) {
				p.tokens[i+1].role, inner.outer = sqlLabel, name
			}
		}
	}
	switch {
	case f.rows != nil:
		inner.names = f.rows
		if f.once {
			f.rows = nil
		}
	case f.lists != nil:
		inner.rows = f.lists
		f.lists = nil
	}
	return inner
}

func (p *sqlParser) push(f sqlFrame) { p.frames = append(p.frames, f) }

// pop closes the innermost frame of a kind, and those left open in it. The
// column named within goes on to be the last one: lower(password) = 'text'.
func (p *sqlParser) pop(kind byte) {
	for n := len(p.frames) - 1; n > 0; n-- {
		f := p.frames[n]
		p.frames = p.frames[:n]
		if f.name != "" && f.names == nil {
			p.setName(&p.frames[n-1], f.name)
		}
		if f.kind == kind {
			return
		}
		if kind == 'c' { // END of something else
			p.frames = p.frames[:n+1]
			return
		}
	}
}

// columnList reads the list of names in the bracket at i, if values for them
// follow, and gives where to go on.
func (p *sqlParser) columnList(i int) (names []string, next int) {
	j, count := i+1, 0
	for ; j < len(p.tokens) && !p.is(j, ')'); j++ { // first without keeping them
		if t := p.tokens[j]; t.kind > sqlName && !p.is(j, ',') && !p.is(j, '.') {
			return nil, 0
		}
		if p.is(j, ',') {
			count++
		}
	}
	if j == i+1 || j >= len(p.tokens) {
		return nil, 0
	}
	next = j + 1
	follows := false
	for k := next; k < len(p.tokens) && k < next+4 && !follows; k++ {
		switch t := p.tokens[k]; {
		case t.kind == sqlOperator:
			follows = k == next && count > 0 && strings.IndexByte(p.s[t.from:t.to], '=') >= 0
			k = len(p.tokens)
		case p.role(t) == 'v' || p.role(t) == 's':
			follows = true
		case p.role(t) == 'o':
			follows = k == next && count > 0
			k = len(p.tokens)
		case p.is(k, '(') && (k == next || p.equal(k-1, "AS")): // (SELECT, and AS (VALUES
		case t.kind != sqlWord || p.role(t) == 'x' || p.role(t) == 'f':
			k = len(p.tokens)
		}
	}
	if !follows {
		return nil, 0
	}
	for name := ""; i < j; {
		i++
		if p.is(i, ',') || p.is(i, ')') {
			names = append(names, name)
			name = ""
		} else if p.tokens[i].kind <= sqlName {
			name = p.name(p.tokens[i])
		}
	}
	return names, next
}

// tokenize splits the text. closed is false when its last text has no end.
func (p *sqlParser) tokenize(backslash bool) (closed bool) {
	s := p.s
	p.tokens = p.tokens[:0]
	closed = true
	for i := 0; i < len(s); {
		from, c := i, s[i]
		kind := sqlPoint
		switch {
		case c <= ' ':
			i++
			continue
		case strings.HasPrefix(s[i:], "--") || c == '#' && (i+1 == len(s) || s[i+1] == ' '):
			i = endOf(s, i, "\n")
			continue
		case strings.HasPrefix(s[i:], "/*!"): // MySQL runs what follows
			i += 3
			continue
		case strings.HasPrefix(s[i:], "/*"):
			i = endOf(s, i+2, "*/")
			continue
		case c == '\'':
			kind = sqlText
			i, closed = quotedEnd(s, i, backslash)
		case c == '"':
			kind = sqlQuoted
			i, closed = quotedEnd(s, i, backslash)
		case c == '`':
			kind = sqlName
			i, closed = quotedEnd(s, i, false)
		case c == '[' && bracketName(s, i) > 0:
			kind = sqlName
			i += bracketName(s, i)
		case c == '$':
			n := 1
			for i+n < len(s) && isNameByte(s[i+n]) {
				n++
			}
			switch {
			case i+n < len(s) && s[i+n] == '$': // $tag$text$tag$
				kind = sqlText
				tag := s[i : i+n+1]
				end := strings.Index(s[i+n+1:], tag)
				closed = end >= 0
				i = len(s)
				if closed {
					i = from + n + 1 + end + len(tag)
				}
			case n > 1:
				kind = sqlPlaceholder
				i += n
			default:
				i++
			}
		case c == '?' && !(i+1 < len(s) && (s[i+1] == '|' || s[i+1] == '&')):
			kind = sqlPlaceholder
			i++
			for i < len(s) && '0' <= s[i] && s[i] <= '9' {
				i++
			}
		case strings.HasPrefix(s[i:], "%s"):
			kind = sqlPlaceholder
			i += 2
		case strings.HasPrefix(s[i:], "%("):
			kind = sqlNamed
			i = endOf(s, i, ")s")
		case (c == ':' || c == '@') && i+1 < len(s) && (isNameByte(s[i+1]) || s[i+1] == c && c == '@'):
			kind = sqlNamed
			if c == ':' && '0' <= s[i+1] && s[i+1] <= '9' {
				kind = sqlPlaceholder
			}
			for i++; i < len(s) && (isNameByte(s[i]) || s[i] == '@'); i++ {
			}
		case '0' <= c && c <= '9' || c == '.' && i+1 < len(s) && '0' <= s[i+1] && s[i+1] <= '9' && !(from > 0 && isNameByte(s[from-1])):
			kind = sqlNumber
			for i < len(s) && (isNameByte(s[i]) || s[i] == '.') {
				i++
			}
		case isNameByte(c):
			kind = sqlWord
			for i < len(s) && (isNameByte(s[i]) || s[i] == '$' || s[i] == '#') {
				i++
			}
		case strings.IndexByte("=<>!~|&+-*/^%:@#?", c) >= 0:
			kind = sqlOperator
			for i++; i < len(s) && strings.IndexByte("=<>!~|&+*/^:@#", s[i]) >= 0 || i < len(s) && s[i] == '-' && s[i-1] != '-'; i++ {
				if strings.HasPrefix(s[i:], "/*") || (s[i] == ':' || s[i] == '@') && i+1 < len(s) && isNameByte(s[i+1]) && s[i-1] != ':' && s[i-1] != '@' {
					break
				}
			}
			for i < len(s) && s[i] == '>' {
				i++
			}
		default:
			i++
		}
		p.tokens = append(p.tokens, sqlToken{from: from, to: i, kind: kind})
	}
	return closed
}

func isNameByte(c byte) bool { return isAlphanumeric(c) || c == '_' || c >= 0x80 }

// endOf is where the mark ends that comes next after i.
func endOf(s string, i int, mark string) int {
	if n := strings.Index(s[i:], mark); n >= 0 {
		return i + n + len(mark)
	}
	return len(s)
}

// quotedEnd is where the quoted text ends that begins at i. A doubled quote
// does not end it.
func quotedEnd(s string, i int, backslash bool) (end int, closed bool) {
	quote := s[i]
	for i++; i < len(s); i++ {
		switch {
		case s[i] == '\\' && backslash:
			i++
		case s[i] != quote:
		case i+1 < len(s) && s[i+1] == quote:
			i++
		default:
			return i + 1, true
		}
	}
	return len(s), false
}

// bracketName is the length of the name in brackets at i, or 0 when they are
// those of an array.
func bracketName(s string, i int) int {
	if i > 0 && (isNameByte(s[i-1]) || s[i-1] == ']') {
		return 0
	}
	for n := 1; i+n < len(s); n++ {
		switch c := s[i+n]; {
		case c == ']' && n > 1:
			return n + 1
		case n == 1 && '0' <= c && c <= '9', !isNameByte(c) && c != ' ' && c != '-' && c != '$':
			return 0
		}
	}
	return 0
}
