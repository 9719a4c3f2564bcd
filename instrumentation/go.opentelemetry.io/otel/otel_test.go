package otel

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
	"github.com/lumigo-io/opentelemetry-distro/internal/tracertest"
)

// begin activates a tracer and the bridge, and returns what reads the dump.
func begin(t *testing.T) (dump func() string) {
	t.Helper()
	spans := tracertest.Activate(t)
	install()
	return func() (text string) {
		for _, s := range spans() {
			text += s.Line
		}
		return text
	}
}

func expect(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

func TestSpans(t *testing.T) {
	dump := begin(t)
	ctx, s := otel.Tracer("app").Start(context.Background(), "old", trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(attribute.String("k", "old"), attribute.String("password", "x")))
	s.SetName("work")
	s.SetAttributes(attribute.String("k", "new"), attribute.IntSlice("list", []int{1, 2}))
	s.AddEvent("event", trace.WithAttributes(attribute.Bool("b", true)))
	s.RecordError(errors.New("no"))
	s.SetStatus(codes.Error, "bad")
	_, child := otel.Tracer("app").Start(ctx, "child")
	if child.SpanContext().TraceID() != s.SpanContext().TraceID() || !child.IsRecording() {
		t.Errorf("child %+v of %+v", child.SpanContext(), s.SpanContext())
	}
	child.End()
	s.End()
	s.End()
	s.SetAttributes(attribute.String("late", "x"))
	if s.IsRecording() {
		t.Error("it is recorded after its end")
	}
	expect(t, dump(), `"name": "work"`, `"SpanKind.PRODUCER"`, `"k": "new"`, `"list": [1, 2]`, `"name": "event"`, `"exception.message": "no"`, `"description": "bad"`,
		`"parent_id": "0x`+s.SpanContext().SpanID().String())
	if strings.Count(dump(), "\n") != 2 {
		t.Errorf("not two spans:\n%s", dump())
	}
}

func TestRootsAndStatuses(t *testing.T) {
	dump := begin(t)
	ctx, parent := otel.Tracer("app").Start(context.Background(), "parent")
	_, root := otel.Tracer("app").Start(ctx, "root", trace.WithNewRoot())
	if root.SpanContext().TraceID() == parent.SpanContext().TraceID() {
		t.Error("a new root is in its parent's trace")
	}
	root.SetStatus(codes.Ok, "")
	root.SetStatus(codes.Error, "after all") // which counts no more by OpenTelemetry's rules
	root.End()
	parent.SetStatus(codes.Error, "first")
	parent.SetStatus(codes.Ok, "no description")
	parent.End()
	if text := dump(); strings.Count(text, `"status_code": "OK"`) != 2 || strings.Contains(text, "description") {
		t.Errorf("not two that went well:\n%s", text)
	}
}

func TestSpansOfIntegrationsAreSeen(t *testing.T) {
	dump := begin(t)
	own := tracer.Active().Start(tracer.Start{Name: "GET", Kind: otlp.KindInternal, Scope: otlp.NewScope("x", "")})
	ctx := tracer.WithIdentity(context.Background(), own.ID())
	seen := trace.SpanFromContext(ctx)
	if !seen.IsRecording() || seen.SpanContext().SpanID() != own.ID().SpanID {
		t.Errorf("%+v", seen.SpanContext())
	}
	seen.SetAttributes(attribute.String("user.id", "7"))
	seen.AddEvent("seen")
	inner, child := otel.Tracer("app").Start(ctx, "child")
	if got := tracer.FromContext(inner); got == nil || got.SpanID != child.SpanContext().SpanID() {
		t.Errorf("integrations see %+v", got)
	}
	if got := tracer.FromContext(trace.ContextWithSpan(context.Background(), child)); got == nil || got.SpanID != child.SpanContext().SpanID() {
		t.Errorf("in a context of OpenTelemetry's they see %+v", got)
	}
	child.End()
	own.End()
	expect(t, dump(), `"user.id": "7"`, `"name": "seen"`, `"parent_id": "0x`+seen.SpanContext().SpanID().String())
}

func TestAServerThatIsTracedByHandHasOneSpan(t *testing.T) {
	dump := begin(t)
	own := tracer.Active().Start(tracer.Start{Name: "GET", Kind: otlp.KindServer, Scope: otlp.NewScope("x", "")})
	own.Text("url.path", "/users/7")
	ctx := tracer.WithIdentity(context.Background(), own.ID())
	ctx = trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: own.ID().TraceID, SpanID: [8]byte{1}, Remote: true}))
	ctx, s := otel.Tracer("otelgin").Start(ctx, "GET /users/:id", trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attribute.String("url.path", "/other"), attribute.String("app", "a")))
	_, child := otel.Tracer("app").Start(ctx, "child")
	child.End()
	s.SetStatus(codes.Error, "bad")
	s.End()
	if route := own.Route(); route != "/users/:id" {
		t.Errorf("route %q", route)
	}
	own.End()
	if strings.Count(dump(), "\n") != 2 || strings.Contains(dump(), "/other") {
		t.Errorf("not the server's and its child:\n%s", dump())
	}
	expect(t, dump(), `"app": "a"`, `"description": "bad"`, `"parent_id": "0x`+s.SpanContext().SpanID().String())
}

// theirs is a provider of the program's own. Its spans have ids of their own in the trace that they find.
type theirs struct {
	trace.TracerProvider
	started *[]string
}

type theirTracer struct {
	trace.Tracer
	theirs
}

func (p theirs) Tracer(name string, _ ...trace.TracerOption) trace.Tracer {
	return theirTracer{noop.TracerProvider().Tracer(name), p}
}

func (t theirTracer) Start(ctx context.Context, name string, _ ...trace.SpanStartOption) (context.Context, trace.Span) {
	parent := trace.SpanContextFromContext(ctx)
	if parent.IsValid() {
		name += " below " + parent.SpanID().String()
	}
	*t.started = append(*t.started, name)
	c := trace.NewSpanContext(trace.SpanContextConfig{TraceID: parent.TraceID(), SpanID: trace.SpanID{byte(len(*t.started))}, TraceFlags: trace.FlagsSampled})
	return trace.ContextWithSpanContext(ctx, c), trace.SpanFromContext(trace.ContextWithSpanContext(ctx, c))
}

func TestAProviderOfTheProgramsOwnGetsEverything(t *testing.T) {
	dump := begin(t)
	early := otel.Tracer("library")
	propagator := otel.GetTextMapPropagator()
	var started []string
	otel.SetTracerProvider(theirs{noop.TracerProvider(), &started})
	otel.SetTextMapPropagator(propagation.Baggage{})
	early.Start(context.Background(), "early")
	otel.Tracer("x").Start(context.Background(), "late")
	if got := strings.Join(started, " "); got != "early late" || dump() != "" {
		t.Errorf("their provider got %q, ours\n%s", got, dump())
	}
	if fields := propagator.Fields(); len(fields) != 1 || fields[0] != "baggage" {
		t.Errorf("fields %q", fields)
	}
}

// Spans of a provider of the program's own and those of integrations share their trace, and need each other for
// nothing else.
func TestIntegrationsBesideAProviderOfTheProgramsOwn(t *testing.T) {
	dump := begin(t)
	var started []string
	otel.SetTracerProvider(theirs{noop.TracerProvider(), &started})
	own := tracer.Active().Start(tracer.Start{Name: "GET", Kind: otlp.KindServer, Scope: otlp.NewScope("x", "")})
	id := own.ID()
	ctx, span := otel.Tracer("app").Start(tracer.WithIdentity(context.Background(), id), "inner")
	if started[0] != "inner" || span.SpanContext().TraceID() != id.TraceID {
		t.Errorf("their span is %q in %v, not a root in ours", started, span.SpanContext().TraceID())
	}
	if got := tracer.FromContext(ctx); got != id {
		t.Errorf("below it, integrations see %+v", got)
	}
	trace.SpanFromContext(tracer.WithIdentity(context.Background(), id)).SetAttributes(attribute.String("user.id", "7"))
	own.End()
	expect(t, dump(), `"user.id": "7"`)

	job := trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled}))
	for name, ctx := range map[string]context.Context{
		"outside of requests":                   job,
		"in one, but in another trace":          trace.ContextWithSpanContext(tracer.WithIdentity(context.Background(), id), trace.SpanContextFromContext(job)),
		"with execution tags, outside of spans": tracer.WithIdentity(job, new(tracer.Identity).WithTags([]otlp.Attribute{{Key: "tag", Value: "v"}})),
	} {
		got := tracer.FromContext(ctx)
		if got == nil || got.TraceID != [16]byte{1} || got.SpanID != [8]byte{2} || !got.Sampled() {
			t.Errorf("%s, integrations see %+v", name, got)
		}
		if tagged := strings.Contains(name, "tags"); tagged != (len(got.Tags()) == 1) {
			t.Errorf("%s, the tags are %v", name, got.Tags())
		}
	}
}

func TestPropagation(t *testing.T) {
	begin(t)
	ctx, s := otel.Tracer("app").Start(context.Background(), "s")
	defer s.End()
	h := propagation.HeaderCarrier(http.Header{})
	otel.GetTextMapPropagator().Inject(ctx, h)
	got := trace.SpanContextFromContext(otel.GetTextMapPropagator().Extract(context.Background(), h))
	if got.SpanID() != s.SpanContext().SpanID() || !got.IsRemote() || !got.IsSampled() {
		t.Errorf("%v gives %+v", h, got)
	}
}
