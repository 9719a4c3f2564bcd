package nethttp

import (
	"context"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"

	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/semconv"
	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
	"github.com/lumigo-io/opentelemetry-distro/internal/untraced"
)

// serving is a request that is being served. Its context may outlive it.
type serving struct {
	ctx      tracer.Context
	span     *tracer.Span
	before   *tracer.Identity // of the goroutine
	method   string
	isText   bool   // the request's body
	encoding string // of it

	mu       sync.Mutex // reads and writes may come from other goroutines than the handler's
	over     bool
	received capture
	sent     capture
	decided  bool // whether the response's body is kept
	keeps    bool
}

func (s *serving) context() context.Context { return &s.ctx }

// serve starts a span; it returns nil if there is none.
func serve(r *http.Request) *serving { return serveAs(scope, r) }

func serveAs(scope func() *otlp.Scope, r *http.Request) (s *serving) {
	t := tracer.Active()
	if t == nil || untraced.Is(r.Context()) || r.Method == "PRI" { // HTTP/2 begins, and this is no request
		return nil
	}
	defer guard()
	start := tracer.Start{Kind: otlp.KindServer, Scope: scope(), Convention: semconv.HTTP, Name: "HTTP", Parent: t.Remote(r.Header)}
	if t.Filters(otlp.KindServer) {
		start.Endpoint = r.URL.RequestURI()
	}
	span := t.Start(start)
	s = &serving{span: span, received: newCapture(span, t, mask.RequestBodies), sent: newCapture(span, t, mask.ResponseBodies)}
	s.ctx = tracer.Context{Context: r.Context(), ID: span.ID()}
	s.before = tracer.Enter(span.ID())
	if span.Recording() {
		s.describe(r)
		span.Announce()
	}
	return s
}

func (s *serving) describe(r *http.Request) {
	span := s.span
	s.method = method(span, r.Method)
	span.SetName(s.method)
	path := r.URL.Path
	if path == "" {
		path = r.URL.Opaque
	}
	span.Text("url.path", path)
	if r.TLS != nil {
		span.Constant(schemeHTTPS)
	} else {
		span.Constant(schemeHTTP)
	}
	protocol(span, r.ProtoMajor, r.ProtoMinor)
	peer, port := r.RemoteAddr, ""
	if i := strings.LastIndexByte(peer, ':'); i >= 0 {
		peer, port = withoutBrackets(peer[:i]), peer[i+1:]
	}
	if peer != "" {
		if forwarded := r.Header["X-Forwarded-For"]; len(forwarded) > 0 {
			first, _, _ := strings.Cut(forwarded[0], ",")
			span.Text("client.address", strings.TrimSpace(first))
		} else {
			span.Known("client.address", peer)
		}
		span.Known("network.peer.address", peer)
		if n, err := strconv.ParseUint(port, 10, 16); err == nil {
			span.Int("network.peer.port", int64(n))
		}
	}
	if agent := r.Header["User-Agent"]; len(agent) > 0 {
		span.Text("user_agent.original", agent[0])
	}
	if query := r.URL.RawQuery; query != "" {
		span.Text("url.query", query)
		span.Text("http.request.query_string", query)
	}
	host := r.Host
	if host == "" {
		if a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
			host = a.String()
		}
	}
	address(span, host, r.TLS != nil)
	headers(span, "http.request.headers", mask.RequestHeaders, r.Header, r.Host)
	if r.ContentLength != 0 && s.received.limit > 0 && kept(r.Header) {
		s.isText, s.encoding = true, encoding(r.Header)
	}
}

// Read takes in what the application has read of the request's body.
func (s *serving) Read(p []byte, _ error) {
	if !s.isText || len(p) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.received.add(p, "", s.span.Room(0))
	}
}

// Wrote takes in what it writes of the response's.
func (s *serving) Wrote(h http.Header, b []byte, text string) {
	if s.sent.limit <= 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return
	}
	if !s.decided {
		s.decided, s.keeps = true, s.span.Recording() && kept(h)
	}
	if s.keeps {
		s.sent.add(b, text, s.span.Room(1))
	}
}

// Done ends the span. It is called by a deferred function, perhaps with a panic under way, which goes on.
func (s *serving) Done(code int, h http.Header, hijacked bool) {
	defer guard()
	tracer.Enter(s.before)
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	span := s.span
	s.span, s.before = nil, nil
	defer span.End()
	if !span.Recording() {
		return
	}
	if pattern := span.Route(); pattern != "" {
		name, start := pattern, max(0, strings.IndexByte(pattern, '/'))
		if start != len(s.method)+1 || !strings.HasPrefix(pattern, s.method) {
			name = s.method + " " + pattern[start:]
		}
		span.Known("http.route", pattern[start:])
		span.SetName(name)
	}
	value, panicking := span.Panicking()
	switch {
	case panicking && value == http.ErrAbortHandler:
		span.SetStatus(otlp.StatusError, "")
		span.Known("error.type", "net/http.ErrAbortHandler")
	case panicking:
		span.Panicked(value, string(debug.Stack()))
	case hijacked && code == 0:
		code = http.StatusSwitchingProtocols // as far as one can tell: the application speaks for itself
	case code == 0 && !hijacked:
		code = http.StatusOK
	}
	if code > 0 {
		status(span, code)
		if code >= 500 {
			span.SetStatus(otlp.StatusError, "")
			if !panicking {
				span.Known("error.type", strconv.Itoa(code))
			}
		}
	}
	headers(span, "http.response.headers", mask.ResponseHeaders, h, "")
	if data, cut := s.received.unpacked(s.encoding); len(data) > 0 {
		span.Body("http.request.body", mask.RequestBodies, data, cut)
	}
	if data, cut := s.sent.unpacked(encoding(h)); len(data) > 0 {
		span.Body("http.response.body", mask.ResponseBodies, data, cut)
	}
}

// notice takes in a context that a request is given.
func notice(ctx context.Context) {
	defer guard()
	tracer.Notice(ctx)
}

// route takes in which pattern of a ServeMux a request has matched.
func route(ctx context.Context, pattern string) {
	if id := tracer.FromContext(ctx); id != nil {
		id.SetRoute(pattern)
	}
}
