package mask

import "strings"

// table masks the columns of CSV and the like whose headers match. The header is
// looked for in the first lines.
func (w *Writer) table(s string) string {
	const lines, longest = 3, 4096
	i := len(s) - len(strings.TrimPrefix(s, bom))
	for n := range lines {
		i = skipBlank(s, i)
		end := lineEnd(s, i)
		if end == len(s) || end-i > longest {
			break
		}
		if secret, delimiter := w.header(s[i:end], n == 0); secret != nil {
			e := splice{s: s}
			t := cells{s: s, delimiter: delimiter}
			for end < len(s) {
				end = t.row(&e, end+lineBreak(s[end:]), secret)
			}
			return e.text()
		}
		i = end
	}
	return s
}

// header says of the line which of its columns are secret, if one is, and what
// separates them. Only the first line can be the header of a single column.
func (w *Writer) header(line string, first bool) (secret []bool, delimiter byte) {
	const longest = 64
	if strings.ContainsAny(line, "{}<>=:") {
		return nil, 0
	}
	delimiters := ",;\t|"
	if _, end := looseKey(line, 0); first && end == len(line) {
		delimiters = "\n"
	}
	for _, d := range []byte(delimiters) {
		if strings.IndexByte(line+"\n", d) < 0 {
			continue
		}
		t := cells{s: line, delimiter: d}
		var columns []bool
		found := false
		for i := 0; i <= len(line); {
			end := t.end(i)
			name := strings.Trim(line[i:end], " \t\"'")
			matches := len(name) <= longest && w.names(name)
			columns = append(columns, matches)
			found = found || matches
			i = end + 1
		}
		if found && len(columns) > len(secret) {
			secret, delimiter = columns, d
		}
	}
	return secret, delimiter
}

// cells reads the cells of a table.
type cells struct {
	s         string
	delimiter byte
	open      bool // the last cell began with a quote that has no end
	noQuotes  bool // so does each that comes
	found     [][2]int
}

// end is where the cell ends that begins at i.
func (t *cells) end(i int) int {
	start := i
	t.open = false
	for start < len(t.s) && t.s[start] == ' ' {
		start++
	}
	if start < len(t.s) && t.s[start] == '"' && !t.noQuotes {
		for n := start + 1; n < len(t.s); n++ {
			switch {
			case t.s[n] == '\\' && strings.HasPrefix(t.s[n+1:], `"`), strings.HasPrefix(t.s[n:], `""`):
				n++
			case t.s[n] == '"':
				return t.plainEnd(n)
			}
		}
		t.open, t.noQuotes = true, true
	}
	return t.plainEnd(i)
}

func (t *cells) plainEnd(i int) int {
	for i < len(t.s) && t.s[i] != t.delimiter && !isLineBreak(t.s[i]) {
		i++
	}
	return i
}

// row masks the secret columns of the row at i, and gives where it ends. A row
// with more cells than the header has may be misread: then everything from the
// first secret on is masked.
func (t *cells) row(e *splice, i int, secret []bool) int {
	t.found = t.found[:0]
	for column := 0; ; column++ {
		end := t.end(i)
		if column < len(secret) && secret[column] {
			if t.open {
				end = len(t.s)
			}
			t.found = append(t.found, [2]int{i, end})
		}
		if end < len(t.s) && t.s[end] == t.delimiter && !isLineBreak(t.delimiter) {
			i = end + 1
			continue
		}
		if column >= len(secret) && len(t.found) > 0 {
			t.found = append(t.found[:0], [2]int{t.found[0][0], end})
		}
		for _, cell := range t.found {
			e.hide(cell[0], cell[1])
		}
		return end
	}
}
