package receiver

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
)

// Answer is how the receiver answers a request. The zero Answer accepts.
type Answer struct {
	Status     int           // 0 means 200; spans of other than 2xx are not recorded
	Delay      time.Duration // before answering
	Hang       bool          // read the request, never answer, until the client goes or Close
	Abort      bool          // read the request, then cut the connection
	RetryAfter string        // the header, when not empty
	Location   string        // the header, when not empty
	Rejected   int           // partial success: this many spans, the request's last, are not recorded
	Message    string        // of the partial success, or the error
}

// Request is what one export request was.
type Request struct {
	Path   string
	Header http.Header
	Size   int    // of the body as it came, in bytes
	Spans  []Span // decoded, whether recorded or not
	Logs   []Log  // likewise
	Err    error  // why the body could not be decoded; the answer was then 400
	Status int    // answered; 0 for none
}

// Counts are running totals.
type Counts struct {
	Requests   int   `json:"requests"`   // all, of whatever fate
	Accepted   int   `json:"accepted"`   // requests answered 2xx
	Spans      int   `json:"spans"`      // recorded, duplicates included
	Duplicates int   `json:"duplicates"` // recorded spans whose trace and span id had been there before
	Bytes      int64 `json:"bytes"`      // of all bodies as they came
}

// Receiver is the receiver. It is safe for concurrent use.
type Receiver struct {
	addr   string
	server *http.Server
	closed chan struct{}
	close  sync.Once

	mu       sync.Mutex
	listener net.Listener // nil while refusing
	conns    map[net.Conn]struct{}
	answer   func(n int, r *http.Request) Answer
	onSpans  func([]Span)
	lean     bool
	requests []Request
	spans    []Span
	logs     []Log
	seen     map[string]struct{}
	counts   Counts
	changed  chan struct{} // closed, and replaced, at every change
}

// Listen starts a receiver at addr, as in net.Listen. It takes what comes to a path that ends with
// /v1/logs for logs, and to every other for traces.
func Listen(addr string) (*Receiver, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	r := &Receiver{
		addr:    l.Addr().String(),
		closed:  make(chan struct{}),
		conns:   map[net.Conn]struct{}{},
		seen:    map[string]struct{}{},
		changed: make(chan struct{}),
	}
	r.server = &http.Server{Handler: r, ConnState: r.track}
	r.serve(l)
	return r, nil
}

// URL is the endpoint for traces.
func (r *Receiver) URL() string { return "http://" + r.addr + "/v1/traces" }

// LogsURL is the endpoint for logs.
func (r *Receiver) LogsURL() string { return "http://" + r.addr + "/v1/logs" }

// Close ends the receiver and its connections. What it recorded stays.
func (r *Receiver) Close() {
	r.close.Do(func() { close(r.closed) })
	r.server.Close()
}

// Answer sets what decides on answers from now on: it is called with the
// number of the request, from 1, possibly concurrently. Nil accepts everything.
func (r *Receiver) Answer(f func(n int, req *http.Request) Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

// Always sets one answer to everything from now on.
func (r *Receiver) Always(a Answer) {
	r.Answer(func(int, *http.Request) Answer { return a })
}

// OnSpans sets a function that is called with the spans of each request that
// is accepted, one call at a time.
func (r *Receiver) OnSpans(f func([]Span)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.onSpans = f
}

// Lean makes the receiver keep counts alone, and neither requests nor spans,
// for benchmarks with more of them than memory.
func (r *Receiver) Lean() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lean = true
}

// Refuse makes the port refuse connections, cutting those there are, or accept
// them again.
func (r *Receiver) Refuse(refuse bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if refuse == (r.listener == nil) {
		return nil
	}
	if refuse {
		r.listener.Close()
		r.listener = nil
		for c := range r.conns {
			c.Close()
		}
		return nil
	}
	l, err := net.Listen("tcp", r.addr)
	if err != nil {
		return err
	}
	r.serve(l)
	return nil
}

func (r *Receiver) serve(l net.Listener) {
	r.listener = l
	go r.server.Serve(l)
}

func (r *Receiver) track(c net.Conn, state http.ConnState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch state {
	case http.StateNew:
		r.conns[c] = struct{}{}
		if r.listener == nil { // accepted just before the port began to refuse
			c.Close()
		}
	case http.StateClosed, http.StateHijacked:
		delete(r.conns, c)
	}
}

// Requests returns all requests so far.
func (r *Receiver) Requests() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

// Spans returns all recorded spans so far, in the order of their arrival.
func (r *Receiver) Spans() []Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.spans)
}

// Logs returns all log records of requests that were accepted, in the order of their arrival.
func (r *Receiver) Logs() []Log {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.logs)
}

// Counts returns the totals so far.
func (r *Receiver) Counts() Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts
}

// Reset forgets everything recorded and counted; the answers stay programmed.
func (r *Receiver) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests, r.spans, r.logs, r.counts = nil, nil, nil, Counts{}
	clear(r.seen)
}

// Wait returns when done is true of the spans recorded, or with an error that
// says what there was when ctx ended.
func (r *Receiver) Wait(ctx context.Context, done func([]Span) bool) error {
	return r.wait(ctx, func() bool { return done(r.Spans()) })
}

// WaitCounts is Wait for the totals.
func (r *Receiver) WaitCounts(ctx context.Context, done func(Counts) bool) error {
	return r.wait(ctx, func() bool { return done(r.Counts()) })
}

func (r *Receiver) wait(ctx context.Context, done func() bool) error {
	for {
		r.mu.Lock()
		changed := r.changed
		r.mu.Unlock()
		if done() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waiting for spans: %w; so far: %+v", ctx.Err(), r.Counts())
		}
	}
}

// ServeHTTP takes a request on any path, and answers GET /counts with the
// totals as JSON.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method == http.MethodGet && req.URL.Path == "/counts" {
		json.NewEncoder(w).Encode(r.Counts())
		return
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the client went away: nothing was sent
	}
	record := Request{Path: req.URL.Path, Header: req.Header.Clone(), Size: len(body)}
	contentType, encoding := req.Header.Get("Content-Type"), req.Header.Get("Content-Encoding")
	if strings.HasSuffix(req.URL.Path, "/v1/logs") {
		data := &logspb.LogsData{}
		if err = decode(data, body, contentType, encoding); err == nil {
			record.Logs = logs(data)
		}
	} else {
		var data *tracepb.TracesData
		if data, err = Decode(body, contentType, encoding); err == nil {
			record.Spans = Spans(data)
		}
	}
	record.Err = err

	r.mu.Lock()
	r.counts.Requests++
	r.counts.Bytes += int64(len(body))
	n, answer := r.counts.Requests, r.answer
	r.mu.Unlock()

	var a Answer
	if answer != nil {
		a = answer(n, req)
	}
	if err != nil {
		a = Answer{Status: http.StatusBadRequest, Message: err.Error()}
	}
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	if a.Hang {
		r.record(record, nil)
		select {
		case <-req.Context().Done():
		case <-r.closed:
		}
		panic(http.ErrAbortHandler)
	}
	if a.Abort {
		r.record(record, nil)
		panic(http.ErrAbortHandler)
	}
	if a.Delay > 0 {
		select {
		case <-time.After(a.Delay):
		case <-req.Context().Done():
		}
	}
	record.Status = a.Status
	var kept []Span
	if a.Status/100 == 2 {
		kept = record.Spans[:max(0, len(record.Spans)-a.Rejected)]
	}
	r.record(record, kept)
	r.respond(w, req, a)
}

// record files a request, with the spans of it that count as received. It
// comes before the answer, so that whoever has the answer finds the spans.
func (r *Receiver) record(req Request, kept []Span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if req.Status/100 == 2 {
		r.counts.Accepted++
	}
	r.counts.Spans += len(kept)
	for _, s := range kept {
		id := string(s.Proto.TraceId) + string(s.Proto.SpanId)
		if _, ok := r.seen[id]; ok {
			r.counts.Duplicates++
		}
		r.seen[id] = struct{}{}
	}
	if !r.lean {
		r.requests = append(r.requests, req)
		r.spans = append(r.spans, kept...)
		if req.Status/100 == 2 {
			r.logs = append(r.logs, req.Logs...)
		}
	}
	if r.onSpans != nil && len(kept) > 0 {
		r.onSpans(kept)
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *Receiver) respond(w http.ResponseWriter, req *http.Request, a Answer) {
	if a.RetryAfter != "" {
		w.Header().Set("Retry-After", a.RetryAfter)
	}
	if a.Location != "" {
		w.Header().Set("Location", a.Location)
	}
	var body []byte
	if req.Header.Get("Content-Type") == "application/json" {
		w.Header().Set("Content-Type", "application/json")
		var tree any = map[string]any{}
		switch {
		case a.Status/100 != 2:
			tree = map[string]any{"message": a.Message}
		case a.Rejected > 0 || a.Message != "":
			tree = map[string]any{"partialSuccess": map[string]any{
				"rejectedSpans": fmt.Sprint(a.Rejected), "errorMessage": a.Message}}
		}
		body, _ = json.Marshal(tree)
	} else {
		w.Header().Set("Content-Type", "application/x-protobuf")
		// google.rpc.Status and ExportTracePartialSuccess have the same shape.
		if a.Rejected > 0 {
			body = protowire.AppendTag(body, 1, protowire.VarintType)
			body = protowire.AppendVarint(body, uint64(a.Rejected))
		}
		if a.Message != "" {
			body = protowire.AppendTag(body, 2, protowire.BytesType)
			body = protowire.AppendString(body, a.Message)
		}
		if a.Status/100 == 2 && len(body) > 0 {
			body = protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), body)
		}
	}
	w.WriteHeader(a.Status)
	w.Write(body)
}
