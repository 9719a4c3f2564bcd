package tracer

import (
	"context"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// other is a tracing interface whose spans are in contexts under its own type.
type other struct{ arrives bool }

func (other) View(any, *Identity) any              { return nil }
func (other) Parent(ctx context.Context) *Identity { return nil }
func (o other) Elsewhere() bool                    { return !o.arrives }
func (o other) Made(c context.Context) (*Identity, bool) {
	id, _ := c.Value(other{}).(*Identity)
	return id, o.arrives
}

func TestRequestsThatTheProgramTracesItself(t *testing.T) {
	defer func() { Other = nil }()
	for _, test := range []struct {
		name     string
		ours     otlp.Kind
		theirs   otlp.Kind
		arrives  bool
		standsIn bool
	}{
		{"a server's span that arrives where ours go", otlp.KindServer, otlp.KindServer, true, true},
		{"one that does not", otlp.KindServer, otlp.KindServer, false, false},
		{"a span within", otlp.KindServer, otlp.KindInternal, true, false},
		{"within something else of ours", otlp.KindInternal, otlp.KindServer, true, false},
	} {
		tr, spans := newTracer(t)
		Other = other{test.arrives}
		s := tr.Start(Start{Name: "ours", Kind: test.ours, Scope: tr.Scope("test")})
		id := s.ID()
		theirs := (&Identity{TraceID: id.TraceID, SpanID: [8]byte{1}, Flags: 1}).Theirs(test.theirs, [8]byte{}, !test.arrives)
		ctx := WithIdentity(context.Background(), id.WithTags([]otlp.Attribute{{Key: "tag", Value: "x"}}))
		Notice(context.WithValue(ctx, other{}, theirs))
		child := tr.Start(Start{Name: "child", Scope: tr.Scope("test"), Parent: FromContext(ctx)})
		if got := child.ID().Parent() == theirs.SpanID; got != test.standsIn {
			t.Errorf("%s: the child's parent is %x", test.name, child.ID().Parent())
		}
		if len(child.ID().Tags()) != 1 {
			t.Errorf("%s: the child has no tag", test.name)
		}
		yields := s.yields
		child.End()
		s.End()
		if yields != test.standsIn || s.yields {
			t.Errorf("%s: ours yields: %v", test.name, yields)
		}
		if n := len(spans()); n != 2 { // in the dump
			t.Errorf("%s: %d spans", test.name, n)
		}
	}
}

func TestSpansBelowAbsentOnes(t *testing.T) {
	tr, _ := newTracer(t)
	theirs := (&Identity{TraceID: [16]byte{2}, SpanID: [8]byte{1}, Flags: 1}).Theirs(otlp.KindConsumer, [8]byte{}, true)
	s := tr.Start(Start{Name: "ours", Scope: tr.Scope("test"), Parent: theirs, SpanID: [8]byte{3}})
	if id := s.ID(); id.TraceID != theirs.TraceID || id.Parent() != [8]byte{} || id.SpanID != [8]byte{3} || !id.Sampled() {
		t.Errorf("got %+v", id)
	}
	s.End()
}
