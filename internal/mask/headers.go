package mask

import "strings"

// Header is one line of a request's or response's header.
type Header struct {
	Name, Value string
}

// AppendHeaders appends headers as one JSON object, masked by name. The values
// of a name that comes repeatedly, in whichever case, are joined by ", " where
// it stands first. The limit is that of [Masker.NewWriter].
func (m *Masker) AppendHeaders(dst []byte, c Category, headers []Header, limit int) []byte {
	w := m.writer(c, limit)
	defer m.release(w)
	w.BeginObject()
	same := sameNames(headers)
	for i, h := range headers {
		if same != nil && same[i].first != i {
			continue
		}
		value := h.Value
		if same != nil && same[i].next != 0 {
			var values strings.Builder
			values.WriteString(value)
			for j := same[i].next; j != 0; j = same[j].next {
				values.WriteString(", ")
				values.WriteString(headers[j].Value)
			}
			value = values.String()
		}
		w.Key(h.Name)
		w.String(value)
	}
	w.End()
	return w.AppendTo(dst)
}

// sameName links the headers that have one name: first is where it stands
// first, next where it comes again, or 0.
type sameName struct {
	first, next int
}

// sameNames is nil when every name comes once, which it finds out without
// allocating as long as there are few headers.
func sameNames(headers []Header) []sameName {
	if len(headers) <= 64 && !hasRepetition(headers) {
		return nil
	}
	links := make([]sameName, len(headers))
	last := make(map[string]int, len(headers))
	for i, h := range headers {
		name := strings.ToLower(h.Name)
		links[i].first = i
		if before, ok := last[name]; ok {
			links[before].next = i
			links[i].first = links[before].first
		}
		last[name] = i
	}
	return links
}

func hasRepetition(headers []Header) bool {
	for i, h := range headers {
		for _, before := range headers[:i] {
			if len(before.Name) == len(h.Name) && strings.EqualFold(before.Name, h.Name) {
				return true
			}
		}
	}
	return false
}
