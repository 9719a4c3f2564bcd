package analysis

import (
	"cmp"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/viewer/store"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// Operation is what a service does: spans of one name and kind.
type Operation struct {
	Service, Name string
	Kind          otlp.Kind
}

// Operations collects what services do. The zero value is empty.
type Operations struct {
	operations map[Operation]*Traffic
}

// Add adds spans.
func (o *Operations) Add(spans []store.Span) {
	if o.operations == nil {
		o.operations = map[Operation]*Traffic{}
	}
	for i := range spans {
		s := &spans[i]
		entry(o.operations, Operation{s.Service, s.Name, s.Kind}).add(s)
	}
}

// Each calls f with each operation: service after service, the operations with the most spans first.
func (o *Operations) Each(f func(Operation, *Traffic)) {
	for _, op := range sorted(o.operations, func(a, b Operation) int {
		return cmp.Or(
			cmp.Compare(a.Service, b.Service),
			cmp.Compare(o.operations[b].Requests, o.operations[a].Requests),
			cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind))
	}) {
		f(op, o.operations[op])
	}
}
