package analysis

import (
	"cmp"
	"slices"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/viewer/store"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// KindService is the kind of a node that has spans of its own. Other kinds are those of the store's peers.
const KindService = "service"

// Endpoint is a node of a map: what calls, or is called.
type Endpoint struct{ Kind, Name string }

// Map collects who calls whom, trace by trace. The zero value is empty.
type Map struct {
	nodes map[Endpoint]*Traffic
	edges map[Call]*Traffic
}

// Call is an edge of a map.
type Call struct{ From, To Endpoint }

// Traffic is what was asked of a node, or over an edge.
type Traffic struct {
	Requests, Errors int

	durations []uint64
}

func (t *Traffic) add(s *store.Span) {
	t.Requests++
	if s.Status == otlp.StatusError {
		t.Errors++
	}
	t.durations = append(t.durations, s.End-s.Start)
}

// Percentile returns the duration, in nanoseconds, that so many per cent of the requests did not exceed.
func (t *Traffic) Percentile(p int) uint64 {
	slices.Sort(t.durations)
	return percentile(t.durations, p)
}

// percentile of what is sorted, by the nearest rank.
func percentile(sorted []uint64, p int) uint64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}

// Add adds the spans of a trace. A request of a service is a span that has no parent and is not the calling side of a
// call, or one whose parent is another service's, or is that side. A call that no service answers with a span goes to what the calling span
// names: a database, a destination of messages, or an external host.
func (m *Map) Add(spans []store.Span) {
	if m.nodes == nil {
		m.nodes, m.edges = map[Endpoint]*Traffic{}, map[Call]*Traffic{}
	}
	first := make(map[store.SpanID]int, len(spans))
	for i := range spans {
		if _, known := first[spans[i].ID]; !known {
			first[spans[i].ID] = i
		}
	}
	answered := map[int]bool{}
	for i := range spans {
		s := &spans[i]
		service := Endpoint{KindService, s.Service}
		node := m.node(service)
		parent, known := first[s.Parent]
		if !known || parent == i {
			if !calls(s) {
				node.add(s)
			}
			continue
		}
		p := &spans[parent]
		if p.Service != s.Service || calls(p) && (s.Kind == otlp.KindServer || s.Kind == otlp.KindConsumer) {
			node.add(s)
			if p.PeerKind == store.PeerMessaging { // there is something between the two
				m.edge(Call{Endpoint{p.PeerKind, p.Peer}, service}).add(s)
				continue
			}
			answered[parent] = true
			called := p // as the caller saw it
			if !calls(p) {
				called = s
			}
			m.edge(Call{Endpoint{KindService, p.Service}, service}).add(called)
		}
	}
	for i := range spans {
		s := &spans[i]
		if s.Peer == "" || answered[i] {
			continue
		}
		service, peer := Endpoint{KindService, s.Service}, Endpoint{s.PeerKind, s.Peer}
		if s.Kind == otlp.KindConsumer {
			m.node(peer)
			if _, known := first[s.Parent]; !known {
				m.edge(Call{peer, service}).add(s)
			}
			continue
		}
		m.node(peer).add(s)
		m.edge(Call{service, peer}).add(s)
	}
}

// calls reports whether a span is the calling side of a call.
func calls(s *store.Span) bool { return s.Kind == otlp.KindClient || s.Kind == otlp.KindProducer }

func (m *Map) node(e Endpoint) *Traffic { return entry(m.nodes, e) }
func (m *Map) edge(c Call) *Traffic     { return entry(m.edges, c) }

func entry[K comparable](in map[K]*Traffic, key K) *Traffic {
	t := in[key]
	if t == nil {
		t = new(Traffic)
		in[key] = t
	}
	return t
}

// Nodes calls f with each node, services first.
func (m *Map) Nodes(f func(Endpoint, *Traffic)) {
	for _, e := range sorted(m.nodes, compareEndpoints) {
		f(e, m.nodes[e])
	}
}

// Edges calls f with each edge.
func (m *Map) Edges(f func(Call, *Traffic)) {
	for _, c := range sorted(m.edges, func(a, b Call) int {
		return cmp.Or(compareEndpoints(a.From, b.From), compareEndpoints(a.To, b.To))
	}) {
		f(c, m.edges[c])
	}
}

func compareEndpoints(a, b Endpoint) int {
	first := func(e Endpoint) int {
		if e.Kind == KindService {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(first(a), first(b)), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
}

func sorted[K comparable](in map[K]*Traffic, compare func(a, b K) int) []K {
	keys := make([]K, 0, len(in))
	for k := range in {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, compare)
	return keys
}
