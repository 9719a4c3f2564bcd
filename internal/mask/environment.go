package mask

import "strings"

// AppendEnvironment appends the environment, given as "NAME=value" texts, as
// one JSON object in the order given, masked by name. The limit is that of
// [Masker.NewWriter].
func (m *Masker) AppendEnvironment(dst []byte, environ []string, limit int) []byte {
	w := m.writer(Environment, limit)
	defer m.release(w)
	w.BeginObject()
	for _, variable := range environ {
		name, value, ok := strings.Cut(variable, "=")
		if !ok || name == "" { // what Windows keeps there is no variable
			continue
		}
		w.Key(name)
		w.String(value)
	}
	w.End()
	return w.AppendTo(dst)
}
