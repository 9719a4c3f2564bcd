package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// request makes the spans of a request of 500: traces of five spans, with the attributes that a served HTTP request
// has. n is the number of the request.
func benchRequest(n int) []otlp.Group {
	g := otlp.Group{
		Resource: otlp.NewResource([]otlp.Attribute{{Key: "service.name", Value: "shop"}, {Key: "process.environ", Value: strings.Repeat("environment ", 300)}}, ""),
		Scopes:   []otlp.ScopeSpans{{Scope: otlp.NewScope("bench", "")}},
	}
	for i := range 500 {
		var traceID [16]byte
		var spanID, parentID [8]byte
		binary.BigEndian.PutUint64(traceID[:], uint64(n*100+i/5+1))
		binary.BigEndian.PutUint64(spanID[:], uint64(n*500+i+1))
		if i%5 > 0 {
			binary.BigEndian.PutUint64(parentID[:], uint64(n*500+i))
		}
		var s otlp.Span
		s.Context(traceID, spanID, parentID, "", 1)
		s.Name(fmt.Sprintf("GET /items/{id}/%d", i%20))
		s.Kind(otlp.KindServer)
		start := uint64(1_700_000_000_000_000_000 + n*1_000_000 + i*1000)
		s.Times(start, start+5_000_000)
		s.String("http.request.method", "GET")
		s.String("url.scheme", "https")
		s.String("url.path", fmt.Sprintf("/items/%d", n*500+i))
		s.String("http.route", "/items/{id}")
		s.String("server.address", "example.com")
		s.Int("server.port", 443)
		s.Int("http.response.status_code", 200)
		s.String("user_agent.original", "curl/8.5.0")
		g.Scopes[0].Spans = append(g.Scopes[0].Spans, s.Encoded())
	}
	return []otlp.Group{g}
}

func BenchmarkAdd(b *testing.B) {
	s, err := Open(Options{Dir: b.TempDir(), MaxSize: 256 << 20})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	requests := make([][]otlp.Group, 0, b.N)
	for n := range b.N {
		requests = append(requests, benchRequest(n))
	}
	b.ReportAllocs()
	b.ResetTimer()
	for _, r := range requests {
		s.AddSpans(r)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/span")
}

func TestManual(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(Options{Dir: dir, MaxSize: 256 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 3000 {
		s.AddSpans(benchRequest(n))
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("%+v heap %d MB", s.Counts(), m.HeapAlloc>>20)
	timed := func(what string, f func()) {
		start := time.Now()
		f()
		t.Log(what, time.Since(start))
	}
	find := func(q Query) func() {
		return func() {
			found, err := s.Find(context.Background(), q, 100)
			t.Log(len(found), err)
		}
	}
	timed("all", find(Query{}))
	timed("service", find(Query{Service: "none"}))
	timed("name", find(Query{Name: "none"}))
	timed("text", find(Query{Text: "nowhere"}))
	timed("number", find(Query{Text: "12345678901"}))
	timed("attribute", find(Query{Attributes: []Condition{{Key: "http.route", Value: "x"}}}))
	timed("attribute 2", find(Query{Attributes: []Condition{{Key: "url.path", Value: "/items/1499999"}}}))
	timed("each", func() { n := 0; s.Each(0, 1<<63, func(sp []Span) { n += len(sp) }); t.Log(n) })
	s.Close()
	timed("open", func() { s, err = Open(Options{Dir: dir, MaxSize: 256 << 20}) })
	t.Logf("%+v", s.Counts())
	s.Close()
	b, _ := os.ReadFile("/proc/self/status")
	for _, l := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(l, "VmHWM") {
			t.Log(l)
		}
	}
}
