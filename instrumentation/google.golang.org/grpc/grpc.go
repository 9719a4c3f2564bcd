// Package grpc traces the servers and clients of google.golang.org/grpc, in calls of all four kinds.
//
// The span of a server is around everything that it does for a call, that of a client around all attempts. The woven
// library tells of calls in plain types, so that nothing here depends on it.
package grpc

import (
	"context"
	"fmt"
	"net"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
	"github.com/lumigo-io/opentelemetry-distro/internal/untraced"
)

var scope = sync.OnceValue(func() *otlp.Scope { return tracer.Active().Scope("lumigo_opentelemetry.grpc") })

var system = tracer.ConstantText("rpc.system", "grpc")

// Call is one that is being served or made. Its methods are safe for concurrent use, and do nothing on nil.
type Call struct {
	context.Context // of a server's handler; nil of a client

	t      *tracer.Tracer
	kind   otlp.Kind
	parent *tracer.Identity
	method string // with a slash before the service and one after it
	target string
	peer   string // of a client, in the last attempt
	began  time.Time

	before *tracer.Identity // of the goroutine

	mu       sync.Mutex
	span     *tracer.Span // nil before a client's first attempt, and when it is over
	byHand   bool         // the application traces the call itself
	over     bool
	answered bool
	code     int
	message  string
	messages [2]messages
}

// The directions in which messages go.
const (
	Request = iota
	Response
)

// messages are what is kept of those in one direction, as JSON: one, or a list.
type messages struct {
	text  []byte
	count int
	cut   bool
	whole bool // there is only one, and it has been told of
}

type callKey struct{}

// Value implements context.Context: handlers find the span, and the library this.
func (c *Call) Value(key any) any {
	if _, ours := key.(callKey); ours {
		return c
	}
	return c.Context.Value(key)
}

// Of returns the call that ctx belongs to, nil for none that is traced.
func Of(ctx context.Context) *Call {
	c, _ := ctx.Value(callKey{}).(*Call)
	return c
}

func active(ctx context.Context) *tracer.Tracer {
	if t := tracer.Active(); t != nil && !t.Disabled("grpc") && !untraced.Is(ctx) {
		return t
	}
	return nil
}

// Serve starts the span of a call to a server, nil if it is not traced. The call's context is to be its handler's.
func Serve(ctx context.Context, method string, metadata map[string][]string, peer string) (c *Call) {
	t := active(ctx)
	if t == nil {
		return nil
	}
	defer guard()
	c = &Call{t: t, kind: otlp.KindServer, method: method}
	if authority := metadata[":authority"]; len(authority) > 0 {
		c.target = authority[0]
	}
	if c.parent = tracer.OfContext(ctx); c.parent == nil {
		c.parent = t.Remote(headers(metadata))
	} else { // a server of net/http has passed on what it has a SERVER span for
		c.kind = otlp.KindInternal
		c.parent.SetRoute(method)
	}
	c.begin([8]byte{})
	address(c.span, "network.peer.", peer)
	host, _, _ := net.SplitHostPort(peer)
	if host != "" {
		c.span.Text("client.address", host)
	}
	c.Context = tracer.WithIdentity(ctx, c.span.ID())
	c.before = tracer.Enter(c.span.ID())
	c.span.Announce()
	return c
}

// begin starts the span, with an id of its own if that is zero.
func (c *Call) begin(id [8]byte) {
	name := strings.TrimPrefix(c.method, "/")
	span := c.t.Start(tracer.Start{Name: name, Kind: c.kind, Scope: scope(), Parent: c.parent, SpanID: id, Time: c.began})
	if c.span = span; !span.Recording() {
		return
	}
	span.Constant(system)
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		span.Text("rpc.service", name[:i])
		span.Text("rpc.method", name[i+1:])
	} else {
		span.Text("rpc.method", name)
	}
	address(span, "server.", c.target)
}

// address writes a host and a port under one prefix.
func address(span *tracer.Span, prefix, target string) {
	if _, rest, ok := strings.Cut(target, "://"); ok {
		if _, target, ok = strings.Cut(rest, "/"); !ok { // scheme://authority/endpoint
			target = rest
		}
	}
	if target == "" {
		return
	}
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		host = target
	}
	span.Text(prefix+"address", host)
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		span.Int(prefix+"port", int64(n))
	}
}

// Handle is told of the context that a server's handler is given, in which the application may have a span of its own
// for the call. One for a method that nobody implements is no matter: such spans never end.
func Handle(ctx context.Context) {
	defer guard()
	tracer.Notice(ctx)
}

// End ends the span of a server. It is called by a deferred function, perhaps with a panic under way, which goes on.
func (c *Call) End() {
	if c == nil {
		return
	}
	defer guard()
	tracer.Enter(c.before)
	c.mu.Lock()
	defer c.mu.Unlock()
	if value, panicking := c.span.Panicking(); panicking {
		c.span.Panicked(value, string(debug.Stack()))
		c.answered = false
	}
	c.close()
}

// Status takes in how a server answers.
func (c *Call) Status(code int, message string) {
	if c != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.answered, c.code, c.message = true, code, message
	}
}

// Begin is called before a client makes a call, nil if it is not traced. The context that it returns is to be that of
// the call.
func Begin(ctx context.Context, method, target string) (*Call, context.Context) {
	t := active(ctx)
	if t == nil || strings.HasPrefix(method, "/opentelemetry.proto.collector.") { // telemetry of the application's own
		return nil, ctx
	}
	defer guard()
	c := &Call{t: t, kind: otlp.KindClient, method: method, target: target, parent: tracer.FromContext(ctx), began: time.Now()}
	return c, context.WithValue(ctx, callKey{}, c)
}

// Attempt is called before each attempt of a client, with its context and what is about to be sent. It returns what is
// to be sent as well, as pairs of names and values.
func (c *Call) Attempt(ctx context.Context, metadata map[string][]string) (pairs []string) {
	if c == nil {
		return nil
	}
	defer guard()
	c.mu.Lock()
	defer c.mu.Unlock()
	h := headers(metadata)
	if c.span == nil && !c.over {
		named, found := tracer.ParentIn(h)
		switch c.byHand = found && !forwarded(named, c.parent); {
		case !c.byHand:
			c.begin([8]byte{})
		case tracer.MadeElsewhere(ctx, named):
			c.begin(named) // where ours go, it is the span that the receiver will name
		default:
			c.over = true
		}
	}
	if c.span == nil || c.byHand {
		return nil
	}
	added := map[string][]string{}
	c.t.Inject(added, c.span.ID())
	for name, values := range added {
		if name != "Baggage" || len(h["Baggage"]) == 0 { // the application's own is left alone
			pairs = append(pairs, strings.ToLower(name), values[0])
		}
	}
	return pairs
}

// SentTo takes in where an attempt of a client goes.
func (c *Call) SentTo(peer net.Addr) {
	if c == nil || peer == nil {
		return
	}
	defer guard()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.peer = peer.String()
}

// forwarded says that the parent named in metadata is not a span that somebody has made for the call: it has been
// copied from the call or request being served.
func forwarded(spanID [8]byte, in *tracer.Identity) bool {
	return in != nil && (spanID == in.Parent() || spanID == in.SpanID) && in.Kind() != otlp.KindClient
}

// Finish ends the span of a client with the call's status.
func (c *Call) Finish(code int, message string) {
	if c == nil {
		return
	}
	defer guard()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	if c.span == nil { // it has failed before the first attempt
		if c.parent != nil && c.parent.Kind() == otlp.KindClient && c.parent.Live() {
			return // as the span says that somebody has made for it
		}
		c.begin([8]byte{})
	}
	address(c.span, "network.peer.", c.peer)
	c.answered, c.code, c.message = true, code, message
	c.close()
}

// close ends the span, under the lock.
func (c *Call) close() {
	span := c.span
	c.span, c.over = nil, true
	defer span.End()
	if !span.Recording() {
		return
	}
	if c.answered {
		span.Int("rpc.grpc.status_code", int64(c.code))
		if c.code != 0 && (c.kind == otlp.KindClient || isFault(c.code)) {
			span.SetStatus(otlp.StatusError, c.message)
			span.Known("error.type", name(c.code))
		}
	}
	for i, key := range []string{"rpc.grpc.request.payload", "rpc.grpc.response.payload"} {
		m := &c.messages[i]
		if m.count > 1 && !m.cut {
			m.text = append(m.text, ']')
		}
		span.Body(key, category(i), m.text, m.cut)
	}
}

func category(direction int) mask.Category {
	if direction == Request {
		return mask.RequestBodies
	}
	return mask.ResponseBodies
}

// Wants reports whether one more message is worth telling of.
func (c *Call) Wants(direction int) bool {
	if c == nil || !c.t.GRPCPayloads() {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	m := &c.messages[direction]
	recorded := c.span != nil && c.span.Recording() || c.span == nil && !c.over
	return recorded && !m.cut && !m.whole && len(m.text) < c.t.Capture()
}

// Hides reports whether messages are masked whole, so that any text will do.
func (c *Call) Hides(direction int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.span != nil && c.span.Hides(category(direction))
}

// Message takes in a message as JSON, or "" for one that is too large to be written so. That of a call which has only
// one in this direction is told of as such, and perhaps by another part of the library as well.
func (c *Call) Message(direction int, text string, only bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := &c.messages[direction]
	if m.whole || only && m.count > 0 || c.over {
		return
	}
	m.whole = only
	m.count++
	switch {
	case text == "":
		m.cut = true
		return
	case m.count == 2:
		m.text = append(append([]byte{'['}, m.text...), ',')
	case m.count > 2:
		m.text = append(m.text, ',')
	}
	m.text = append(m.text, text...)
	if limit := c.t.Capture(); len(m.text) > limit {
		m.text, m.cut = m.text[:limit], true
	}
}

// carriers are the headers that propagators read, by their names in metadata.
var carriers = map[string]string{
	"traceparent": "Traceparent", "tracestate": "Tracestate", "baggage": "Baggage", "b3": "B3",
	"x-b3-traceid": "X-B3-Traceid", "x-b3-spanid": "X-B3-Spanid", "x-b3-sampled": "X-B3-Sampled", "x-b3-flags": "X-B3-Flags",
}

// headers are those of metadata that propagators read, under the names that they have there.
func headers(metadata map[string][]string) map[string][]string {
	var h map[string][]string // mostly there are none
	for name, header := range carriers {
		if values := metadata[name]; len(values) > 0 {
			if h == nil {
				h = map[string][]string{}
			}
			h[header] = values
		}
	}
	return h
}

var names = [...]string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
	"RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
	"UNAUTHENTICATED",
}

// name is what a status code is called.
func name(code int) string {
	if code < 0 || code >= len(names) {
		return strconv.Itoa(code)
	}
	return names[code]
}

// isFault says that a status is the fault of the server, and not of who calls it.
func isFault(code int) bool {
	switch name(code) {
	case "UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS":
		return true
	}
	return false
}

// guard keeps our own mistakes from the application. It is deferred.
func guard() {
	if fault := recover(); fault != nil {
		if t := tracer.Active(); t != nil {
			t.Log().Debugf("An exception occurred in lumigo's code: grpc: %v", fmt.Sprint(fault))
		}
	}
}
