package nethttp

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/export"
	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
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
