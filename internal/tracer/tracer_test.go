package tracer

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
	"github.com/lumigo-io/opentelemetry-distro/internal/export"
	"github.com/lumigo-io/opentelemetry-distro/internal/handover"
	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/semconv"
	"github.com/lumigo-io/opentelemetry-distro/internal/spandump"
)

// dumped is a span as the dump shows it.
type dumped struct {
	Name     string
	Kind     string
	ParentID string `json:"parent_id"`
	Context  struct {
		TraceID string `json:"trace_id"`
		SpanID  string `json:"span_id"`
	}
	Status     struct{ StatusCode, Description string }
	Attributes map[string]any
	Events     []struct {
		Name       string
		Attributes map[string]any
	}
	Links []struct {
		Context struct {
			SpanID string `json:"span_id"`
		}
		Attributes map[string]any
	}
	StartTime string `json:"start_time"`
	EndTime   string `json:"end_time"`
}

// newTracer makes a tracer, and what reads the spans that it dumped.
func newTracer(t testing.TB, environ ...string) (*Tracer, func() []dumped) {
	path := filepath.Join(t.TempDir(), "dump")
	dump, err := spandump.Open(path, true)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := config.Parse(environ)
	m, _ := mask.New(c.Masking, nil)
	tr := New(Options{Config: c, Masker: m, Dump: dump, Resource: otlp.NewResource(nil, ""), Log: diag.New(os.Stderr, diag.Warning)})
	return tr, func() (spans []dumped) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var s dumped
			if err := json.Unmarshal([]byte(line), &s); err != nil {
				t.Fatal(err)
			}
			spans = append(spans, s)
		}
		return spans
	}
}

var scope = otlp.NewScope("test", "")

func start(t *Tracer, name string, parent *Identity) *Span {
	return t.Start(Start{Name: name, Kind: otlp.KindInternal, Scope: scope, Parent: parent})
}

func TestParentsAndChildren(t *testing.T) {
	tr, spans := newTracer(t)
	parent := start(tr, "parent", nil)
	id := parent.ID()
	child := start(tr, "child", FromContext(WithIdentity(context.Background(), id)))
	if child.ID().TraceID != id.TraceID || child.ID().Parent() != id.SpanID {
		t.Errorf("the child %+v is not below %+v", child.ID(), id)
	}
	child.End()
	parent.End()
	late := start(tr, "late", id)
	late.End()
	for i, want := range []string{"child", "parent", "late"} {
		s := spans()[i]
		if s.Name != want || s.Name != "parent" && s.ParentID != "0x"+hex.EncodeToString(id.SpanID[:]) {
			t.Errorf("span %d is %+v, want %s", i, s, want)
		}
	}
}

func TestAttributesAreMaskedByName(t *testing.T) {
	tr, spans := newTracer(t, "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=40")
	s := start(tr, "s", nil)
	s.Text("plain", strings.Repeat("ä", 50))
	s.Text("broker", "amqp://user:geheim@host/x")
	s.Text("url.full", "http://h/?token=geheim")
	s.Text("db.query.text", "SELECT 1 WHERE password = 'geheim'")
	s.Text("http.request.header.authorization", "geheim")
	s.Headers("http.request.headers", mask.RequestHeaders, append(s.Buffer(), mask.Header{Name: "Cookie", Value: "geheim"}))
	s.Body("http.request.body", mask.RequestBodies, []byte(`{"password":"geheim"}`), false)
	s.Attribute(otlp.Attribute{Key: "input_args", Value: []any{map[string]any{"password": "geheim"}, 3}})
	s.Attribute(otlp.Attribute{Key: "list", Value: []string{"a", "b"}})
	s.Attribute(otlp.Attribute{Key: "other", Value: struct{ Password, Name string }{"geheim", "n"}})
	s.Parameters("db.statement.parameters", "UPDATE t SET a = ?, password = ?", 2, func(i int) (string, any) { return "", []any{1, "geheim"}[i] })
	s.End()
	for key, want := range map[string]any{
		"plain":                             strings.Repeat("ä", 40),
		"broker":                            "amqp://****@host/x",
		"url.full":                          "http://h/?token=****",
		"db.query.text":                     "SELECT 1 WHERE password = '****'",
		"http.request.header.authorization": "****",
		"http.request.headers":              `{"Cookie": "****"}`,
		"http.request.body":                 `{"password": "****"}`,
		"input_args":                        `[{"password": "****"}, 3]`,
		"other":                             `{"Password": "****", "Name": "n"}`,
		"db.statement.parameters":           `[1, "****"]`,
	} {
		if got := spans()[0].Attributes[key]; got != want {
			t.Errorf("%s = %v, want %v", key, got, want)
		}
	}
}

func TestLimits(t *testing.T) {
	tr, spans := newTracer(t, "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=2", "OTEL_SPAN_EVENT_COUNT_LIMIT=2", "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT=1")
	s := start(tr, "s", nil)
	for _, key := range []string{"a", "b", "c"} {
		s.Text(key, "x")
		s.AddEvent(key, otlp.Attribute{Key: "x", Value: 1}, otlp.Attribute{Key: "y", Value: 2})
	}
	s.End()
	got := spans()[0]
	if len(got.Attributes) != 2 || got.Attributes["c"] != nil {
		t.Errorf("attributes: %v, want the first two", got.Attributes)
	}
	if len(got.Events) != 2 || got.Events[0].Name != "b" || len(got.Events[1].Attributes) != 1 {
		t.Errorf("events: %v, want the last two, with an attribute each", got.Events)
	}
}

// TestValuesOfEventsHaveALimitOfTheirOwn has the original's rule: only the
// general variable cuts what is not of the span itself.
func TestValuesOfEventsHaveALimitOfTheirOwn(t *testing.T) {
	for text, want := range map[string][2]int{"": {2048, 5000}, "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=5": {5, 5000}, "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=9": {9, 9}} {
		tr, spans := newTracer(t, text)
		s := start(tr, "s", nil)
		value := strings.Repeat("x", 5000)
		s.AddEvent("e", otlp.Attribute{Key: "a", Value: value})
		s.Text("a", value)
		s.End()
		got := spans()[0]
		if of, event := len(got.Attributes["a"].(string)), len(got.Events[0].Attributes["a"].(string)); of != want[0] || event != want[1] {
			t.Errorf("%q: %d characters of the span's value and %d of the event's, want %v", text, of, event, want)
		}
	}
}

func TestAllThatIsMissingInTheDumpIsCounted(t *testing.T) {
	tr, _ := newTracer(t)
	dump, err := spandump.Open("/dev/full", false)
	if err != nil {
		t.Skip(err)
	}
	tr.dump = dump
	var log strings.Builder
	tr.log = diag.New(&log, diag.Warning)
	for range 3 {
		start(tr, "s", nil).End()
	}
	if got, _ := tr.Account(); got != "3 spans made, nothing to be sent; 3 not written to the span dump" || strings.Count(log.String(), "WARNING") != 1 {
		t.Errorf("account %q, log %q, want the number of spans, and one warning", got, log.String())
	}
}

func TestLinks(t *testing.T) {
	tr, spans := newTracer(t, "OTEL_SPAN_LINK_COUNT_LIMIT=1", "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT=1")
	s := start(tr, "s", nil)
	for i := range byte(3) {
		s.Link(Link{&Identity{TraceID: [16]byte{1}, SpanID: [8]byte{i + 1}}, []otlp.Attribute{{Key: "a", Value: 1}, {Key: "b", Value: 2}}})
	}
	s.End()
	got := spans()[0].Links
	if len(got) != 1 || got[0].Context.SpanID != "0x0300000000000000" || len(got[0].Attributes) != 1 {
		t.Errorf("links: %+v, want the last one, with an attribute", got)
	}
}

func TestAValueWithoutEnd(t *testing.T) {
	type node struct {
		Name string
		Next *node
	}
	type loop *loop
	circle := &node{Name: "n"}
	circle.Next = circle
	var pointer loop
	pointer = &pointer
	tr, spans := newTracer(t)
	s := start(tr, "s", nil)
	s.Attribute(otlp.Attribute{Key: "circle", Value: circle})
	s.Attribute(otlp.Attribute{Key: "pointer", Value: pointer})
	s.End()
	got := spans()[0].Attributes
	if text, _ := got["circle"].(string); !strings.HasPrefix(text, `{"Name": "n", "Next": {"Name": "n", "Next": {`) || !strings.Contains(text, "null") {
		t.Errorf("a circle is %v", got["circle"])
	}
	if got["pointer"] != "null" {
		t.Errorf("a pointer to itself is %v", got["pointer"])
	}
}

func TestTheTokenIsShownNowhere(t *testing.T) {
	const token = "t_0123456789abcdef"
	tr, spans := newTracer(t, "LUMIGO_TRACER_TOKEN="+token)
	s := start(tr, "name "+token, nil)
	s.Text("text", "a "+token)
	s.Attribute(otlp.Attribute{Key: "list", Value: []string{token}})
	s.AddEvent("event "+token, otlp.Attribute{Key: "k", Value: token})
	s.SetStatus(otlp.StatusError, "status "+token)
	s.End()
	if text := fmt.Sprint(spans()); strings.Contains(text, token) || strings.Count(text, mask.Mask) != 6 {
		t.Errorf("%s", text)
	}
}

func TestSpansThatAreNotExported(t *testing.T) {
	tr, spans := newTracer(t)
	path := filepath.Join(t.TempDir(), "console")
	tr.console, _ = spandump.Open(path, false)
	for _, value := range []any{true, false, "true"} {
		s := start(tr, "s", nil)
		s.Attribute(otlp.Attribute{Key: semconv.SkipExport, Value: value})
		s.End()
	}
	shown, err := os.ReadFile(path)
	if err != nil || strings.Count(string(shown), `"name": "s"`) != 2 || len(spans()) != 3 {
		t.Errorf("%d spans in the dump, and exported:\n%s%v", len(spans()), shown, err)
	}
}

func TestTheEndIsNotBeforeTheStart(t *testing.T) {
	tr, spans := newTracer(t)
	start(tr, "s", nil).EndAt(time.Unix(0, 0))
	if s := spans()[0]; s.EndTime < s.StartTime {
		t.Errorf("%+v", s)
	}
}

func TestWhatTheSpanSaysItselfCountsMost(t *testing.T) {
	tr, spans := newTracer(t)
	s := start(tr, "s", nil)
	s.ID().SetStatus(otlp.StatusOK, "")
	s.SetStatus(otlp.StatusError, "own")
	s.End()
	s = start(tr, "s", nil)
	s.ID().SetStatus(otlp.StatusError, "others'")
	s.End()
	if got := spans(); got[0].Status.Description != "own" || got[1].Status.Description != "others'" {
		t.Errorf("%+v", got)
	}
}

func TestASpanIsAdoptedOnce(t *testing.T) {
	tr, _ := newTracer(t)
	s := tr.Start(Start{Name: "GET", Kind: otlp.KindServer, Scope: scope})
	id := s.ID()
	if id.Adopt(otlp.KindClient) || !id.Adopt(otlp.KindServer) || id.Adopt(otlp.KindServer) {
		t.Error("not once, or by a span of another kind")
	}
	s.End()
	s = tr.Start(Start{Name: "GET", Kind: otlp.KindServer, Scope: scope}) // which uses its memory again
	if id.Adopt(otlp.KindServer) || !s.ID().Adopt(otlp.KindServer) {
		t.Error("after its end, or not the next")
	}
}

func TestRatio(t *testing.T) {
	for _, test := range []struct {
		ratio     float64
		low, high bool // whether trace ids around the middle are kept
	}{{0, false, false}, {0.5, true, false}, {1, true, true}} {
		s := newSampler(config.Sampler{Name: "traceidratio", Ratio: test.ratio})
		low, high := [16]byte{8: 0x7f, 9: 0}, [16]byte{8: 0x80, 9: 1}
		if s.keeps(&low, nil) != test.low || s.keeps(&high, nil) != test.high {
			t.Errorf("%v keeps %v, %v; want %v, %v", test.ratio, s.keeps(&low, nil), s.keeps(&high, nil), test.low, test.high)
		}
	}
}

func TestHeadersThatArePassedOn(t *testing.T) {
	tr, _ := newTracer(t, "OTEL_PROPAGATORS=tracecontext,baggage")
	parent := "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	var id Identity
	tr.Extract(map[string][]string{"Traceparent": {parent}, "Tracestate": {strings.Repeat("x", 2049)}, "Baggage": {strings.Repeat("x", longestBaggage+1)}}, &id)
	if id.State != "" || id.Baggage != "" || id.SpanID == [8]byte{} {
		t.Errorf("of headers that are too long it keeps %q, %q", id.State, id.Baggage)
	}
	id.Baggage = "ours=1"
	sent := map[string][]string{"Tracestate": {"of=another"}, "Baggage": {"theirs=1"}}
	tr.Inject(sent, &id)
	if sent["Tracestate"] != nil || sent["Baggage"][0] != "theirs=1" || sent["Traceparent"][0] != parent {
		t.Errorf("sent: %v", sent)
	}
}

func TestFormerNames(t *testing.T) {
	tr, spans := newTracer(t, "OTEL_SEMCONV_STABILITY_OPT_IN=http/dup")
	s := tr.Start(Start{Name: "GET", Kind: otlp.KindServer, Scope: scope, Convention: semconv.HTTP})
	s.Known("http.request.method", "GET")
	s.Text("url.path", "/a")
	s.Text("url.query", "b=c")
	s.Int("http.response.status_code", 200)
	s.End()
	for key, want := range map[string]any{"http.method": "GET", "http.target": "/a?b=c", "http.status_code": 200.0} {
		if got := spans()[0].Attributes[key]; got != want {
			t.Errorf("%s = %v, want %v", key, got, want)
		}
	}
}

func TestErrorsAndPanics(t *testing.T) {
	tr, spans := newTracer(t)
	s := start(tr, "s", nil)
	s.Fail(errors.New("no"))
	s.End()
	got := spans()[0]
	if got.Attributes["error.type"] != "*errors.errorString" || len(got.Events) != 1 || got.Events[0].Attributes["exception.message"] != "no" {
		t.Errorf("%+v", got)
	}
}

func TestErrorsAreMasked(t *testing.T) {
	tr, spans := newTracer(t)
	s := start(tr, "s", nil)
	s.Fail(errors.New("dial postgres://joe:hunter2@db: password=hunter2"))
	s.AddEvent("stack", otlp.Attribute{Key: "exception.stacktrace", Value: "panic: key: hunter2\n\t/app/key.go:12 +0x1d"})
	s.Attribute(otlp.Attribute{Key: "from", Value: "reads amqp://joe:hunter2@h/"})
	arguments := []string{"mysql", "--password", "hunter2"}
	s.Attribute(otlp.Attribute{Key: "process.command_args", Value: arguments})
	s.Attribute(otlp.Attribute{Key: "brokers", Value: []string{"amqp://joe:hunter2@h/"}})
	s.End()
	got := spans()[0]
	want := "dial postgres://****@db: password=****"
	if got.Status.Description != want || got.Events[0].Attributes["exception.message"] != want {
		t.Errorf("%+v", got)
	}
	if stack := got.Events[1].Attributes["exception.stacktrace"]; stack != "panic: key: ****\n\t/app/key.go:12 +0x1d" {
		t.Errorf("the stack is %q", stack)
	}
	for key, want := range map[string]string{"from": "reads amqp://****@h/", "process.command_args": "[mysql --password ****]", "brokers": "[amqp://****@h/]"} {
		if text := fmt.Sprint(got.Attributes[key]); text != want {
			t.Errorf("%s = %s, want %s", key, text, want)
		}
	}
	if arguments[2] != "hunter2" {
		t.Error("the application's own list has changed")
	}
}

func TestWhatOthersAddUntilTheEnd(t *testing.T) {
	tr, spans := newTracer(t)
	s := start(tr, "s", nil)
	id := s.ID()
	tagged := id.WithTags([]otlp.Attribute{{Key: "tag", Value: "v"}})
	if !id.AddEvent("event") || !tagged.SetAttribute(otlp.Attribute{Key: "k", Value: "old"}) || !id.SetAttribute(otlp.Attribute{Key: "k", Value: "new"}) {
		t.Error("not added")
	}
	s.End()
	other := start(tr, "other", tagged) // which uses the memory of s again
	if id.AddEvent("late") || tagged.SetAttribute(otlp.Attribute{Key: "late", Value: 1}) {
		t.Error("added after the end")
	}
	other.End()
	first, second := spans()[0], spans()[1]
	if len(first.Events) != 1 || first.Attributes["k"] != "new" || first.Attributes["tag"] != nil {
		t.Errorf("%+v", first)
	}
	if len(second.Events) != 0 || second.Attributes["tag"] != "v" || second.Attributes["late"] != nil {
		t.Errorf("%+v", second)
	}
}

func TestSampling(t *testing.T) {
	yes, no := &Identity{TraceID: [16]byte{1}, SpanID: [8]byte{1}, Flags: 1}, &Identity{TraceID: [16]byte{1}, SpanID: [8]byte{1}}
	for _, test := range []struct {
		environ  string
		parent   *Identity
		kind     otlp.Kind
		endpoint string
		want     bool
	}{
		{"", nil, otlp.KindServer, "/", true},
		{"", yes, otlp.KindServer, "/", true},
		{"", no, otlp.KindServer, "/", false},
		{"OTEL_TRACES_SAMPLER=always_on", no, otlp.KindServer, "/", true},
		{"OTEL_TRACES_SAMPLER=always_off", yes, otlp.KindServer, "/", false},
		{"OTEL_TRACES_SAMPLER=parentbased_always_off", nil, otlp.KindServer, "/", false},
		{"OTEL_TRACES_SAMPLER=parentbased_always_off", yes, otlp.KindServer, "/", true},
		{`LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX=["health"]`, nil, otlp.KindServer, "/healthz", false},
		{`LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX=["health"]`, yes, otlp.KindClient, "http://h/health", false},
		{`LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX=["health"]`, nil, otlp.KindInternal, "/healthz", true},
		{`LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX_SERVER=["health"]`, nil, otlp.KindClient, "/healthz", true},
		{`LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX_CLIENT=["health"]`, nil, otlp.KindClient, "/healthz", false},
		{`LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX=["", "[", "no"]`, nil, otlp.KindServer, "/", true},
	} {
		tr, _ := newTracer(t, test.environ)
		s := tr.Start(Start{Kind: test.kind, Scope: scope, Parent: test.parent, Endpoint: test.endpoint})
		if s.Recording() != test.want || s.ID().Sampled() != test.want {
			t.Errorf("%s, parent %+v, %s: recorded %v, want %v", test.environ, test.parent, test.endpoint, s.Recording(), test.want)
		}
		s.End()
	}
}

func TestPropagation(t *testing.T) {
	const trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	for _, test := range []struct {
		name, propagators string
		in, out           map[string]string // what comes in; what goes out again
	}{
		{"W3C", "tracecontext", map[string]string{"Traceparent": "00-" + trace + "-" + span + "-01", "Tracestate": "a=b"},
			map[string]string{"Traceparent": "00-" + trace + "-" + span + "-01", "Tracestate": "a=b"}},
		{"W3C of a later version", "tracecontext", map[string]string{"Traceparent": "01-" + trace + "-" + span + "-01-more"},
			map[string]string{"Traceparent": "00-" + trace + "-" + span + "-01"}},
		{"W3C in upper case", "tracecontext", map[string]string{"Traceparent": strings.ToUpper("00-" + trace + "-" + span + "-01")}, nil},
		{"W3C too long", "tracecontext", map[string]string{"Traceparent": "00-" + trace + "-" + span + "-01-more"}, nil},
		{"W3C of nobody", "tracecontext", map[string]string{"Traceparent": "00-" + strings.Repeat("0", 32) + "-" + span + "-01"}, nil},
		{"B3", "b3", map[string]string{"B3": trace + "-" + span + "-1"}, map[string]string{"B3": trace + "-" + span + "-1"}},
		{"B3 with a short id, not sampled", "b3", map[string]string{"B3": trace[16:] + "-" + span + "-0"},
			map[string]string{"B3": strings.Repeat("0", 16) + trace[16:] + "-" + span + "-0"}},
		{"B3 of several headers", "b3multi", map[string]string{"X-B3-Traceid": trace, "X-B3-Spanid": span, "X-B3-Sampled": "1"},
			map[string]string{"X-B3-Traceid": trace, "X-B3-Spanid": span, "X-B3-Sampled": "1"}},
		{"B3 that is none", "b3", map[string]string{"B3": "0"}, nil},
		{"baggage", "tracecontext,baggage", map[string]string{"Traceparent": "00-" + trace + "-" + span + "-00", "Baggage": "k=v"},
			map[string]string{"Traceparent": "00-" + trace + "-" + span + "-00", "Baggage": "k=v"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			tr, _ := newTracer(t, "OTEL_PROPAGATORS="+test.propagators)
			in, out := map[string][]string{}, map[string][]string{}
			for k, v := range test.in {
				in[k] = []string{v}
			}
			var id Identity
			if found := tr.Extract(in, &id); found != (test.out != nil) {
				t.Fatalf("found %v", found)
			} else if !found {
				return
			}
			tr.Inject(out, &id)
			if len(out) != len(test.out) {
				t.Errorf("got %v, want %v", out, test.out)
			}
			for k, v := range test.out {
				if len(out[k]) != 1 || out[k][0] != v {
					t.Errorf("%s: %q, want %q", k, out[k], v)
				}
			}
		})
	}
}

func FuzzExtract(f *testing.F) {
	f.Add("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "a-b-c", "x", "y")
	tr, _ := newTracer(f, "OTEL_PROPAGATORS=tracecontext,baggage,b3,b3multi")
	f.Fuzz(func(t *testing.T, parent, b3, trace, span string) {
		var id Identity
		found := tr.Extract(map[string][]string{"Traceparent": {parent}, "B3": {b3}, "X-B3-Traceid": {trace}, "X-B3-Spanid": {span}}, &id)
		if found && (id.TraceID == [16]byte{} || id.SpanID == [8]byte{}) {
			t.Errorf("found an identity of zeros")
		}
	})
}

func TestLambdaTraceID(t *testing.T) {
	for header, want := range map[string]string{
		"Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1": "bd862e3fe1be46a99427279300000000",
		"root=1-5759e988-bd862e3fe1be46a994272793":           "bd862e3fe1be46a99427279300000000",
		"Root=1-5759e988-bd86":                               "",
		"":                                                   "",
	} {
		var id [16]byte
		if found := lambdaTraceID(header, &id); found != (want != "") || found && hex.EncodeToString(id[:]) != want {
			t.Errorf("%q gives %x, %v; want %s", header, id, found, want)
		}
	}
}

func TestGoroutines(t *testing.T) {
	var word unsafe.Pointer // of the only goroutine
	SetLocal(func() unsafe.Pointer { return word }, func(p unsafe.Pointer) { word = p })
	defer SetLocal(nil, nil)
	tr, _ := newTracer(t)
	s := start(tr, "s", nil)
	id := s.ID()
	before := Enter(id)
	if FromContext(context.Background()) != id {
		t.Error("the goroutine's identity is not found")
	}
	s.End()
	if Current() != id {
		t.Error("it is lost at the span's end")
	}
	id.ended.Add(-int64(2 * stale))
	if Current() != nil {
		t.Error("it is kept for ever")
	}
	if Enter(before); Current() != nil {
		t.Error("it is not restored")
	}
}

func TestWhatASpanHasBegunAs(t *testing.T) {
	tr, _ := newTracer(t)
	tr.engine = new(handover.Client)
	remote := &Identity{TraceID: [16]byte{1}, SpanID: [8]byte{1}, Flags: sampled, State: "a=b", Remote: true}
	s := tr.Start(Start{Name: "GET", Kind: otlp.KindServer, Scope: scope, Parent: remote})
	s.Text("url.path", "/a")
	s.Announce(otlp.Attribute{Key: "k", Value: "v"})
	s.SetName("GET /{id}")
	s.Text("http.route", "/{id}")
	id := s.ID()
	got, live := id.Look()
	attributes, err := otlp.ParseSpan(got.Encoded)
	if !live || err != nil || got.TraceID != remote.TraceID || got.ParentID != remote.SpanID || got.SpanID != id.SpanID || got.Flags != 0x301 || got.State != "a=b" ||
		got.Name != "GET" || got.Kind != otlp.KindServer || got.Scope != "test" || got.Start.IsZero() || len(got.Attributes) != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
	if len(attributes.Attributes) != 1 || attributes.Attributes[0].Value != "/a" {
		t.Errorf("attributes %v", attributes.Attributes)
	}
	s.release()
	other := start(tr, "other", nil) // which uses the memory of s again
	if got, live := id.Look(); live {
		t.Errorf("it has ended, and yet %+v", got)
	}
	if got, _ := other.ID().Look(); got.Name != "" || got.Encoded != nil || got.Attributes != nil {
		t.Errorf("what was announced of another span: %+v", got)
	}
	other.release()
	tr.recording = false
	unrecorded := start(tr, "s", nil)
	unrecorded.Announce()
	if _, live := unrecorded.ID().Look(); live {
		t.Error("a span that is not recorded is told of")
	}
}

// To be run with -race.
func TestConcurrentUse(t *testing.T) {
	tr, spans := newTracer(t)
	concurrently(t, tr)
	for _, s := range spans() {
		for _, e := range s.Events {
			if "0x"+e.Name != s.Context.SpanID {
				t.Errorf("an event of %s is at %s", e.Name, s.Context.SpanID)
			}
		}
	}
	tr.engine = new(handover.Client)
	concurrently(t, tr)
}

// concurrently makes spans, adds to them and looks at them.
func concurrently(t *testing.T, tr *Tracer) {
	var group sync.WaitGroup
	shared := make(chan *Identity, 1000)
	for range 4 {
		group.Add(2)
		go func() {
			defer group.Done()
			for range 200 {
				s := start(tr, "s", nil)
				s.Announce()
				shared <- s.ID()
				s.Text("a", "b")
				s.End()
			}
		}()
		go func() {
			defer group.Done()
			for range 200 {
				id := <-shared
				id.AddEvent(hex.EncodeToString(id.SpanID[:]))
				if got, live := id.Look(); live && (got.SpanID != id.SpanID || got.Name != "" && got.Name != "s") {
					t.Errorf("%x is told of as %+v", id.SpanID, got)
				}
				id.SetRoute("/")
			}
		}()
	}
	group.Wait()
}

func BenchmarkSpan(b *testing.B) {
	c, _ := config.Parse(nil)
	m, _ := mask.New(c.Masking, nil)
	c.Export.Endpoint = "http://127.0.0.1:1/v1/traces"
	c.Export.MemoryLimit = 1 << 20
	e := export.New(export.Options{Export: c.Export, Log: nil})
	defer func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		e.Shutdown(ctx)
	}()
	tr := New(Options{Config: c, Masker: m, Exporter: e, Resource: otlp.NewResource(nil, "")})
	b.ReportAllocs()
	for b.Loop() {
		s := start(tr, "s", nil)
		for _, key := range [...]string{"a.one", "a.two", "a.three", "a.four", "a.five", "a.six", "a.seven", "a.eight"} {
			s.Text(key, "value")
		}
		s.End()
	}
}
