package mask

// AppendSQL appends an SQL text with the literals masked that are compared
// with, assigned to or inserted into a column whose name matches.
func (m *Masker) AppendSQL(dst []byte, text string) []byte {
	return append(dst, m.redact(text)...)
}

// SQLParameterNames gives the column that each of n positional parameters is
// for, or "" where it is not known.
func (m *Masker) SQLParameterNames(text string, n int) []string {
	return make([]string, n)
}
