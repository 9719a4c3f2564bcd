// Package store keeps the traces of the viewer.
package store

import (
	"sort"
	"sync"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// Span is a span with what it belongs to.
type Span struct {
	otlp.SpanData
	Service string
	Scope   string
}

// Store keeps traces. Its methods are safe for concurrent use.
type Store struct {
	mu     sync.RWMutex
	traces map[[16]byte][]Span
}

// New makes an empty store.
func New() *Store { return &Store{traces: map[[16]byte][]Span{}} }

// AddSpans keeps spans. It returns how many it rejects, and why.
func (s *Store) AddSpans(groups []otlp.Group) (rejected int64, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range groups {
		service := ""
		for _, a := range g.Resource.Attributes() {
			if text, ok := a.Value.(string); ok && a.Key == "service.name" {
				service = text
			}
		}
		for _, scope := range g.Scopes {
			for _, b := range scope.Spans {
				data, err := otlp.ParseSpan(b)
				if err != nil || data.TraceID == [16]byte{} || data.SpanID == [8]byte{} {
					rejected++
					reason = "a span is damaged, or without ids"
					continue
				}
				s.traces[data.TraceID] = append(s.traces[data.TraceID], Span{data, service, scope.Scope.Name()})
			}
		}
	}
	return rejected, reason
}

// Trace returns the spans of a trace in the order of their start; none if there is no such trace.
func (s *Store) Trace(id [16]byte) []Span {
	s.mu.RLock()
	defer s.mu.RUnlock()
	spans := append([]Span(nil), s.traces[id]...)
	sort.SliceStable(spans, func(i, j int) bool { return spans[i].Start < spans[j].Start })
	return spans
}

// Traces returns the ids of all traces.
func (s *Store) Traces() (ids [][16]byte) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for id := range s.traces {
		ids = append(ids, id)
	}
	return ids
}

// Clear forgets all.
func (s *Store) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.traces)
}
