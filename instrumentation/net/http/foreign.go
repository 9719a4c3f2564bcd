package nethttp

import (
	"context"
	"net/http"
	"sync"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
)

// What follows is for libraries that do HTTP by themselves: their integrations put it in the terms of net/http.

// Route names the SERVER span that ctx is in by what a router, which is an instrumentation of this id, has found: the
// pattern of a path, as the router has it. It does nothing outside of requests that are traced.
func Route(ctx context.Context, id, pattern string) {
	if pattern != "" && Traces(id) {
		route(ctx, pattern)
	}
}

// Traces reports whether an instrumentation of this id does anything at all, so that nothing need be made ready for it.
func Traces(id string) bool {
	t := tracer.Active()
	return t != nil && !t.Disabled(id)
}

// Served is told what a server does with one request.
type Served interface {
	Read(p []byte, err error)                      // of the request's body
	Wrote(h http.Header, b []byte, text string)    // of the response's; h is what has been set so far
	Done(status int, h http.Header, hijacked bool) // by a deferred function
}

// Serve starts the span of a request to a server other than net/http's, which is an instrumentation of this id. It
// returns what is to be told of it, nil if the request is not traced, and a context that carries the span.
func Serve(id string, r *http.Request) (Served, context.Context) {
	if !Traces(id) {
		return nil, nil
	}
	if s := serveAs(foreignScope(id), r); s != nil {
		return s, s.context()
	}
	return nil, nil
}

// RoundTrip starts the span of a request by a client other than net/http's. It returns the request with the headers
// that are to be sent, and what to call with the outcome, nil if the request is not traced. The span ends when the
// response's body has been read.
func RoundTrip(id string, r *http.Request) (sent *http.Request, done func(*http.Response, error)) {
	if !Traces(id) {
		return r, nil
	}
	return roundTripAs(foreignScope(id), r)
}

var foreignScopes sync.Map // id -> func() *otlp.Scope

func foreignScope(id string) func() *otlp.Scope {
	if s, ok := foreignScopes.Load(id); ok {
		return s.(func() *otlp.Scope)
	}
	s, _ := foreignScopes.LoadOrStore(id, sync.OnceValue(func() *otlp.Scope { return tracer.Active().Scope("lumigo_opentelemetry." + id) }))
	return s.(func() *otlp.Scope)
}
