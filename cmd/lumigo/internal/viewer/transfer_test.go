package viewer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

func (s *Server) load1(t testing.TB, file []byte) (loaded, reply) {
	t.Helper()
	r := s.do(t, "POST", "/api/v1/import", file, "Content-Type", "application/octet-stream")
	var l loaded
	if r.StatusCode == 200 {
		if err := json.Unmarshal(r.body, &l); err != nil {
			t.Fatalf("%v in %s", err, r.body)
		}
	}
	return l, r
}

// TestATraceGoesThroughAFile exports a trace from one viewer and imports it into another.
func TestATraceGoesThroughAFile(t *testing.T) {
	from := start(t, Options{})
	from.order(t, 1)
	from.send(t, "/v1/logs", logsJSON, 1)
	for i, format := range []string{"", "?format=json", "?format=protobuf"} {
		t.Run(format, func(t *testing.T) {
			exported := from.do(t, "GET", "/api/v1/traces/"+traceOf(1)+"/export"+format, nil)
			names := []string{"json", "json", "binpb"}
			if want := fmt.Sprintf("attachment; filename=%q", "trace-"+traceOf(1)+"."+names[i]); exported.Header.Get("Content-Disposition") != want {
				t.Errorf("got %s", exported.Header.Get("Content-Disposition"))
			}
			for _, file := range [][]byte{exported.body, zipped(exported.body)} {
				to := start(t, Options{})
				l, r := to.load1(t, file)
				logs := 1
				if format == "?format=protobuf" {
					logs = 0 // a file of protobuf is of one signal
				}
				if r.StatusCode != 200 || l.Spans != 3 || l.Logs != logs || len(l.Traces) != 1 || l.Traces[0] != traceOf(1) || l.Skipped != 0 {
					t.Fatalf("got %s %s", r.Status, r.body)
				}
				for _, path := range []string{"/traces", "/traces/" + traceOf(1), "/traces/" + traceOf(1) + "/spans/000000000000000a", "/services", "/map"} {
					before, after := from.do(t, "GET", "/api/v1"+path, nil), to.do(t, "GET", "/api/v1"+path, nil)
					if logs == 0 {
						before.body = bytes.Replace(before.body, []byte(`"logs":1`), []byte(`"logs":0`), 1)
					}
					if !bytes.Equal(before.body, after.body) {
						t.Errorf("%s: before\n%s\nafter\n%s", path, before.body, after.body)
					}
				}
				// Once more changes nothing.
				to.load1(t, file)
				if status := get[statusAnswer](t, to, "/api/v1/status"); status.Spans != 3 || status.Logs != int64(logs) || status.DuplicateSpans != 3 {
					t.Errorf("%+v", status)
				}
			}
		})
	}
}

func TestALargeTraceIsExportedInLines(t *testing.T) {
	from, to := start(t, Options{}), start(t, Options{})
	g := otlp.Group{Resource: otlp.NewResource(nil, ""), Scopes: []otlp.ScopeSpans{{Scope: otlp.NewScope("", "")}}}
	const n = 2*exportedAtOnce + 1
	for i := range n {
		g.Scopes[0].Spans = append(g.Scopes[0].Spans, bytes.Clone(spanOfMany(i)))
	}
	from.store.AddSpans([]otlp.Group{g})
	for _, format := range []string{"json", "protobuf"} {
		r := from.do(t, "GET", "/api/v1/traces/01000000000000000000000000000000/export?format="+format, nil)
		if lines := bytes.Count(r.body, []byte("\n")); format == "json" && (lines != 3 || !strings.Contains(r.Header.Get("Content-Disposition"), `.jsonl"`)) {
			t.Errorf("%d lines, %v", lines, r.Header)
		}
		if l, r := to.load1(t, r.body); l.Spans != n {
			t.Errorf("%s %s", r.Status, r.body)
		}
	}
	if status := get[statusAnswer](t, to, "/api/v1/status"); status.Spans != n {
		t.Errorf("%+v", status)
	}
}

const dumpLine = `{"name": "GET", "context": {"trace_id": "0x0000000000000000000000000000000{n}", "span_id": "0x000000000000000a", "trace_state": "[]"}, "kind": "SpanKind.SERVER", ` +
	`"parent_id": null, "start_time": "2023-11-14T22:13:20.000000Z", "end_time": "2023-11-14T22:13:20.000100Z", "status": {"status_code": "UNSET"}, ` +
	`"attributes": {"http.route": "/x"}, "events": [], "links": [], "resource": {"attributes": {"service.name": "dumped"}, "schema_url": ""}}`

func TestFilesThatAreImported(t *testing.T) {
	order := func(n int) string {
		var compact bytes.Buffer
		if err := json.Compact(&compact, numbered(orderJSON, n)); err != nil {
			t.Fatal(err)
		}
		return compact.String()
	}
	logs := strings.ReplaceAll(string(numbered(logsJSON, 1)), "\n", "")
	tests := []struct {
		name, file string
		want       loaded
	}{
		{"a document, indented", string(numbered(orderJSON, 1)), loaded{Traces: []string{traceOf(1)}, Spans: 3}},
		{"a document in a line, without an end", order(1), loaded{Traces: []string{traceOf(1)}, Spans: 3}},
		{"lines of a Collector", order(1) + "\n" + order(2) + "\n" + logs + "\n" + `{"resourceMetrics":[]}` + "\n", loaded{Traces: []string{traceOf(1), traceOf(2)}, Spans: 6, Logs: 1}},
		{"a span dump", string(numbered(dumpLine, 1)) + "\n" + string(numbered(dumpLine, 2)) + "\n", loaded{Traces: []string{traceOf(1), traceOf(2)}, Spans: 2}},
		{"a span dump that is torn at its end", string(numbered(dumpLine, 1)) + "\n" + dumpLine[:100], loaded{
			Traces: []string{traceOf(1)}, Spans: 1, Skipped: 1, Problem: "line 2: it is not JSON: unexpected end of JSON input"}},
		{"lines some of which are empty or something else", order(1) + "\n\n{\"a\":1}\r\n" + order(2) + "\nnonsense\n", loaded{
			Traces: []string{traceOf(1), traceOf(2)}, Spans: 6, Skipped: 2, Problem: "line 3: it is neither OTLP nor a span of a span dump"}},
		{"a span without an id", strings.Replace(order(1), `"spanId":"000000000000000b",`, "", 1), loaded{
			Traces: []string{traceOf(1)}, Spans: 2, Skipped: 1, Problem: "a span has no span id"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Options{})
			l, r := s.load1(t, []byte(tt.file))
			if fmt.Sprint(l) != fmt.Sprint(tt.want) {
				t.Errorf("got %s %s", r.Status, r.body)
			}
		})
	}
}

func TestFilesThatAreNot(t *testing.T) {
	tests := []struct {
		name   string
		file   []byte
		status int
		want   string
	}{
		{"nothing", nil, 400, "it is not JSON: unexpected end of JSON input"},
		{"an image", []byte("\x89PNG\r\n\x1a\n...."), 400, "it is not JSON: invalid character"},
		{"another document", []byte(`{"a": 1}`), 400, "line 1: it is neither OTLP nor a span of a span dump"},
		{"another document, indented", []byte("{\n  \"a\": 1\n}"), 400, "it is neither OTLP nor a span of a span dump"},
		{"no spans", []byte(`{"resourceSpans": []}`), 400, "there is neither a span nor a log record in the file"},
		{"a mistake", []byte(`{"resourceSpans": 1}`), 400, "line 1: JSON: at byte 19: resourceSpans: want an array, got 1"},
		{"gzip that is none", []byte("\x1f\x8bxxxxxxxxxxxx"), 400, "the file looks like gzip but is not: gzip: invalid header"},
		{"a span dump with a bad id", bytes.Replace(numbered(dumpLine, 1), []byte(`"0x000000000000000a"`), []byte(`"10"`), 1), 400,
			`line 1: span dump: span_id: want 0x and 16 hexadecimal digits, got "10"`},
		{"a document that is too large", append([]byte("{\n"), bytes.Repeat([]byte(" "), mostDocument)...), 413, "a line, or the whole file, has more than 16777216 bytes"},
		{"a bomb", zipped(bytes.Repeat([]byte("{"), mostDocument+1)), 413, "a line, or the whole file, has more than 16777216 bytes"},
		{"deep", []byte(strings.Repeat(`{"resourceSpans":[`, 200_000)), 400, "it is not JSON: invalid character '{' exceeded max depth"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Options{})
			_, r := s.load1(t, tt.file)
			var said map[string]string
			if err := json.Unmarshal(r.body, &said); err != nil {
				t.Fatalf("%v in %s", err, r.body)
			}
			if r.StatusCode != tt.status || !strings.HasPrefix(said["error"], tt.want) || strings.Contains(said["error"], "\n") || said["hint"] == "" {
				t.Errorf("got %s %s", r.Status, r.body)
			}
		})
	}
}

func TestOneImportAtATime(t *testing.T) {
	s := start(t, Options{})
	s.loading.Lock()
	if _, r := s.load1(t, numbered(orderJSON, 1)); r.StatusCode != 503 || r.Header.Get("Retry-After") == "" {
		t.Errorf("got %s %s", r.Status, r.body)
	}
	s.loading.Unlock()
	if _, r := s.load1(t, numbered(orderJSON, 1)); r.StatusCode != 200 {
		t.Errorf("got %s %s", r.Status, r.body)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(numbered(orderJSON, 1))
	f.Add(append(numbered(dumpLine, 1), "\n{}\n"...))
	f.Add(append([]byte("\n"), protobuf(f, otlp.Traces, numbered(orderJSON, 1))...))
	f.Add(protobuf(f, otlp.Traces, numbered(orderJSON, 1)))
	s := start(f, Options{})
	f.Fuzz(func(t *testing.T, file []byte) {
		l := loaded{known: map[string]bool{}}
		err := s.loadFile(&l, bufio.NewReader(bytes.NewReader(file)))
		if err != nil && strings.Contains(err.Error(), "\n") || strings.Contains(l.Problem, "\n") {
			t.Errorf("an error of several lines: %v, %q", err, l.Problem)
		}
		if c := s.store.Counts(); l.Spans > 0 && c.Spans+c.Duplicates == 0 {
			t.Errorf("%d spans said to be imported, %+v", l.Spans, c)
		}
		s.store.Clear()
	})
}
