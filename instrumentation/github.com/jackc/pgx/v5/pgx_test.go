package pgx

import (
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/instrumentation/github.com/jackc/pgx/v5/testdata/otelpgx"
	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
)

// What follows are tracers as programs have them: pgx's own, and theirs around others.
type (
	queryTracer interface{ TraceQueryStart() }
	logging     struct{ to *otelpgx.Tracer } // which it has for something else
	multitracer struct{ QueryTracers []queryTracer }
	embedding   struct{ queryTracer }
	circle      struct{ next *circle }
)

func (*logging) TraceQueryStart()     {}
func (*multitracer) TraceQueryStart() {}
func (*circle) TraceQueryStart()      {}

// other is OpenTelemetry, whose spans go elsewhere than ours or not.
type other struct {
	tracer.Foreign
	elsewhere bool
}

func (o other) Elsewhere() bool { return o.elsewhere }

func TestStatementsThatTheProgramTracesItself(t *testing.T) {
	t.Cleanup(func() { tracer.Other = nil })
	round := new(circle)
	round.next = round
	byHand := new(otelpgx.Tracer)
	for _, test := range []struct {
		name   string
		own    any
		byHand bool
	}{
		{"nothing", nil, false},
		{"nothing, of some type", (*multitracer)(nil), false},
		{"one that logs", new(logging), false},
		{"several that log", &multitracer{[]queryTracer{new(logging), nil}}, false},
		{"one that leads nowhere", round, false},
		{"one that makes spans", byHand, true},
		{"one among several", &multitracer{[]queryTracer{new(logging), byHand}}, true},
		{"one in one of the program's own", embedding{&embedding{byHand}}, true},
	} {
		for _, elsewhere := range []bool{false, true} {
			tracer.Other = other{elsewhere: elsewhere}
			var c Connection
			for range 2 {
				if got := c.Traced(test.own); got != (test.byHand && !elsewhere) {
					t.Errorf("%s, sent elsewhere: %v: traced: %v", test.name, elsewhere, got)
				}
			}
		}
	}
}
