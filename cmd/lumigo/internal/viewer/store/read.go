package store

import (
	"cmp"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// ErrGone is the error of what was evicted or forgotten meanwhile.
var ErrGone = errors.New("it is not kept any more")

// Summary is what a list shows of a trace. Times are in nanoseconds since 1970.
type Summary struct {
	ID         TraceID
	Start, End uint64 // of the earliest and the latest span
	Spans      int
	Errors     int // spans that have failed
	Logs       int
	Services   []ServiceCount // most spans first
	Root       Root
	Complete   bool // Root has no parent; otherwise it is the earliest span that there is
}

// ServiceCount is a service and how many spans it has.
type ServiceCount struct {
	Name  string
	Spans int
}

// Root is the span that a trace begins with.
type Root struct {
	Service, Name string
	Kind          otlp.Kind
	Status        otlp.StatusCode
	HTTPStatus    int // 0 for none
}

// Span is what is known of a span without reading it.
type Span struct {
	ID, Parent           SpanID // Parent is zero for a root
	Service, Scope, Name string // Name, like StatusMessage, may be cut short
	Kind                 otlp.Kind
	Status               otlp.StatusCode
	StatusMessage        string
	HTTPStatus           int    // 0 for none
	PeerKind, Peer       string // of a span that calls something: one of the kinds, and a name; else ""
	Start, End           uint64 // in nanoseconds since 1970; End is not before Start
	Attributes, Events   int    // at most 65535

	place place
}

// Log is what is known of a log record without reading it.
type Log struct {
	Span    SpanID
	Time    uint64 // nanoseconds since 1970
	Service string

	place place
}

// place is where an item's bytes are.
type place struct {
	medium   medium
	at, size uint32
	group    *group
}

// Item is a span or a log record as it came.
type Item struct {
	Resource *otlp.Resource
	Scope    *otlp.Scope
	Bytes    []byte
}

func (p place) read() (Item, error) {
	b := make([]byte, p.size)
	if _, err := p.medium.ReadAt(b, int64(p.at)); err != nil {
		return Item{}, ErrGone
	}
	item, err := p.group.read()
	item.Bytes = b
	return item, err
}

// Read reads a span.
func (s *Store) Read(span *Span) (Item, error) { return span.place.read() }

// ReadLog reads a log record.
func (s *Store) ReadLog(l *Log) (Item, error) { return l.place.read() }

// ReadSpans reads spans as a request. Those that are gone are left out.
func (s *Store) ReadSpans(spans []Span) []otlp.Group {
	return request(len(spans), func(i int) place { return spans[i].place })
}

// ReadLogs reads log records likewise.
func (s *Store) ReadLogs(logs []Log) []otlp.Group {
	return request(len(logs), func(i int) place { return logs[i].place })
}

func request(n int, at func(i int) place) (groups []otlp.Group) {
	index := map[*group]int{}
	for i := range n {
		p := at(i)
		item, err := p.read()
		if err != nil {
			continue
		}
		k, known := index[p.group]
		if !known {
			k = len(groups)
			index[p.group] = k
			groups = append(groups, otlp.Group{Resource: item.Resource, Scopes: []otlp.ScopeSpans{{Scope: item.Scope}}})
		}
		groups[k].Scopes[0].Spans = append(groups[k].Scopes[0].Spans, item.Bytes)
	}
	return groups
}

// Trace returns a trace's spans in the order of their start, and its log records in that of their time. It is false
// if there is no such trace, or nothing but logs.
func (s *Store) Trace(id TraceID) (summary Summary, spans []Span, logs []Log, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t := s.traces[id]
	if t == nil {
		return Summary{}, nil, nil, false
	}
	if spans = t.appendSpans(nil); len(spans) == 0 {
		return Summary{}, nil, nil, false
	}
	t.eachLog(func(g *segment, e *logEntry) {
		logs = append(logs, Log{e.spanID, e.time, g.texts[g.groups[e.group].service], place{g.medium, e.at, e.size, g.groups[e.group]}})
	})
	slices.Reverse(logs) // the earlier that came first
	slices.SortStableFunc(logs, func(a, b Log) int { return cmp.Compare(a.Time, b.Time) })
	return t.summary(), spans, logs, true
}

// Each calls f with the spans of every trace that begins in the time given, in nanoseconds since 1970, in no
// particular order. The spans, in the order of their start, are f's until it returns.
func (s *Store) Each(since, until uint64, f func([]Span)) {
	s.mu.RLock()
	ids := slices.AppendSeq(make([]TraceID, 0, len(s.traces)), maps.Keys(s.traces))
	s.mu.RUnlock()
	var spans []Span
	for _, id := range ids {
		s.mu.RLock()
		spans = spans[:0]
		if t := s.traces[id]; t != nil {
			if b := t.bounds(); b.spans > 0 && since <= b.start && b.start <= until {
				spans = t.appendSpans(spans)
			}
		}
		s.mu.RUnlock()
		if len(spans) > 0 {
			f(spans)
		}
	}
}

// appendSpans appends the spans to dst, which is empty, and sorts them.
func (t *trace) appendSpans(dst []Span) []Span {
	t.eachSpan(func(g *segment, e *spanEntry) { dst = append(dst, g.span(e)) })
	slices.Reverse(dst) // the earlier that came first, where they start in the same moment
	slices.SortStableFunc(dst, func(a, b Span) int { return cmp.Compare(a.Start, b.Start) })
	return dst
}

func (g *segment) span(e *spanEntry) Span {
	in := g.groups[e.group]
	peerKind, peer, _ := strings.Cut(g.texts[e.peer], peerSeparator)
	start, end := e.times()
	return Span{
		ID: e.spanID, Parent: e.parentID,
		Service: g.texts[in.service], Scope: g.texts[in.scope], Name: g.texts[e.name],
		Kind: otlp.Kind(e.kind), Status: otlp.StatusCode(e.status), StatusMessage: g.texts[e.message],
		HTTPStatus: int(e.httpStatus), PeerKind: peerKind, Peer: peer,
		Start: start, End: end, Attributes: int(e.attributes), Events: int(e.events),
		place: place{g.medium, e.at, e.size, in},
	}
}

// times returns when a span began and ended, as far as that is known: a span that has one time only has that for
// both, and none ends before it begins.
func (e *spanEntry) times() (start, end uint64) {
	start = cmp.Or(e.start, e.end)
	return start, max(start, e.end)
}

// bounds is what a query looks at first.
type bounds struct {
	start, end    uint64
	spans, errors int
	root          *spanEntry // that has no parent, or else the earliest
	rootSegment   *segment
	complete      bool
}

// bounds looks at the spans once. Times that are not known do not count, unless none is.
func (t *trace) bounds() bounds {
	b := bounds{start: math.MaxUint64}
	t.eachSpan(func(g *segment, e *spanEntry) {
		b.spans++
		if e.status == uint8(otlp.StatusError) {
			b.errors++
		}
		start, end := e.times()
		if start > 0 {
			b.start, b.end = min(b.start, start), max(b.end, end)
		}
		root := e.parentID == SpanID{}
		if b.root == nil || root && !b.complete {
			b.root, b.rootSegment, b.complete = e, g, root
		} else if first, _ := b.root.times(); root == b.complete && start <= first {
			b.root, b.rootSegment = e, g
		}
	})
	if b.start == math.MaxUint64 {
		b.start = 0
	}
	return b
}

func (t *trace) summary() Summary {
	b := t.bounds()
	sum := Summary{ID: t.id, Start: b.start, End: b.end, Spans: b.spans, Errors: b.errors, Complete: b.complete}
	_, sum.Logs = t.count()
	services := map[string]int{}
	t.eachSpan(func(g *segment, e *spanEntry) { services[g.texts[g.groups[e.group].service]]++ })
	for name, spans := range services {
		sum.Services = append(sum.Services, ServiceCount{name, spans})
	}
	slices.SortFunc(sum.Services, func(a, b ServiceCount) int {
		return cmp.Or(cmp.Compare(b.Spans, a.Spans), cmp.Compare(a.Name, b.Name))
	})
	if b.root != nil {
		span := b.rootSegment.span(b.root)
		sum.Root = Root{span.Service, span.Name, span.Kind, span.Status, span.HTTPStatus}
	}
	return sum
}

// Changes returns the count of changes so far, and a channel that is closed at the next one.
func (s *Store) Changes() (count uint64, next <-chan struct{}) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.changes, s.changed
}

// ChangedSince returns the traces that have changed since the count of changes was so, the latest change last.
func (s *Store) ChangedSince(count uint64) (ids []TraceID) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for t := s.recent.older; t != &s.recent && t.changed > count; t = t.older {
		ids = append(ids, t.id)
	}
	slices.Reverse(ids)
	return ids
}
