package viewer

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestAnswers is the API to read when in doubt: testdata has each answer, indented.
func TestAnswers(t *testing.T) {
	s := start(t, Options{Version: "1.2.3"})
	s.order(t, 1)
	s.send(t, "/v1/traces", strings.Replace(orderJSON, "0000000{n}1000000", "0000000{n}3000000", 1), 2)
	s.send(t, "/v1/logs", logsJSON, 1)
	for name, path := range map[string]string{
		"traces":     "/api/v1/traces",
		"trace":      "/api/v1/traces/" + traceOf(1),
		"span":       "/api/v1/traces/" + traceOf(1) + "/spans/000000000000000a",
		"logs":       "/api/v1/traces/" + traceOf(1) + "/logs",
		"export":     "/api/v1/traces/" + traceOf(1) + "/export",
		"compare":    "/api/v1/compare?a=" + traceOf(1) + "&b=" + traceOf(2),
		"services":   "/api/v1/services",
		"map":        "/api/v1/map",
		"attributes": "/api/v1/attributes?prefix=s",
	} {
		t.Run(name, func(t *testing.T) {
			r := s.do(t, "GET", path, nil)
			media, documents := "application/json", [][]byte{r.body}
			if name == "traces" || name == "logs" {
				media, documents = "application/x-ndjson", bytes.SplitAfter(bytes.TrimSuffix(r.body, []byte("\n")), []byte("\n"))
			}
			if r.StatusCode != 200 || r.Header.Get("Content-Type") != media {
				t.Fatalf("%s, %s: %s", r.Status, r.Header.Get("Content-Type"), r.body)
			}
			var got bytes.Buffer
			for _, document := range documents {
				if err := json.Indent(&got, bytes.TrimSpace(document), "", "  "); err != nil {
					t.Fatalf("%v in %s", err, document)
				}
				got.WriteByte('\n')
			}
			golden := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("differs from %s (-update rewrites it):\n%s", golden, got.Bytes())
			}
		})
	}
}

func TestFilters(t *testing.T) {
	s := start(t, Options{})
	for n := range 3 {
		s.order(t, n+1)
	}
	all := "POST /orders 3, POST /orders 2, POST /orders 1"
	tests := []struct{ query, want string }{
		{"", all},
		{"?limit=2", "POST /orders 3, POST /orders 2"},
		{"?traceId=" + traceOf(2), "POST /orders 2"},
		{"?text=outofstock", all},
		{"?text=%20orders%202%20", "POST /orders 2"},
		{"?service=stock&name=stock", all},
		{"?service=stock&name=order", ""},
		{"?attribute=http.response.status_code=500&attribute=big", all},
		{"?attribute=list=~1.5", all},
		{"?attribute=service.name=stock", all},
		{"?attribute=server.address%3Dshop", ""},
		{"?status=error", all},
		{"?status=ok", ""},
		{"?minDuration=1ms&maxDuration=1000us", all},
		{"?minDuration=1.1ms", ""},
		{"?since=1700000000020000000", "POST /orders 3, POST /orders 2"},
		{"?until=2023-11-14T22:13:20.015Z", "POST /orders 1"},
		{"?since=1h", ""},
		{"?since=&until=&status=&text=", all},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			if got := list(t, s, tt.query); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestMistakesOfTheAPIsUsers(t *testing.T) {
	s := start(t, Options{})
	s.order(t, 1)
	trace := "/api/v1/traces/" + traceOf(1)
	tests := []struct {
		method, path string
		status       int
		problem      string
		hint         string
	}{
		{"GET", "/api/v1/traces?status=bad", 400, `status is "bad"`, "it is error, ok or unset"},
		{"GET", "/api/v1/traces?minDuration=5", 400, `minDuration is "5"`, "it is a number and one of ns, us, ms, s, m and h, such as 250ms"},
		{"GET", "/api/v1/traces?maxDuration=-5s", 400, `maxDuration is "-5s"`, "it is a number and one of ns, us, ms, s, m and h, such as 250ms"},
		{"GET", "/api/v1/traces?since=yesterday", 400, `since is "yesterday"`, "it is a number of nanoseconds since 1970, a time such as 2026-01-02T15:04:05Z, or how long ago, such as 15m"},
		{"GET", "/api/v1/traces?limit=0", 400, `limit is "0"`, "it is a number from 1 to 100000"},
		{"GET", "/api/v1/traces?follow=yes", 400, `follow is "yes"`, "it is true or false"},
		{"GET", "/api/v1/traces?attribute=%3Dx", 400, `attribute is "=x"`, "it is key=value, key=~part or key"},
		{"GET", "/api/v1/traces?traceId=12", 400, `traceId is "12"`, "it has 32 hexadecimal digits"},
		{"GET", "/api/v1/traces?text=a&text=b", 400, "text is given 2 times", "give it once"},
		{"GET", "/api/v1/traces?sevice=a", 400, `there is no parameter "sevice"`, "there are traceId, text, service, name, status, minDuration, maxDuration, since, until, attribute, limit, follow"},
		{"GET", "/api/v1/traces?text=%zz", 400, `the query of the URL cannot be read: invalid URL escape "%zz"`, "percent-encode it"},
		{"GET", "/api/v1/traces/12", 400, `the trace's id is "12"`, "it has 32 hexadecimal digits"},
		{"GET", "/api/v1/traces/" + traceOf(9), 404, "there is no trace " + traceOf(9), "it may not have arrived yet, or have made room for newer ones"},
		{"GET", trace + "?x=1", 400, `there is no parameter "x"`, "there is none"},
		{"GET", trace + "/spans/zz", 400, `the span's id is "zz"`, "it has 16 hexadecimal digits"},
		{"GET", trace + "/spans/00000000000000ff", 404, "the trace has no span 00000000000000ff", "it may have made room for newer ones"},
		{"GET", trace + "/spans/000000000000000a?occurrence=1", 404, "the trace has no span 000000000000000a", "it may have made room for newer ones"},
		{"GET", trace + "/export?format=xml", 400, `format is "xml"`, "it is json or protobuf"},
		{"GET", "/api/v1/compare?a=" + traceOf(1), 400, `the trace's id is ""`, "it has 32 hexadecimal digits"},
		{"GET", "/api/v1/map?since=x", 400, `since is "x"`, "it is a number of nanoseconds since 1970, a time such as 2026-01-02T15:04:05Z, or how long ago, such as 15m"},
		{"GET", "/api/v1/status?x", 400, `there is no parameter "x"`, "there is none"},
		{"POST", "/api/v1/traces", 404, "there is no POST /api/v1/traces", "docs/viewer.md describes the API"},
		{"GET", "/v1/traces", 404, "there is no GET /v1/traces", "docs/viewer.md describes the API"},
		{"GET", "/api/v2/traces", 404, "there is no GET /api/v2/traces", "docs/viewer.md describes the API"},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			r := s.do(t, tt.method, tt.path, nil)
			var said map[string]string
			if err := json.Unmarshal(r.body, &said); err != nil {
				t.Fatalf("%v in %s", err, r.body)
			}
			if r.StatusCode != tt.status || said["error"] != tt.problem || said["hint"] != tt.hint {
				t.Errorf("got %s %q (%q)", r.Status, said["error"], said["hint"])
			}
		})
	}
}

func TestStatusAndForgetting(t *testing.T) {
	s := start(t, Options{Dir: t.TempDir(), Version: "1.2.3"})
	s.order(t, 1)
	s.send(t, "/v1/logs", logsJSON, 1)
	got := get[statusAnswer](t, s, "/api/v1/status")
	if since := fmt.Sprint(s.started.UnixNano()); got.Since != since || got.Bytes == 0 || got.IndexBytes == 0 {
		t.Errorf("%+v", got)
	}
	got.Since, got.Bytes, got.IndexBytes = "", 0, 0
	if want := (statusAnswer{Version: "1.2.3", Spans: 3, Traces: 1, Logs: 1, ReceivedSpans: 3, CapacityBytes: DefaultSize, Persistent: true}); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if r := s.do(t, "DELETE", "/api/v1/traces", nil); r.StatusCode != 200 || string(r.body) != "{}\n" {
		t.Errorf("%s %s", r.Status, r.body)
	}
	if got := get[statusAnswer](t, s, "/api/v1/status"); got.Spans != 0 || got.ForgottenSpans != 3 || list(t, s, "") != "" {
		t.Errorf("%+v", got)
	}
}

func TestFollow(t *testing.T) {
	s := start(t, Options{})
	s.order(t, 1)
	s.order(t, 2)
	s.order(t, 3)
	expect := func(f *follower, want ...string) {
		t.Helper()
		for _, line := range want {
			if got := f.next(); got != line {
				t.Fatalf("got %q, want %q", got, line)
			}
		}
	}
	all := s.startFollowing(t, "&limit=2")
	expect(all, "POST /orders 2 3", "POST /orders 3 3", "")
	one := s.startFollowing(t, "&traceId="+traceOf(2))
	expect(one, "POST /orders 2 3", "")
	logged := s.startFollowing(t, "&text=no%20pears")
	expect(logged, "")

	s.order(t, 4)
	expect(all, "POST /orders 4 3")
	s.send(t, "/v1/logs", logsJSON, 2)
	expect(all, "POST /orders 2 3")
	expect(one, "POST /orders 2 3")
	expect(logged, "POST /orders 2 3")

	s.Close(t.Context())
	expect(all, "end")
	expect(one, "end")
}

// TestASlowFollower reads nothing while many traces come and change, and then still gets the latest of each.
func TestASlowFollower(t *testing.T) {
	s := start(t, Options{})
	f := s.startFollowing(t, "")
	if f.next() != "" {
		t.Fatal("there is something already")
	}
	r, scope := otlp.NewResource(nil, ""), otlp.NewScope("", "")
	const traces, changes = 3000, 10
	name := strings.Repeat("x", 400) // so that lines fill all buffers on the way
	for n := range changes {
		g := otlp.Group{Resource: r, Scopes: []otlp.ScopeSpans{{Scope: scope}}}
		for i := range traces {
			var b otlp.Span
			b.Context([16]byte{1, byte(i), byte(i >> 8)}, [8]byte{byte(n + 1)}, [8]byte{}, "", 0)
			b.Name(name)
			b.Times(epoch+uint64(i), epoch+uint64(i)+1)
			g.Scopes[0].Spans = append(g.Scopes[0].Spans, b.Encoded())
		}
		s.store.AddSpans([]otlp.Group{g})
		if n == changes/2 { // enough to be stuck in the middle
			for range 50 {
				f.next()
			}
		}
	}
	complete, read := map[string]bool{}, 50
	for len(complete) < traces {
		line, more := <-f.lines
		if !more {
			t.Fatalf("it ended after %d lines", read)
		}
		read++
		var sum summaryAnswer
		if line == "" || json.Unmarshal([]byte(line), &sum) != nil {
			continue
		}
		if sum.Spans == changes {
			complete[sum.TraceID] = true
		}
	}
	if read > traces*changes {
		t.Errorf("%d lines of %d traces", read, traces)
	}
}

// TestHostileTraces sends what is not fit to be a trace, and asks for everything.
func TestHostileTraces(t *testing.T) {
	const id = "00000000000000000000000000000001"
	span := func(span, parent, more string) string {
		return fmt.Sprintf(`{"traceId":%q,"spanId":"00000000000000%s","parentSpanId":"%s"%s}`, id, span, parent, more)
	}
	parent := func(id string) string { return "00000000000000" + id }
	tests := []struct {
		name  string
		spans []string
		want  string // ids in their order, with depths
	}{
		{"a cycle", []string{span("01", parent("02"), ""), span("02", parent("01"), "")}, "01 0, 02 1"},
		{"its own parent", []string{span("01", parent("01"), "")}, "01 0"},
		{"one id for all", []string{span("01", "", `,"name":"a"`), span("01", "", `,"name":"b"`), span("01", parent("01"), `,"name":"c"`)}, "01 0, 01 1, 01 0"},
		{"the earliest time and the latest", []string{
			span("01", "", `,"startTimeUnixNano":"1","endTimeUnixNano":"18446744073709551615"`),
			span("02", parent("01"), `,"startTimeUnixNano":"18446744073709551615","endTimeUnixNano":"1"`)}, "01 0, 02 1"},
		{"no times", []string{span("01", "", ""), span("02", parent("01"), "")}, "01 0, 02 1"},
		{"script", []string{span("01", "", `,"name":"<script>alert(1)</script>","status":{"code":2,"message":"</script><img src=x onerror=alert(1)>"}`)}, "01 0"},
		{"text that is none", []string{span("01", "", `,"name":"a\u0000\u001b[31m\ud800","traceState":"\u202e"`)}, "01 0"},
		{"numbers that JSON has not", []string{span("01", "", `,"attributes":[{"key":"k","value":{"doubleValue":"NaN"}},{"key":"k","value":{"doubleValue":"-Infinity"}},{"value":{}},{"key":"m","value":{"kvlistValue":{"values":[{"key":"","value":{"bytesValue":"/w=="}}]}}}]`)}, "01 0"},
		{"a megabyte", []string{span("01", "", `,"attributes":[{"key":"k","value":{"stringValue":"`+strings.Repeat("<", 1<<20)+`"}}]`)}, "01 0"},
		{"unknown numbers of kinds and statuses", []string{span("01", "", `,"kind":77,"status":{"code":-5}`)}, "01 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Options{Dir: t.TempDir()})
			s.send(t, "/v1/traces", `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"intValue":5}}]},"scopeSpans":[{"spans":[`+strings.Join(tt.spans, ",")+`]}]}]}`, 1)
			trace := get[struct {
				Summary      summaryAnswer
				Spans        []spanAnswer
				CriticalPath []stepAnswer
			}](t, s, "/api/v1/traces/"+id)
			var order []string
			for _, span := range trace.Spans {
				order = append(order, fmt.Sprint(span.SpanID[14:], " ", span.Depth))
				get[detailsAnswer](t, s, fmt.Sprintf("/api/v1/traces/%s/spans/%s?occurrence=%d", id, span.SpanID, span.Occurrence))
				if span.Start > 1<<63 || span.Duration > 1<<63 || span.Self > span.Duration {
					t.Errorf("%+v", span)
				}
			}
			if got := strings.Join(order, ", "); got != tt.want || trace.Summary.Spans != len(tt.spans) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			for _, path := range []string{"", "?text=a", "?attribute=k=~<", "/" + id + "/export", "/" + id + "/export?format=protobuf", "/" + id + "/logs"} {
				if r := s.do(t, "GET", "/api/v1/traces"+path, nil); r.StatusCode != 200 {
					t.Errorf("%s: %s", path, r.body)
				}
			}
			get[any](t, s, "/api/v1/map")
			get[any](t, s, "/api/v1/services")
			get[any](t, s, "/api/v1/compare?a="+id+"&b="+id)
		})
	}
}

func TestATraceOfAHundredThousandSpans(t *testing.T) {
	s := start(t, Options{})
	const n = 100_000
	r, scope := otlp.NewResource(nil, ""), otlp.NewScope("", "")
	for i := 0; i < n; i += 1000 {
		g := otlp.Group{Resource: r, Scopes: []otlp.ScopeSpans{{Scope: scope}}}
		for k := i; k < i+1000; k++ {
			g.Scopes[0].Spans = append(g.Scopes[0].Spans, spanOfMany(k))
		}
		if rejected, reason := s.store.AddSpans([]otlp.Group{g}); rejected > 0 {
			t.Fatal(reason)
		}
	}
	answer := s.do(t, "GET", "/api/v1/traces/01000000000000000000000000000000", nil)
	if spans := bytes.Count(answer.body, []byte(`"depth":`)); answer.StatusCode != 200 || spans != n || !json.Valid(answer.body) {
		t.Errorf("%s with %d spans: %.200s", answer.Status, spans, answer.body)
	}
}

// spanOfMany is a span of a large trace: each has ten children.
func spanOfMany(i int) []byte {
	var b otlp.Span
	id := func(n int) (id [8]byte) {
		for k := range id {
			id[k] = byte(n >> (8 * (7 - k)))
		}
		return id
	}
	var parent [8]byte
	if i > 0 {
		parent = id((i-1)/10 + 1)
	}
	b.Context([16]byte{1}, id(i+1), parent, "", 0)
	b.Name(fmt.Sprintf("GET /items/%d", i%50))
	b.Kind(otlp.KindServer)
	b.Times(epoch+uint64(i)*1000, epoch+uint64(i)*1000+uint64(time.Millisecond))
	b.String("http.request.method", "GET")
	b.Int("http.response.status_code", 200)
	return b.Encoded()
}
