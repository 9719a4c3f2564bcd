package nethttp

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// BenchmarkServe is all that a traced request does on its own goroutine. test/benchmark/golang measures whole servers.
func BenchmarkServe(b *testing.B) {
	activate(b)
	r := httptest.NewRequest("GET", "/hello", nil)
	r.Header = http.Header{"User-Agent": {"benchmark"}, "Accept": {"*/*"}}
	header := http.Header{"Content-Type": {"text/plain"}}
	b.ReportAllocs()
	for b.Loop() {
		s := serve(r)
		route(s.context(), "GET /hello")
		s.Wrote(header, nil, "hello, world\n")
		s.Done(http.StatusOK, header, false)
	}
}
