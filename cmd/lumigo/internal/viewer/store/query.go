package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// Query says which traces are wanted. Service, Name and Attributes must hold for one and the same span, all else
// for the trace. The zero value wants every trace.
type Query struct {
	Trace      TraceID // the only one that is wanted, if it is not zero
	Text       string  // found anywhere in the trace but its resources, in any case
	Service    string  // exactly
	Name       string  // found in the span's name, in any case
	Attributes []Condition
	Status     Status
	// Bounds of the trace's duration and of its start, in nanoseconds, inclusive; a zero of the latter two is none.
	MinDuration, MaxDuration uint64
	Since, Until             uint64
}

// Condition is what an attribute of a span, or of its resource, must be.
type Condition struct {
	Key      string
	Any      bool   // it is enough that there is one
	Contains bool   // Value need only be found in it, in any case
	Value    string // the attribute's value as text
}

// Status is that of a trace.
type Status string

const (
	StatusAny   Status = ""
	StatusError Status = "error" // a span has failed
	StatusOK    Status = "ok"    // none has, and the root says that all is well
	StatusUnset Status = "unset" // none of these
)

// Status returns the trace's.
func (s *Summary) Status() Status { return statusOf(s.Errors, s.Root.Status) }

func statusOf(errors int, root otlp.StatusCode) Status {
	switch {
	case errors > 0:
		return StatusError
	case root == otlp.StatusOK:
		return StatusOK
	}
	return StatusUnset
}

// Find returns the newest traces that q wants, by their start, at most so many. When ctx ends first, what was found
// so far comes with its error.
func (s *Store) Find(ctx context.Context, q Query, most int) (found []Summary, err error) {
	type candidate struct {
		start uint64
		id    TraceID
	}
	m := newMatcher(q)
	var candidates []candidate
	s.mu.RLock()
	consider := func(t *trace) {
		if b := t.bounds(); m.admits(t, &b) {
			candidates = append(candidates, candidate{b.start, t.id})
		}
	}
	if t := s.traces[q.Trace]; t != nil {
		consider(t)
	} else if (q.Trace == TraceID{}) {
		for _, t := range s.traces {
			consider(t)
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.start, a.start), bytes.Compare(a.id[:], b.id[:]))
	})
	for _, c := range candidates {
		if len(found) == most {
			break
		}
		if err := ctx.Err(); err != nil {
			return found, err
		}
		if sum, ok := s.matches(m, c.id); ok {
			found = append(found, sum)
		}
	}
	return found, nil
}

// Matcher tells of single traces whether a query wants them. It is not safe for concurrent use.
type Matcher struct {
	store   *Store
	matcher *matcher
}

// Matcher returns the matcher of a query.
func (s *Store) Matcher(q Query) *Matcher { return &Matcher{s, newMatcher(q)} }

// Match returns the summary of a trace, if it is there and wanted.
func (m *Matcher) Match(id TraceID) (Summary, bool) { return m.store.matches(m.matcher, id) }

// matches decides on a trace, with all that is known of it now.
func (s *Store) matches(m *matcher, id TraceID) (Summary, bool) {
	s.mu.RLock()
	t := s.traces[id]
	if t == nil {
		s.mu.RUnlock()
		return Summary{}, false
	}
	b := t.bounds()
	if !m.admits(t, &b) {
		s.mu.RUnlock()
		return Summary{}, false
	}
	sum := t.summary()
	var works []work
	if m.mustRead() {
		works = m.works(t)
	}
	s.mu.RUnlock() // nobody waits for the disk
	return sum, !m.mustRead() || m.decide(id, works)
}

// matcher is a query, prepared.
type matcher struct {
	Query
	text, name string // in lower case
	id         bool   // text may be a part of an id
	number     bool   // text may be a part of a number
	conditions []condition
	resources  map[*group][]bool // which conditions the resource of a group meets
	buffer     []byte
}

const mostResources = 256

type condition struct {
	Condition
	lower string // of Value
}

func newMatcher(q Query) *matcher {
	m := &matcher{Query: q, text: strings.ToLower(q.Text), name: strings.ToLower(q.Name), resources: map[*group][]bool{}}
	m.id = strings.Trim(m.text, "0123456789abcdef") == ""
	m.number = strings.Trim(m.text, "0123456789.-+e") == ""
	for _, c := range q.Attributes {
		m.conditions = append(m.conditions, condition{c, strings.ToLower(c.Value)})
	}
	return m
}

// admits decides as far as that can be done without reading; the store's mu is held.
func (m *matcher) admits(t *trace, b *bounds) bool {
	duration := b.end - b.start
	switch {
	case b.spans == 0,
		m.Trace != TraceID{} && m.Trace != t.id,
		duration < m.MinDuration,
		m.MaxDuration > 0 && duration > m.MaxDuration,
		b.start < m.Since,
		m.Until > 0 && b.start > m.Until,
		m.Status != StatusAny && m.Status != statusOf(b.errors, otlp.StatusCode(b.root.status)):
		return false
	}
	if m.Service == "" && m.name == "" {
		return true
	}
	found := false
	t.eachSpan(func(g *segment, e *spanEntry) { found = found || m.admitsSpan(g, e) })
	return found
}

func (m *matcher) admitsSpan(g *segment, e *spanEntry) bool {
	return (m.Service == "" || g.texts[g.groups[e.group].service] == m.Service) && (m.name == "" || containsFold(g.texts[e.name], m.name))
}

// mustRead reports whether admits is not all that there is to decide.
func (m *matcher) mustRead() bool { return len(m.conditions) > 0 || m.text != "" }

// work is an item that is to be read.
type work struct {
	place
	span           SpanID
	log            bool
	admitted       bool // all but the attributes is as wanted
	service, scope string
}

// works lists what is to be read of a trace; the store's mu is held.
func (m *matcher) works(t *trace) (works []work) {
	t.eachSpan(func(g *segment, e *spanEntry) {
		in := g.groups[e.group]
		works = append(works, work{
			place: place{g.medium, e.at, e.size, in}, span: e.spanID,
			admitted: m.admitsSpan(g, e), service: g.texts[in.service], scope: g.texts[in.scope],
		})
	})
	if m.text != "" {
		t.eachLog(func(g *segment, e *logEntry) {
			works = append(works, work{place: place{g.medium, e.at, e.size, g.groups[e.group]}, log: true})
		})
	}
	return works
}

// decide reads as much of a trace as is needed to decide on it.
func (m *matcher) decide(id TraceID, works []work) bool {
	found := m.text == "" || m.isIn(id[:])
	met := len(m.conditions) == 0
	for i := range works {
		w := &works[i]
		if !found && (m.isIn(w.span[:]) || containsFold(w.service, m.text) || containsFold(w.scope, m.text)) {
			found = true
		}
		if found && met {
			return true
		}
		asked := !met && w.admitted && !w.log
		if found && !asked {
			continue
		}
		if uint32(cap(m.buffer)) < w.size {
			m.buffer = make([]byte, w.size)
		}
		b := m.buffer[:w.size]
		if _, err := w.medium.ReadAt(b, int64(w.at)); err != nil {
			continue // it was evicted meanwhile
		}
		if asked && m.mayMeet(w.group, b) {
			met = m.meets(w.group, b)
		}
		if !found && (m.number || containsFold(b, m.text)) {
			found = m.isInItem(b, w.log)
		}
	}
	return found && met
}

// isIn reports whether the text is a part of an id.
func (m *matcher) isIn(id []byte) bool {
	return m.id && strings.Contains(hex.EncodeToString(id), m.text)
}

// isInItem reports whether the text is in what is said of a span, or in a log record.
func (m *matcher) isInItem(b []byte, log bool) bool {
	in := func(texts ...string) bool {
		return slices.ContainsFunc(texts, func(v string) bool { return containsFold(v, m.text) })
	}
	inAttributes := func(list []otlp.Attribute) bool {
		return slices.ContainsFunc(list, func(a otlp.Attribute) bool { return in(a.Key, ValueText(a.Value)) })
	}
	if log {
		l, _ := otlp.ParseLog(b)
		return in(ValueText(l.Body), l.SeverityText, l.EventName) || inAttributes(l.Attributes)
	}
	span, _ := otlp.ParseSpan(b)
	return in(span.Name, span.StatusMessage, span.TraceState) || inAttributes(span.Attributes) ||
		slices.ContainsFunc(span.Events, func(e otlp.Event) bool { return in(e.Name) || inAttributes(e.Attributes) }) ||
		slices.ContainsFunc(span.Links, func(l otlp.Link) bool { return inAttributes(l.Attributes) })
}

// mayMeet reports whether it is worth the effort to read a span's attributes: the keys are somewhere in it.
func (m *matcher) mayMeet(g *group, b []byte) bool {
	byResource := m.byResource(g)
	for i := range m.conditions {
		if !byResource[i] && !bytes.Contains(b, []byte(m.conditions[i].Key)) {
			return false
		}
	}
	return true
}

// meets reports whether a span of a group meets all conditions.
func (m *matcher) meets(g *group, span []byte) bool {
	met := slices.Clone(m.byResource(g))
	otlp.ScanSpan(span, m.meet(met))
	return !slices.Contains(met, false)
}

// meet returns a function that notes which conditions an attribute meets.
func (m *matcher) meet(met []bool) func([]byte, otlp.RawValue) {
	return func(key []byte, value otlp.RawValue) {
		for i := range m.conditions {
			if c := &m.conditions[i]; !met[i] && c.Key == string(key) {
				met[i] = c.Any || c.is(ValueText(value.Value()))
			}
		}
	}
}

func (m *matcher) byResource(g *group) []bool {
	met, known := m.resources[g]
	if !known {
		if len(m.resources) == mostResources { // a list that is followed for days must not keep what was evicted
			clear(m.resources)
		}
		met = make([]bool, len(m.conditions))
		if item, err := g.read(); err == nil {
			item.Resource.EachAttribute(m.meet(met))
		}
		m.resources[g] = met
	}
	return met
}

func (c *condition) is(value string) bool {
	if c.Contains {
		return containsFold(value, c.lower)
	}
	return value == c.Value
}

// ValueText gives an attribute's value as one would type it into a search: texts as they are, lists and maps as JSON.
func ValueText(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	}
	text, _ := json.Marshal(JSONValue(value))
	return string(text)
}

// JSONValue gives an attribute's value for package json: bytes in base64, maps as objects, and as texts the numbers
// that JSON has not or that JavaScript does not hold exactly.
func JSONValue(value any) any {
	switch v := value.(type) {
	case int64:
		if v < -1<<53 || v > 1<<53 {
			return ValueText(v)
		}
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return ValueText(v)
		}
	case []byte:
		return ValueText(v)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = JSONValue(v[i])
		}
		return list
	case []otlp.Attribute:
		object := make(map[string]any, len(v))
		for _, a := range v {
			object[a.Key] = JSONValue(a.Value)
		}
		return object
	}
	return value
}

// containsFold reports whether lower, which is in lower case, is in text, in whatever case.
func containsFold[T string | []byte](text T, lower string) bool {
	if len(lower) == 0 {
		return true
	}
	for i := range len(lower) {
		if lower[i] >= utf8.RuneSelf {
			return strings.Contains(strings.ToLower(string(text)), lower)
		}
	}
	for i := 0; i+len(lower) <= len(text); i++ {
		if lowerByte(text[i]) == lower[0] && equalLower(text[i:i+len(lower)], lower) {
			return true
		}
	}
	return false
}

func equalLower[T string | []byte](text T, lower string) bool {
	for i := range len(lower) {
		if lowerByte(text[i]) != lower[i] {
			return false
		}
	}
	return true
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
