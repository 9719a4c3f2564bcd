package nethttp

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/export"
	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
)

// BenchmarkServe is what tracing adds to one request, but for its share of sending.
func BenchmarkServe(b *testing.B) {
	c, _ := config.Parse(nil)
	m, _ := mask.New(c.Masking, nil)
	c.Export.Endpoint, c.Export.MemoryLimit = "http://127.0.0.1:1/v1/traces", 1<<20
	e := export.New(export.Options{Export: c.Export})
	tracer.Activate(tracer.New(tracer.Options{Config: c, Masker: m, Exporter: e, Resource: otlp.NewResource(nil, "")}))
	defer func() {
		tracer.Activate(nil)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		e.Shutdown(ctx)
	}()
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
