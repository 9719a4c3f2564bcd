// Package otel lets programs that use OpenTelemetry's interface make spans with this distribution's tracer: they are
// in the same traces as the others, and end where those end.
//
// It is the global provider and the global propagator until the program sets its own. Then it passes everything on to
// that, also for those who got hold of it before, and makes no spans any more; integrations do. What both make is in the
// same traces, and where both arrive at the same place (arrives.go), a request that the program traces itself is there
// once. It works with any version of the interface from v1.16 on, and therefore gets what it has to implement but does
// not know from the interface's own no-op span.
package otel

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	_ "github.com/lumigo-io/opentelemetry-distro" // which makes the tracer

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
)

func init() {
	if t := tracer.Active(); t != nil && !t.Disabled("opentelemetry") {
		install()
	}
}

func install() {
	probe := &probing{Context: context.Background()}
	trace.SpanFromContext(probe)
	spanKey = probe.key
	tracer.Other = bridge{}
	otel.SetTracerProvider(ours)
	otel.SetTextMapPropagator(ourPropagator)
}

var (
	noop          = trace.SpanFromContext(context.Background())
	ours          = &provider{TracerProvider: noop.TracerProvider()}
	ourPropagator = &propagator{}
)

// spanKey is the key that the interface keeps spans under in contexts. It says which when it looks for one.
var spanKey any

type probing struct {
	context.Context
	key any
}

func (p *probing) Value(key any) any {
	p.key = key
	return nil
}

// bridge is how the tracer sees OpenTelemetry's interface.
type bridge struct{}

// View implements tracer.Foreign: it shows our spans in contexts to those who look for OpenTelemetry's.
func (bridge) View(key any, id *tracer.Identity) any {
	if key != spanKey || spanKey == nil || id.TraceID == [16]byte{} {
		return nil
	}
	return trace.Span(&span{Span: noop, id: id, view: true})
}

// Parent implements tracer.Foreign. What is below a span of theirs in a request of ours is below ours if theirs does
// not arrive where ours go.
func (bridge) Parent(ctx context.Context) *tracer.Identity {
	found := trace.SpanFromContext(ctx)
	id := tracer.OfContext(ctx)
	if s, ok := found.(*span); ok {
		if id != nil && id.SpanID == s.id.SpanID {
			return id // which may have more tags
		}
		return s.id
	}
	c := found.SpanContext()
	if !c.IsValid() {
		return nil
	}
	if id == nil {
		id = tracer.Current()
	}
	_, arrives := made(found, c)
	if !arrives && id != nil && id.TraceID == c.TraceID() {
		return nil
	}
	theirs := foreign(found, c, !arrives)
	if id != nil {
		theirs.Baggage = id.Baggage
		theirs = theirs.WithTags(id.Tags())
	}
	return theirs
}

// Made implements tracer.Foreign.
func (bridge) Made(ctx context.Context) (*tracer.Identity, bool) {
	found := trace.SpanFromContext(ctx)
	c := found.SpanContext()
	made, arrives := made(found, c)
	if !made {
		return nil, false
	}
	return foreign(found, c, !arrives), arrives
}

// Elsewhere implements tracer.Foreign.
func (bridge) Elsewhere() bool {
	p := otel.GetTracerProvider()
	return p != trace.TracerProvider(ours) && !arrives(p)
}

// made reports whether a span is recorded in this process by a provider of the program's own, and whether it arrives
// where ours go.
func made(s trace.Span, c trace.SpanContext) (made, comes bool) {
	if _, ours := s.(*span); ours || !c.IsValid() || c.IsRemote() || !c.IsSampled() {
		return false, false
	}
	p := s.TracerProvider()
	if seen.Load() == nil {
		seen.Store(&p)
	}
	return true, arrives(p)
}

// foreign is the identity of a span that is not ours.
func foreign(s trace.Span, c trace.SpanContext, absent bool) *tracer.Identity {
	id := identity(c)
	if c.IsRemote() {
		return id
	}
	kind, parent := otlp.KindClient, [8]byte{}                   // so that a request that names it gets no second one
	if s, ok := s.(interface{ SpanKind() trace.SpanKind }); ok { // as those of OpenTelemetry's SDK have
		kind = otlp.Kind(s.SpanKind())
	}
	if s, ok := s.(interface{ Parent() trace.SpanContext }); ok {
		parent = s.Parent().SpanID()
	}
	return id.Theirs(kind, parent, absent)
}

// own is the provider of the program's own, nil for none: the global one, or else one of which a span was seen.
func own() trace.TracerProvider {
	if p := otel.GetTracerProvider(); p != trace.TracerProvider(ours) {
		return p
	}
	if p := seen.Load(); p != nil {
		return *p
	}
	return nil
}

var seen atomic.Pointer[trace.TracerProvider]

type provider struct{ trace.TracerProvider }

// Tracer implements trace.TracerProvider.
func (p *provider) Tracer(name string, options ...trace.TracerOption) trace.Tracer {
	c := trace.NewTracerConfig(options...)
	return &spans{Tracer: noop.TracerProvider().Tracer(name), name: name, options: options, scope: otlp.NewScope(name, c.InstrumentationVersion())}
}

// spans is a Tracer.
type spans struct {
	trace.Tracer
	name    string
	options []trace.TracerOption
	scope   *otlp.Scope

	once   sync.Once
	theirs trace.Tracer
}

// Start implements trace.Tracer.
func (t *spans) Start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	if p := otel.GetTracerProvider(); p != trace.TracerProvider(ours) {
		t.once.Do(func() { t.theirs = p.Tracer(t.name, t.options...) })
		if c := trace.NewSpanStartConfig(options...); c.SpanKind() != trace.SpanKindServer && arrives(p) {
			if s, ok := trace.SpanFromContext(ctx).(*span); ok && s.view { // which need not hide from what serves no request
				ctx = trace.ContextWithSpan(ctx, &span{Span: noop, id: s.id})
			}
		}
		return t.theirs.Start(ctx, name, options...)
	}
	active := tracer.Active()
	if active == nil {
		return t.Tracer.Start(ctx, name, options...)
	}
	if ctx == nil {
		ctx = context.Background()
	}
	c := trace.NewSpanStartConfig(options...)
	kind := otlp.Kind(trace.ValidateSpanKind(c.SpanKind()))
	enclosing := tracer.Current()
	if id := tracer.OfContext(ctx); id != nil {
		enclosing = id
	}
	if kind == otlp.KindServer && enclosing != nil && enclosing.Adopt(otlp.KindServer) {
		// A server that is traced by hand has its span already: this one adds to it.
		s := &span{Span: noop, id: enclosing, adopted: true}
		s.SetName(name)
		s.SetAttributes(c.Attributes()...)
		return trace.ContextWithSpan(tracer.WithIdentity(ctx, enclosing), s), s
	}

	var parent *tracer.Identity
	if !c.NewRoot() {
		if parent = (bridge{}).Parent(ctx); parent == nil {
			if remote := trace.SpanContextFromContext(ctx); remote.IsValid() {
				parent = identity(remote)
			} else {
				parent = tracer.FromContext(ctx)
			}
		}
	}
	started := active.Start(tracer.Start{Name: name, Kind: kind, Scope: t.scope, Parent: parent, Time: c.Timestamp(), Endpoint: endpoint(kind, c.Attributes())})
	s := &span{Span: noop, id: started.ID(), own: started, recording: started.Recording(), name: name}
	s.SetAttributes(c.Attributes()...)
	for _, link := range c.Links() {
		s.AddLink(link)
	}
	if parent == nil || parent.Remote {
		switch kind {
		case otlp.KindServer, otlp.KindConsumer:
			started.Announce(slices.Clone(s.attributes)...)
		}
	}
	return trace.ContextWithSpan(tracer.WithIdentity(ctx, s.id), s), s
}

// endpoint is what endpoint filters look at.
func endpoint(kind otlp.Kind, attributes []attribute.KeyValue) string {
	keys := map[otlp.Kind][]string{
		otlp.KindServer: {"url.path", "http.target", "http.url"},
		otlp.KindClient: {"url.full", "http.url", "http.target"},
	}[kind]
	for _, key := range keys {
		for _, a := range attributes {
			if string(a.Key) == key && a.Value.AsString() != "" {
				return a.Value.AsString()
			}
		}
	}
	return ""
}

func identity(c trace.SpanContext) *tracer.Identity {
	return &tracer.Identity{TraceID: c.TraceID(), SpanID: c.SpanID(), Flags: byte(c.TraceFlags()), State: c.TraceState().String(), Remote: c.IsRemote()}
}

// span is a Span: one that is made here (own), one that adds to another (adopted), or the view of one that is made
// by an integration.
type span struct {
	trace.Span
	id        *tracer.Identity
	view      bool
	adopted   bool
	recording bool

	mu         sync.Mutex
	own        *tracer.Span // nil when it has ended
	name       string
	attributes []otlp.Attribute
	status     otlp.StatusCode
	message    string
}

// SpanContext implements trace.Span. To a provider of the program's own our spans are no parents if they are missing
// where it sends its own, whose sampler would keep then what it does not by itself; but it joins their trace. Nor is
// that of a request that is being served, as it may yield to one that is about to start.
func (s *span) SpanContext() trace.SpanContext {
	if p := own(); s.view && p != nil && !s.id.IsTheirs() && (s.id.Kind() == otlp.KindServer || !arrives(p)) {
		return trace.NewSpanContext(trace.SpanContextConfig{TraceID: s.id.TraceID})
	}
	state, _ := trace.ParseTraceState(s.id.State)
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: s.id.TraceID, SpanID: s.id.SpanID, TraceFlags: trace.TraceFlags(s.id.Flags), TraceState: state, Remote: s.id.Remote,
	})
}

// TracerProvider implements trace.Span.
func (s *span) TracerProvider() trace.TracerProvider { return ours }

// IsRecording implements trace.Span.
func (s *span) IsRecording() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.own != nil {
		return s.recording
	}
	return s.id.Live()
}

// End implements trace.Span.
func (s *span) End(options ...trace.SpanEndOption) {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.own
	if own == nil {
		return
	}
	s.own = nil
	own.SetName(s.name)
	own.SetStatus(s.status, s.message)
	for _, a := range s.attributes {
		own.Attribute(a)
	}
	c := trace.NewSpanEndConfig(options...)
	if value, panicking := own.Panicking(); panicking && value != tracer.Goexit { // as OpenTelemetry's SDK has it
		own.Panicked(value, "")
	}
	if at := c.Timestamp(); !at.IsZero() {
		own.EndAt(at)
	} else {
		own.End()
	}
}

// SetAttributes implements trace.Span.
func (s *span) SetAttributes(list ...attribute.KeyValue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, kv := range list {
		if !kv.Valid() {
			continue
		}
		a := otlp.Attribute{Key: string(kv.Key), Value: value(kv.Value)}
		switch {
		case s.adopted && a.Key == "http.route":
			s.id.SetRoute(fmt.Sprint(a.Value))
		case s.adopted && known(a.Key):
		case s.own == nil:
			s.id.SetAttribute(a)
		case s.recording:
			s.attributes = set(s.attributes, a)
		}
	}
}

func set(list []otlp.Attribute, a otlp.Attribute) []otlp.Attribute {
	for i := range list {
		if list[i].Key == a.Key {
			list[i] = a
			return list
		}
	}
	return append(list, a)
}

// known says that an integration knows better.
func known(key string) bool {
	for _, prefix := range []string{"http.", "url.", "server.", "client.", "network.", "user_agent.", "net.", "rpc."} {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

func value(v attribute.Value) any {
	switch v.Type() {
	case attribute.BOOL:
		return v.AsBool()
	case attribute.INT64:
		return v.AsInt64()
	case attribute.FLOAT64:
		return v.AsFloat64()
	case attribute.STRING:
		return v.AsString()
	case attribute.BOOLSLICE:
		return v.AsBoolSlice()
	case attribute.INT64SLICE:
		return v.AsInt64Slice()
	case attribute.FLOAT64SLICE:
		return v.AsFloat64Slice()
	case attribute.STRINGSLICE:
		return v.AsStringSlice()
	}
	return v.Emit()
}

func list(kvs []attribute.KeyValue) (attributes []otlp.Attribute) {
	for _, kv := range kvs {
		if kv.Valid() {
			attributes = append(attributes, otlp.Attribute{Key: string(kv.Key), Value: value(kv.Value)})
		}
	}
	return attributes
}

// SetName implements trace.Span.
func (s *span) SetName(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.name = name
	if method, path, ok := strings.Cut(name, " "); s.adopted && ok && strings.HasPrefix(path, "/") && method == strings.ToUpper(method) {
		s.id.SetRoute(path)
	}
}

// SetStatus implements trace.Span.
func (s *span) SetStatus(code codes.Code, description string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	status, message := otlp.StatusUnset, ""
	switch code {
	case codes.Ok:
		status = otlp.StatusOK
	case codes.Error:
		status, message = otlp.StatusError, description
	}
	if s.own == nil {
		s.id.SetStatus(status, message)
	} else if s.status != otlp.StatusOK {
		s.status, s.message = status, message
	}
}

// AddEvent implements trace.Span.
func (s *span) AddEvent(name string, options ...trace.EventOption) {
	c := trace.NewEventConfig(options...)
	s.id.AddEventAt(c.Timestamp(), name, list(c.Attributes())...)
}

// RecordError implements trace.Span.
func (s *span) RecordError(err error, options ...trace.EventOption) {
	if err == nil {
		return
	}
	c := trace.NewEventConfig(options...)
	attributes := append([]otlp.Attribute{{Key: "exception.type", Value: tracer.TypeName(err)}, {Key: "exception.message", Value: err.Error()}}, list(c.Attributes())...)
	s.id.AddEventAt(c.Timestamp(), "exception", attributes...)
}

// AddLink is of trace.Span since v1.24.
func (s *span) AddLink(link trace.Link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.own != nil && s.recording && link.SpanContext.IsValid() {
		s.own.Link(tracer.Link{ID: identity(link.SpanContext), Attributes: list(link.Attributes)})
	}
}

// propagator is ours until the program sets one, and then that.
type propagator struct{}

func (p *propagator) theirs() propagation.TextMapPropagator {
	if g := otel.GetTextMapPropagator(); g != propagation.TextMapPropagator(p) {
		return g
	}
	return nil
}

// Inject implements propagation.TextMapPropagator.
func (p *propagator) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	if theirs := p.theirs(); theirs != nil {
		theirs.Inject(ctx, carrier)
		return
	}
	t := tracer.Active()
	if t == nil {
		return
	}
	id := tracer.FromContext(ctx)
	if s := trace.SpanContextFromContext(ctx); s.IsValid() && (id == nil || hex.EncodeToString(id.SpanID[:]) != s.SpanID().String()) {
		id = identity(s)
	}
	if id != nil && id.TraceID != [16]byte{} {
		h := map[string][]string{}
		t.Inject(h, id)
		for name, values := range h {
			carrier.Set(strings.ToLower(name), values[0])
		}
	}
	propagation.Baggage{}.Inject(ctx, carrier)
}

// Extract implements propagation.TextMapPropagator.
func (p *propagator) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	if theirs := p.theirs(); theirs != nil {
		return theirs.Extract(ctx, carrier)
	}
	t := tracer.Active()
	if t == nil {
		return ctx
	}
	h := map[string][]string{}
	for _, name := range []string{"Traceparent", "Tracestate", "B3", "X-B3-Traceid", "X-B3-Spanid", "X-B3-Sampled", "X-B3-Flags"} {
		if v := carrier.Get(strings.ToLower(name)); v != "" {
			h[name] = []string{v}
		}
	}
	var id tracer.Identity
	if t.Extract(h, &id) {
		state, _ := trace.ParseTraceState(id.State)
		ctx = trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: id.TraceID, SpanID: id.SpanID, TraceFlags: trace.TraceFlags(id.Flags), TraceState: state, Remote: true,
		}))
	}
	return propagation.Baggage{}.Extract(ctx, carrier)
}

// Fields implements propagation.TextMapPropagator.
func (p *propagator) Fields() []string {
	if theirs := p.theirs(); theirs != nil {
		return theirs.Fields()
	}
	return []string{"traceparent", "tracestate", "baggage"}
}
