package viewer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/viewer/store"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

const (
	// DefaultAddress is where exporters of OTLP/HTTP look for a receiver by default.
	DefaultAddress = "127.0.0.1:4318"

	// DefaultSize is how many bytes of traces are kept on disk by default.
	DefaultSize = 256 << 20

	// MinSize is the least.
	MinSize = store.MinSize
)

// Options says where a viewer listens and what it keeps. The zero value listens on [DefaultAddress] and keeps
// traces in memory alone.
type Options struct {
	Listen  string       // host and port, as in net.Listen; port 0 for any that is free
	Dir     string       // where traces are kept, created if need be; "" for in memory alone
	MaxSize int64        // bytes that may be kept, at least MinSize; 0 for DefaultSize; in memory at most 32 MiB
	Version string       // of the distribution, to be shown
	Warn    func(string) // is told what the user should know, a line each; nil for nobody
}

// Server is a viewer that runs. Its methods are safe for concurrent use.
type Server struct {
	options  Options
	hosts    hosts
	listener net.Listener
	http     *http.Server
	store    *store.Store
	started  time.Time
	memory   budget
	loading  sync.Mutex
	intake   *intake
	closing  chan struct{} // ends answers that follow
	closed   atomic.Bool
}

// Error says why a viewer does not start.
type Error struct {
	Err  error
	Hint string // what to do about it; may be empty
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Start starts a viewer, which serves until Close. An error is an [*Error].
func Start(o Options) (*Server, error) {
	o.Listen = cmp.Or(o.Listen, DefaultAddress)
	o.MaxSize = max(cmp.Or(o.MaxSize, DefaultSize), MinSize)
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	l, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, cannotListen(o.Listen, err)
	}
	if !isLoopback(l.Addr()) {
		o.Warn(fmt.Sprintf("the viewer listens on %s, where other machines can reach it: whoever does so sees every trace", l.Addr()))
	}
	kept, err := store.Open(store.Options{Dir: o.Dir, MaxSize: o.MaxSize, Warn: o.Warn})
	if err != nil {
		l.Close()
		e := &Error{Err: fmt.Errorf("cannot keep traces in %s: %w", o.Dir, err), Hint: "choose another directory"}
		if errors.Is(err, store.ErrInUse) {
			e.Hint = "end that viewer, or choose another directory"
		}
		return nil, e
	}
	s := &Server{
		options: o, hosts: hostsOf(o.Listen, l.Addr()), listener: l, store: kept, started: time.Now(),
		intake: newIntake(kept), closing: make(chan struct{}),
	}
	s.memory.left.Store(mostBodies)
	s.http = &http.Server{
		Handler:           s.guard(s.routes()),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // it tells of clients' mistakes, in its own voice
	}
	go s.http.Serve(limitConnections(l))
	return s, nil
}

func cannotListen(address string, err error) *Error {
	e := &Error{Err: fmt.Errorf("cannot listen on %s: %w", address, reason(err))}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		e.Hint = "another viewer or a Collector may be running there; end it, or choose another port: 127.0.0.1:0 takes any that is free"
	case errors.Is(err, syscall.EACCES):
		e.Hint = "ports below 1024 are for root; choose a higher one"
	default:
		e.Hint = "an address is a host and a port, such as " + DefaultAddress
	}
	return e
}

// reason is what the system says, without what package net puts before it.
func reason(err error) error {
	if inner := (*net.OpError)(nil); errors.As(err, &inner) {
		err = inner.Err
	}
	if errno := syscall.Errno(0); errors.As(err, &errno) {
		return errno
	}
	return err
}

// URL returns the address of the page, such as http://127.0.0.1:4318, which is also the endpoint for OTLP.
func (s *Server) URL() string { return "http://" + s.hosts.shown }

// Add takes a copy of an encoded span or log record, as one of r's and scope's, which must not be nil. It never waits;
// what there is no room for is dropped, and spans are counted.
func (s *Server) Add(signal otlp.Signal, r *otlp.Resource, scope *otlp.Scope, item []byte) {
	s.intake.add(signal, r, scope, item)
}

// Flush returns when whatever was added is to be seen.
func (s *Server) Flush() { s.intake.flush() }

// Close stops listening, waits for requests that are being answered for as long as ctx allows, and keeps what was
// received until then. Later calls do nothing.
func (s *Server) Close(ctx context.Context) error {
	if s.closed.Swap(true) {
		return nil
	}
	close(s.closing)
	err := s.http.Shutdown(ctx)
	if err != nil {
		s.http.Close()
	}
	s.intake.close()
	return errors.Join(err, s.store.Close())
}
