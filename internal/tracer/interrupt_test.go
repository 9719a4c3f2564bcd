package tracer

import (
	"runtime"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

func TestSpansThatAreOpenAtTheEnd(t *testing.T) {
	tr, spans := newTracer(t)
	announced := tr.Start(Start{Name: "announced", Kind: otlp.KindServer, Scope: tr.Scope("test")})
	announced.Text("before", "x")
	announced.Announce(otlp.Attribute{Key: "queue", Value: "q"})
	announced.SetName("later")
	announced.Text("after", "x")
	silent := start(tr, "not announced", nil)
	over := start(tr, "over", nil)
	over.Announce()
	over.End()

	tr.Interrupt("panicked")
	tr.Interrupt("again")
	announced.End()
	silent.End()

	got := map[string]int{}
	for _, s := range spans() {
		got[s.Name]++
		if s.Name != "announced" {
			continue
		}
		if !strings.HasSuffix(s.Status.Description, "ended before the span did: panicked") || s.Kind != "SpanKind.SERVER" {
			t.Errorf("got %+v", s)
		}
		if s.Attributes["before"] != "x" || s.Attributes["after"] != nil || s.Attributes["queue"] != "q" {
			t.Errorf("attributes: %v", s.Attributes)
		}
	}
	if len(got) != 3 || got["announced"] != 1 || got["not announced"] != 1 || got["over"] != 1 {
		t.Errorf("got %v", got)
	}
}

func TestRegistryForgetsSpansThatAreGone(t *testing.T) {
	var r registry
	kept := new(Span)
	r.add(kept)
	for range 1000 {
		r.add(new(Span))
		if len(r.known)%64 == 0 {
			runtime.GC()
		}
	}
	if n := len(r.known); n > 500 {
		t.Errorf("it knows %d spans", n)
	}
	found := false
	for _, s := range r.spans() {
		found = found || s == kept
	}
	if !found {
		t.Error("it has forgotten one that is there")
	}
	runtime.KeepAlive(kept)
}
