package e2e

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
)

// ask asks a viewer for JSON, of which there may be several values.
func ask[T any](t testing.TB, url string) (values []T) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	for d := json.NewDecoder(response.Body); ; {
		var value T
		switch err := d.Decode(&value); {
		case err == io.EOF && response.StatusCode == http.StatusOK:
			return values
		case err != nil || response.StatusCode != http.StatusOK:
			t.Fatalf("%s: %s, %v", url, response.Status, err)
		}
		values = append(values, value)
	}
}

type viewedTrace struct {
	TraceID string
	Spans   int
	Status  string
	Logs    int
	Root    struct{ Service, Name string }
}

// TestViewerOfARun runs the shop with a viewer: both it and the backend that is configured get every span, the app
// is as it is without, and the traces outlive the run.
func TestViewerOfARun(t *testing.T) {
	python := defaultPython(t)
	plain := run(t, program{argv: []string{python.Path, shop(t)}})
	backend := newBackend(t)
	state := "XDG_STATE_HOME=" + t.TempDir()
	p := start(t, program{argv: []string{lumigo(t), "run", "--view=127.0.0.1:0", "--", python.Path, shop(t)}, env: toBackend(backend, state)})
	url := p.stderr.match(t, `the command has ended; its traces are at (\S+) until Ctrl-C`)[1]
	if got, want := p.stdout.String(), plain.stdout.String(); got != want {
		t.Errorf("the app's output changed: got\n%swant\n%s", got, want)
	}
	expectShop(t, backend.Spans())
	spans := func(traces []viewedTrace) (n int) {
		for _, trace := range traces {
			n += trace.Spans
		}
		return n
	}
	traces := ask[viewedTrace](t, url+"/api/v1/traces")
	if got, want := spans(traces), len(backend.Spans()); got != want || traces[0].Root.Service != "e2e" {
		t.Errorf("the viewer has %d spans, the backend %d: %+v", got, want, traces)
	}
	if failed := ask[viewedTrace](t, url+"/api/v1/traces?status=error&service=e2e&attribute=http.response.status_code=409"); len(failed) != 1 {
		t.Errorf("orders out of stock: %+v", failed)
	}
	p.signal(syscall.SIGTERM)
	if e := p.wait(); e.shell() != 0 {
		t.Errorf("it ended with %s", e)
	}

	v := start(t, program{argv: []string{lumigo(t), "view", "--listen", "127.0.0.1:0"}, env: []string{state}})
	url = v.stderr.match(t, `viewer: (http://\S+)`)[1]
	if again := ask[viewedTrace](t, url+"/api/v1/traces"); spans(again) != spans(traces) {
		t.Errorf("later the viewer has %+v", again)
	}
}

// TestViewerOfARunShowsLogs has no destination but the viewer: the log records of a request are beside its spans.
func TestViewerOfARunShowsLogs(t *testing.T) {
	python := defaultPython(t)
	env := []string{"LUMIGO_ENABLE_LOGS=true", "OTEL_SERVICE_NAME=e2e", "XDG_STATE_HOME=" + t.TempDir()}
	p := start(t, program{argv: []string{lumigo(t), "run", "--view=127.0.0.1:0", "--", python.Path, testdata(t, "logs.py")}, env: env})
	url := p.stderr.match(t, `the command has ended; its traces are at (\S+) until Ctrl-C`)[1]
	var traces []viewedTrace
	for _, trace := range ask[viewedTrace](t, url+"/api/v1/traces") {
		if trace.Logs > 0 {
			traces = append(traces, trace)
		}
	}
	if len(traces) != 1 || traces[0].Logs != len(wantedLogs)-1 { // one is outside of any trace
		t.Fatalf("got %+v", traces)
	}
	type record struct{ Body, Severity, Service string }
	logs := ask[record](t, url+"/api/v1/traces/"+traces[0].TraceID+"/logs")
	if len(logs) != len(wantedLogs)-1 || !slices.Contains(logs, record{`{"secret": "****", "order": 7}`, "WARN", "e2e"}) {
		t.Errorf("got %+v", logs)
	}
	p.signal(syscall.SIGTERM)
	p.wait()
	if account := p.stderr.String(); !strings.Contains(account, fmt.Sprintf("; %d log records, 0 delivered, %d in the viewer", len(wantedLogs), len(wantedLogs))) {
		t.Errorf("the account is not right:\n%s", account)
	}
}

// TestViewerServesUpstreamsSDK has opentelemetry-python send spans and logs.
func TestViewerServesUpstreamsSDK(t *testing.T) {
	python := venv(t, defaultPython(t), pythonenv.Exporters()...)
	v := start(t, program{argv: []string{lumigo(t), "view", "--listen", "127.0.0.1:0", "--dir", t.TempDir()}})
	url := v.stderr.match(t, `viewer: (http://\S+)`)[1]
	run(t, program{argv: []string{python.Python, testdata(t, "upstream.py")}, env: []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + url, "OTEL_SERVICE_NAME=upstream", "PYTHONWARNINGS=ignore"}})
	traces := ask[viewedTrace](t, url+"/api/v1/traces")
	if len(traces) != 1 || traces[0].Spans != 2 || traces[0].Logs != 1 || traces[0].Status != "error" || traces[0].Root.Name != "outer" {
		t.Fatalf("got %+v", traces)
	}
	trace := url + "/api/v1/traces/" + traces[0].TraceID
	detail := ask[struct {
		Spans []struct{ SpanID, Name, Kind, StatusMessage string }
	}](t, trace)[0].Spans
	if len(detail) != 2 || detail[0].StatusMessage != "it failed" || detail[1].Name != "inner" || detail[1].Kind != "client" {
		t.Errorf("got %+v", detail)
	}
	logs := ask[struct{ Body, Severity, SpanID, Service string }](t, trace+"/logs")
	if len(logs) != 1 || logs[0].Body != "something happens" || logs[0].Severity != "WARN" || logs[0].SpanID != detail[1].SpanID || logs[0].Service != "upstream" {
		t.Errorf("got %+v", logs)
	}
	outer := ask[struct {
		Attributes []struct {
			Key   string
			Value any
		}
		Events []struct{ Name string }
	}](t, trace+"/spans/"+detail[0].SpanID)[0]
	if len(outer.Attributes) != 2 || outer.Attributes[0].Value != 1.0 || len(outer.Events) != 2 || outer.Events[1].Name != "exception" {
		t.Errorf("got %+v", outer)
	}
}

// TestViewerIsKilled kills a viewer while it writes, several times: every span that it has said it has, it has when it
// comes back.
func TestViewerIsKilled(t *testing.T) {
	dir := t.TempDir()
	view := func() (*process, string) {
		v := start(t, program{argv: []string{lumigo(t), "view", "--listen", "127.0.0.1:0", "--dir", dir}})
		return v, v.stderr.match(t, `viewer: (http://\S+)`)[1]
	}
	var acknowledged atomic.Int64
	var next atomic.Uint64
	for range 3 {
		v, url := view()
		before := acknowledged.Load()
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				for {
					request, spans := manySpans(next.Add(1))
					response, err := http.Post(url+"/v1/traces", "application/x-protobuf", bytes.NewReader(request))
					if err != nil {
						return // it is dead
					}
					response.Body.Close()
					if response.StatusCode == http.StatusOK {
						acknowledged.Add(int64(spans))
					}
				}
			})
		}
		eventually(t, "requests that are acknowledged", func() bool { return acknowledged.Load() > before+20_000 })
		v.signal(syscall.SIGKILL)
		group.Wait()
	}
	_, url := view()
	status := ask[struct{ Spans, EvictedSpans, DuplicateSpans int64 }](t, url+"/api/v1/status")[0]
	if status.Spans < acknowledged.Load() || status.EvictedSpans > 0 || status.DuplicateSpans > 0 {
		t.Errorf("%d spans were acknowledged, there are %+v", acknowledged.Load(), status)
	}
}

// manySpans is the n-th request of 200 spans.
func manySpans(n uint64) (request []byte, spans int) {
	g := otlp.Group{Resource: otlp.NewResource(nil, ""), Scopes: []otlp.ScopeSpans{{Scope: otlp.NewScope("", "")}}}
	for i := range 200 {
		var s otlp.Span
		var id [16]byte
		binary.BigEndian.PutUint64(id[:], n)
		s.Context(id, [8]byte{1, byte(i)}, [8]byte{}, "", 0)
		s.String("text", strings.Repeat("x", i))
		g.Scopes[0].Spans = append(g.Scopes[0].Spans, s.Encoded())
	}
	return otlp.AppendRequest(nil, []otlp.Group{g}), len(g.Scopes[0].Spans)
}
