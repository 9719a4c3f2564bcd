package logslog

import (
	"context"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
)

func TestIDs(t *testing.T) {
	in := func(id *tracer.Identity) context.Context { return tracer.WithIdentity(context.Background(), id) }
	for _, test := range []struct {
		name        string
		ctx         context.Context
		trace, span string
	}{
		{"in a span", in(&tracer.Identity{TraceID: [16]byte{15: 1}, SpanID: [8]byte{7: 2}}), "00000000000000000000000000000001", "0000000000000002"},
		{"with tags alone", in(new(tracer.Identity)), "", ""},
		{"in none", context.Background(), "", ""},
		{"without a context", nil, "", ""},
	} {
		if trace, span := ids(test.ctx); trace != test.trace || span != test.span {
			t.Errorf("%s: %q, %q", test.name, trace, span)
		}
	}
}
