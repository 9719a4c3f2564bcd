package nethttp

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/export"
	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
	"github.com/lumigo-io/opentelemetry-distro/internal/tracertest"
	"github.com/lumigo-io/opentelemetry-distro/internal/untraced"
)

// activate makes a tracer that sends nowhere active.
func activate(t testing.TB) {
	c, _ := config.Parse(nil)
	m, _ := mask.New(c.Masking, nil)
	c.Export.Endpoint, c.Export.MemoryLimit = "http://127.0.0.1:1/v1/traces", 1<<20
	e := export.New(export.Options{Export: c.Export})
	tracer.Activate(tracer.New(tracer.Options{Config: c, Masker: m, Exporter: e, Resource: otlp.NewResource(nil, "")}))
	t.Cleanup(func() {
		tracer.Activate(nil)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		e.Shutdown(ctx)
	})
}

func TestTheCallersRequestStaysAsItIs(t *testing.T) {
	activate(t)
	body := strings.NewReader("text")
	r, _ := http.NewRequest("POST", "http://h/?token=x", body)
	original := r.Body
	sent, done := roundTrip(r)
	if done == nil || sent == r || sent.Header.Get("Traceparent") == "" {
		t.Fatal("it is not traced")
	}
	if len(r.Header) != 0 || r.Body != original || sent.Body != original || body.Len() != 4 {
		t.Errorf("it has changed: %v, %d bytes left", r.Header, body.Len())
	}
	resp := &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("answer"))}
	done(resp, nil)
	if text, err := io.ReadAll(resp.Body); string(text) != "answer" || err != nil || resp.Body.Close() != nil {
		t.Errorf("the answer is %q, %v", text, err)
	}
}

func TestRequestsThatGetNoSpan(t *testing.T) {
	activate(t)
	request := func(change func(*http.Request)) *http.Request {
		r, _ := http.NewRequest("GET", "http://h/", nil)
		change(r)
		return r
	}
	for name, r := range map[string]*http.Request{
		"traced by hand": request(func(r *http.Request) {
			r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		}),
		"other telemetry":    request(func(r *http.Request) { r.Header.Set("User-Agent", "OTel OTLP Exporter Go/1.0") }),
		"without a header":   request(func(r *http.Request) { r.Header = nil }),
		"without an address": request(func(r *http.Request) { r.URL = nil }),
	} {
		if sent, done := roundTrip(r); sent != r || done != nil {
			t.Errorf("a request %s is traced", name)
		}
	}
}

func TestSignedRequestsGetNoHeader(t *testing.T) {
	activate(t)
	r, _ := http.NewRequest("GET", "http://h/", nil)
	r.Header.Set("X-Amz-Content-Sha256", "abc")
	sent, done := roundTrip(r)
	if done == nil || sent.Header.Get("Traceparent") != "" {
		t.Errorf("headers: %v", sent.Header)
	}
	done(nil, io.EOF)
}

func TestServerSpans(t *testing.T) {
	text, packed := http.Header{"Content-Type": {"text/plain"}}, new(bytes.Buffer)
	w := gzip.NewWriter(packed)
	io.WriteString(w, "unpacked")
	w.Close()
	for _, test := range []struct {
		name   string
		method string
		header http.Header // of the request
		serve  func(s *serving)
		span   string
		status string
		want   map[string]any // nil for none
	}{
		{"bodies", "POST", text, func(s *serving) {
			s.Read([]byte("que"), nil)
			s.Read([]byte("stion"), io.EOF)
			s.Wrote(text, []byte("ans"), "")
			s.Wrote(text, nil, "wer")
			s.Done(200, text, false)
		}, "POST", "UNSET", map[string]any{"http.request.body": "question", "http.response.body": "answer", "http.response.status_code": 200.0}},
		{"bodies that are packed", "POST", http.Header{"Content-Encoding": {"gzip"}}, func(s *serving) {
			s.Read(packed.Bytes(), io.EOF)
			h := http.Header{"Content-Encoding": {"br"}}
			s.Wrote(h, []byte("who knows"), "")
			s.Done(200, h, false)
		}, "POST", "UNSET", map[string]any{"http.request.body": "unpacked", "http.response.body": nil}},
		{"bodies that are no text", "POST", http.Header{"Content-Type": {"image/png"}}, func(s *serving) {
			s.Read([]byte("png"), io.EOF)
			h := http.Header{"Content-Type": {"application/octet-stream"}}
			s.Wrote(h, []byte("data"), "")
			s.Done(200, h, false)
		}, "POST", "UNSET", map[string]any{"http.request.body": nil, "http.response.body": nil}},
		{"bodies read and written too late", "POST", text, func(s *serving) {
			s.Done(200, nil, false)
			s.Read([]byte("late"), nil)
			s.Wrote(text, []byte("late"), "")
		}, "POST", "UNSET", map[string]any{"http.request.body": nil, "http.response.body": nil}},
		{"a method that somebody has made up", "BREW", nil, func(s *serving) { s.Done(405, nil, false) },
			"HTTP", "UNSET", map[string]any{"http.request.method": "_OTHER", "http.request.method_original": "BREW"}},
		{"an error", "GET", nil, func(s *serving) { s.Done(502, nil, false) },
			"GET", "ERROR", map[string]any{"error.type": "502", "http.response.status_code": 502.0}},
		{"a pattern with a host", "GET", nil, func(s *serving) {
			route(s.context(), "GET h/a/{id}")
			route(s.context(), "/outer/")
			s.Done(200, nil, false)
		}, "GET /a/{id}", "UNSET", map[string]any{"http.route": "/a/{id}"}},
		{"a proxy's client", "GET", http.Header{"X-Forwarded-For": {"1.2.3.4, 5.6.7.8"}}, func(s *serving) { s.Done(200, nil, false) },
			"GET", "UNSET", map[string]any{"client.address": "1.2.3.4", "network.peer.address": "192.0.2.1"}},
		{"nothing written", "GET", nil, func(s *serving) { s.Done(0, nil, false) }, "GET", "UNSET", map[string]any{"http.response.status_code": 200.0}},
		{"a connection that was taken over", "GET", nil, func(s *serving) { s.Done(0, nil, true) }, "GET", "UNSET", map[string]any{"http.response.status_code": 101.0}},
		{"a handler that aborts", "GET", nil, panics(http.ErrAbortHandler), "GET", "ERROR", map[string]any{"error.type": "net/http.ErrAbortHandler"}},
		{"a handler that panics", "GET", nil, panics(io.EOF), "GET", "ERROR", map[string]any{"error.type": "*errors.errorString"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			spans := tracertest.Activate(t)
			r := httptest.NewRequest(test.method, "http://h/a/7", strings.NewReader("x"))
			if test.header != nil {
				r.Header = test.header
			}
			test.serve(serve(r))
			got := spans()[0]
			if got.Name != test.span || got.Status.Code != test.status {
				t.Errorf("got %s, %s; want %s, %s", got.Name, got.Status.Code, test.span, test.status)
			}
			for key, want := range test.want {
				if got.Attributes[key] != want {
					t.Errorf("%s = %v, want %v", key, got.Attributes[key], want)
				}
			}
		})
	}
}

// panics ends a span with a panic under way, as the woven runtime tells of it.
func panics(value any) func(*serving) {
	return func(s *serving) {
		before := tracer.Panicking
		defer func() { tracer.Panicking = before }()
		tracer.Panicking = func() (uintptr, any, bool) { return 1, value, true }
		s.Done(0, nil, false)
	}
}

func TestRequestsThatAreNotServed(t *testing.T) {
	activate(t)
	r := httptest.NewRequest("GET", "/", nil)
	if serve(r.WithContext(untraced.Context(r.Context()))) != nil {
		t.Error("one of ours is traced")
	}
	r.Header.Set("Baggage", "k=v")
	s := serve(r)
	if id := tracer.FromContext(s.context()); id.Baggage != "k=v" || id.Parent() != [8]byte{} {
		t.Errorf("baggage without a parent gives %+v", id)
	}
	s.Done(200, nil, false)
}

// A broken body reads as it says.
type broken struct{ error }

func (b broken) Read(p []byte) (int, error) { return copy(p, "half"), b.error }
func (b broken) Close() error               { return b.error }

func TestClientSpans(t *testing.T) {
	failure := errors.New("connection lost")
	answer := func(code int, body io.ReadCloser) *http.Response {
		return &http.Response{StatusCode: code, Header: http.Header{}, Body: body}
	}
	for _, test := range []struct {
		name   string
		do     func(t *testing.T, done func(*http.Response, error))
		status string
		body   any
	}{
		{"read to its end", func(t *testing.T, done func(*http.Response, error)) {
			resp := answer(200, io.NopCloser(strings.NewReader("answer")))
			done(resp, nil)
			io.ReadAll(resp.Body)
		}, "UNSET", "answer"},
		{"closed before", func(t *testing.T, done func(*http.Response, error)) {
			resp := answer(200, io.NopCloser(strings.NewReader("answer")))
			done(resp, nil)
			io.ReadFull(resp.Body, make([]byte, 3))
			resp.Body.Close()
			resp.Body.Close()
		}, "UNSET", "ans"},
		{"cut off", func(t *testing.T, done func(*http.Response, error)) {
			resp := answer(200, broken{failure})
			done(resp, nil)
			if n, err := resp.Body.Read(make([]byte, 10)); n != 4 || err != failure {
				t.Errorf("the application gets %d, %v", n, err)
			}
			if err := resp.Body.Close(); err != failure {
				t.Errorf("closing gives %v", err)
			}
		}, "ERROR", "half"},
		{"no answer", func(t *testing.T, done func(*http.Response, error)) { done(nil, failure) }, "ERROR", nil},
		{"an error", func(t *testing.T, done func(*http.Response, error)) { done(answer(404, http.NoBody), nil) }, "ERROR", nil},
		{"another protocol", func(t *testing.T, done func(*http.Response, error)) {
			body := struct {
				io.ReadCloser
				io.Writer
			}{}
			resp := answer(101, body)
			if done(resp, nil); resp.Body != body {
				t.Error("the connection is not what it was")
			}
		}, "UNSET", nil},
		{"a body that can be written to", func(t *testing.T, done func(*http.Response, error)) {
			body := struct {
				io.ReadCloser
				io.Writer
			}{}
			resp := answer(200, body)
			if done(resp, nil); resp.Body != body {
				t.Error("the body is not what it was")
			}
		}, "UNSET", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			spans := tracertest.Activate(t)
			r, _ := http.NewRequest("GET", "http://h/", nil)
			_, done := roundTrip(r)
			test.do(t, done)
			if got := spans(); len(got) != 1 || got[0].Status.Code != test.status || got[0].Attributes["http.response.body"] != test.body {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// What the caller's body is decides how it is kept, so that the transport sends it as it would.
func TestBodiesThatAreSent(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for name, test := range map[string]struct {
		body    io.Reader
		changes bool
		want    any
	}{
		"in memory": {strings.NewReader("text"), false, "text"},
		"a stream":  {io.MultiReader(strings.NewReader("te"), strings.NewReader("xt")), true, "text"},
		"a file":    {file, false, nil},
		"none":      {nil, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			spans := tracertest.Activate(t)
			r, _ := http.NewRequest("POST", "http://h/", test.body)
			r.Header.Set("Content-Type", "text/plain")
			sent, done := roundTrip(r)
			if changes := sent.Body != r.Body; changes != test.changes {
				t.Errorf("another body is sent: %v", changes)
			}
			if sent.Header.Get("Traceparent") == "" || r.Header.Get("Traceparent") != "" {
				t.Error("the header is not where it belongs")
			}
			if sent.Body != nil {
				io.ReadAll(sent.Body)
			}
			done(nil, io.EOF)
			if got := spans()[0].Attributes["http.request.body"]; got != test.want {
				t.Errorf("kept %v, want %v", got, test.want)
			}
		})
	}
}

func TestCapture(t *testing.T) {
	pack := func(text string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		io.WriteString(w, text)
		w.Close()
		return b.String()
	}
	for _, test := range []struct {
		name, encoding string
		parts          []string
		want           string
		cut            bool
	}{
		{"whole", "", []string{"ab", "cd"}, "abcd", false},
		{"as much as there is room for", "", []string{strings.Repeat("x", 50), strings.Repeat("x", 50)}, strings.Repeat("x", 100), false},
		{"more in one part", "identity", []string{strings.Repeat("x", 101)}, strings.Repeat("x", 100), true},
		{"more in another", "", []string{strings.Repeat("x", 100), "y"}, strings.Repeat("x", 100), true},
		{"packed", "gzip", []string{pack("text")}, "text", false},
		{"packed, and large when it is not", "GZIP", []string{pack(strings.Repeat("x", 5000))}, strings.Repeat("x", 100), true},
		{"packed, of which the end is missing", "gzip", []string{pack("some longer text")[:30]}, "some longer text", true},
		{"not packed, whatever is said", "gzip", []string{"text"}, "", false},
		{"nothing", "gzip", nil, "", false},
	} {
		var room []byte
		c := capture{limit: 100}
		for i, part := range test.parts {
			if i%2 == 0 {
				c.add([]byte(part), "", &room)
			} else {
				c.add(nil, part, &room)
			}
		}
		data, cut := c.unpacked(test.encoding)
		if !strings.HasPrefix(test.want, string(data)) || len(data) == 0 != (test.want == "") || cut != test.cut {
			t.Errorf("%s: %q, cut: %v; want %q, %v", test.name, data, cut, test.want, test.cut)
		}
	}
}

// BenchmarkServe is what tracing adds to one request, but for its share of sending.
func BenchmarkServe(b *testing.B) {
	activate(b)
	r := httptest.NewRequest("GET", "/hello", nil)
	r.RemoteAddr, r.Header = "127.0.0.1:4711", http.Header{"User-Agent": {"benchmark"}, "Accept": {"*/*"}}
	h := http.Header{}
	b.ReportAllocs()
	for b.Loop() {
		s := serve(r)
		s.Wrote(h, nil, "hello, world\n")
		route(s.context(), "GET /hello")
		s.Done(200, h, false)
	}
}
