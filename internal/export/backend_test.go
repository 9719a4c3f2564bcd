package export

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// backend is a real HTTP server that keeps the ids of the spans it accepts.
// (The official module decodes what we send in test/conformance; here a few
// lines do.)
type backend struct {
	*httptest.Server

	mu      sync.Mutex
	got     []request
	ids     map[string]int // accepted spans, how often
	changed chan struct{}
}

// request is one that came, with its body as it came.
type request struct {
	*http.Request
	body []byte
}

// newBackend serves with handle, which may be nil. A handler that returns
// without having written anything accepts the request's spans.
func newBackend(t *testing.T, handle func(n int, w http.ResponseWriter, r *http.Request)) *backend {
	t.Helper()
	b := unstarted(handle)
	b.Start()
	t.Cleanup(b.Close)
	return b
}

func unstarted(handle func(n int, w http.ResponseWriter, r *http.Request)) *backend {
	b := &backend{ids: map[string]int{}, changed: make(chan struct{})}
	b.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		b.mu.Lock()
		b.got = append(b.got, request{r, body})
		n := len(b.got)
		close(b.changed)
		b.changed = make(chan struct{})
		b.mu.Unlock()
		tracked := &tracked{ResponseWriter: w}
		if handle != nil {
			handle(n, tracked, r)
		}
		if !tracked.wrote {
			b.accept(r, body, 0)
		}
	}))
	return b
}

type tracked struct {
	http.ResponseWriter
	wrote bool
}

func (t *tracked) WriteHeader(code int) {
	t.wrote = true
	t.ResponseWriter.WriteHeader(code)
}

func (t *tracked) Write(b []byte) (int, error) {
	t.wrote = true
	return t.ResponseWriter.Write(b)
}

func (t *tracked) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// accept files the spans of a request, but for the last so many.
func (b *backend) accept(r *http.Request, body []byte, rejected int) {
	ids := spanIDs(r, body)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range ids[:max(0, len(ids)-rejected)] {
		b.ids[id]++
	}
}

func (b *backend) received() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.ids)
}

func (b *backend) requests() []request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.got)
}

// awaitRequests waits until so many requests have come.
func (b *backend) awaitRequests(t *testing.T, n int) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		b.mu.Lock()
		have, changed := len(b.got), b.changed
		b.mu.Unlock()
		if have >= n {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("%d requests came, want %d", have, n)
		}
	}
}

func plain(r *http.Request, body []byte) []byte {
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			panic(err)
		}
		if body, err = io.ReadAll(z); err != nil {
			panic(err)
		}
	}
	return body
}

// spanIDs lists the ids of the spans in a request.
func spanIDs(r *http.Request, body []byte) (ids []string) {
	body = plain(r, body)
	if r.Header.Get("Content-Type") == "application/json" {
		var request struct {
			ResourceSpans []struct {
				ScopeSpans []struct{ Spans []struct{ SpanID string } }
			}
		}
		if err := json.Unmarshal(body, &request); err != nil {
			panic(err)
		}
		for _, rs := range request.ResourceSpans {
			for _, ss := range rs.ScopeSpans {
				for _, s := range ss.Spans {
					ids = append(ids, s.SpanID)
				}
			}
		}
		return ids
	}
	for _, rs := range fields(body, 1) { // ExportTraceServiceRequest.resource_spans
		for _, ss := range fields(rs, 2) { // ResourceSpans.scope_spans
			for _, span := range fields(ss, 2) { // ScopeSpans.spans
				s, err := otlp.ParseSpan(span)
				if err != nil {
					panic(err)
				}
				ids = append(ids, hex.EncodeToString(s.SpanID[:]))
			}
		}
	}
	return ids
}

// fields lists the length-delimited fields so numbered; those of the messages
// above a span are all length-delimited.
func fields(b []byte, number byte) (list [][]byte) {
	for len(b) > 0 {
		tag, n, shift := b[0], 0, 0
		for b = b[1:]; ; b = b[1:] {
			n |= int(b[0]&0x7f) << shift
			if shift += 7; b[0] < 0x80 {
				break
			}
		}
		if tag == number<<3|2 {
			list = append(list, b[1:1+n])
		}
		b = b[1+n:]
	}
	return list
}

var (
	shop  = otlp.NewResource([]otlp.Attribute{{Key: "service.name", Value: "shop"}}, "")
	flask = otlp.NewScope("flask", "")
)

// span encodes a span whose id is n.
func span(n int) []byte {
	var s otlp.Span
	s.Context([16]byte{1}, [8]byte{0x80, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, [8]byte{}, "", 1)
	s.Name("GET /")
	s.String("http.request.method", "GET")
	return s.Encoded()
}

func addSpans(e *Exporter, from, n int) {
	for i := range n {
		e.Add(shop, flask, span(from+i))
	}
}

// lines is a log to look into.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// await waits until the log holds text.
func (l *lines) await(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(l.String(), text); {
		if time.Now().After(deadline) {
			t.Fatalf("the log does not say %q:\n%s", text, l)
		}
		time.Sleep(time.Millisecond)
	}
}

// start makes an exporter whose pauses are short, and its log. Shutdown at the
// end of the test is given no time.
func start(t *testing.T, o Options) (*Exporter, *lines) {
	t.Helper()
	log := &lines{}
	o.Log = diag.New(log, diag.Info)
	e := New(o)
	e.firstPause, e.longestPause = time.Millisecond, 5*time.Millisecond
	t.Cleanup(func() { e.Shutdown(ended()) })
	return e, log
}

func to(url string) Options {
	return Options{Export: config.Export{Endpoint: url + "/v1/traces"}}
}

func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// within is a deadline that only a hanging test meets.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func flush(t *testing.T, e *Exporter) {
	t.Helper()
	if err := e.Flush(within(t)); err != nil {
		t.Fatal(err)
	}
}

func wantTotals(t *testing.T, e *Exporter, want string) {
	t.Helper()
	got := e.Totals()
	if got.String() != want {
		t.Errorf("totals: got  %q\n        want %q", got, want)
	}
	if err := addUp(got); err != nil {
		t.Error(err)
	}
}

func addUp(t Totals) error {
	if t.Accepted != t.Delivered+t.Dropped.Sum()+t.Pending || t.Pending < 0 {
		return fmt.Errorf("totals do not add up: %+v", t)
	}
	return nil
}

var discardLog = log.New(io.Discard, "", 0)
