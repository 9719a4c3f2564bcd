package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
	"github.com/lumigo-io/opentelemetry-distro/test/receiver"
)

// acceptance is one case of the specification's table (section 11.1), or several that one run shows. Cases
// that need no process are tables in the packages; here stand those that show on a real run.
type acceptance struct {
	id    string
	story string
	env   []string // after the usual variables, so that "LUMIGO_TRACER_TOKEN=" takes the token away
	steps string   // of testdata/app.py
	pins  func(pythonenv.Interpreter) []string
	check func(t *testing.T, r outcome)
}

// outcome is what a run left behind.
type outcome struct {
	stdout   string
	log      []logLine
	spans    []receiver.Span
	requests []receiver.Request
	dump     []dumpLine
	dumped   bool // whether there is a dump at all
	raw      string
	stub     *stub
}

// dumpLine is a line of the span dump.
type dumpLine struct {
	Name    string
	Context struct {
		TraceID    string `json:"trace_id"`
		SpanID     string `json:"span_id"`
		TraceState string `json:"trace_state"`
	}
	Kind       string
	ParentID   *string `json:"parent_id"`
	StartTime  string  `json:"start_time"`
	EndTime    string  `json:"end_time"`
	Status     map[string]string
	Attributes map[string]any
	Resource   struct {
		Attributes map[string]any
		SchemaURL  *string `json:"schema_url"`
	}
}

func (r outcome) levels(level string) []string { return atLevel(r.log, level) }

func api(i pythonenv.Interpreter) []string {
	if !i.AtLeast(3, 9) {
		return []string{"opentelemetry-api==1.22.0"}
	}
	return []string{"opentelemetry-api==1.39.1"}
}

var cases = []acceptance{
	// A. Activation and configuration
	{
		id: "A1", story: "switched off, in any case: one INFO line, nothing else",
		env: []string{"LUMIGO_SWITCH_OFF=TRUE"}, steps: "get sql",
		check: func(t *testing.T, r outcome) {
			noTraces(t, r)
			want := []string{"Lumigo OpenTelemetry distribution disabled via the 'LUMIGO_SWITCH_OFF' environment variable"}
			if got := r.levels("INFO"); !slices.Equal(got, want) || len(r.log) != 1 {
				t.Errorf("log = %q, want %q alone", r.log, want)
			}
			if r.dumped {
				t.Error("there is a span dump")
			}
		},
	},
	{id: "A2", story: "LUMIGO_SWITCH_OFF=false is not off", env: []string{"LUMIGO_SWITCH_OFF=false"}, steps: "get", check: oneClient},
	{id: "A2", story: "LUMIGO_SWITCH_OFF=1 is not off", env: []string{"LUMIGO_SWITCH_OFF=1"}, steps: "get", check: oneClient},
	{id: "A2", story: "LUMIGO_SWITCH_OFF=yes is not off", env: []string{"LUMIGO_SWITCH_OFF=yes"}, steps: "get", check: oneClient},
	{id: "A2", story: "an empty LUMIGO_SWITCH_OFF is not off", env: []string{"LUMIGO_SWITCH_OFF="}, steps: "get", check: oneClient},
	{id: "A2", story: "OTEL_SDK_DISABLED turns off as well", env: []string{"OTEL_SDK_DISABLED=true"}, steps: "get", check: noTraces},
	{id: "A3 A6", story: "an empty token: one warning, spans in the dump alone", env: []string{"LUMIGO_TRACER_TOKEN="}, steps: "get", check: dumpOnly},
	{
		id: "A4", story: "spans go to LUMIGO_ENDPOINT, as protobuf, with the token", steps: "get",
		check: func(t *testing.T, r outcome) {
			oneClient(t, r)
			for _, q := range r.requests {
				if q.Path != "/v1/traces" || q.Header.Get("Content-Type") != "application/x-protobuf" || q.Header.Get("Authorization") != "LumigoToken "+token {
					t.Errorf("request to %s with %v", q.Path, q.Header)
				}
			}
		},
	},
	{
		id: "A5", story: "a token with a line feed at its end is trimmed", env: []string{"LUMIGO_TRACER_TOKEN=" + token + "\n"}, steps: "get",
		check: func(t *testing.T, r outcome) {
			oneClient(t, r)
			if got := r.requests[0].Header.Get("Authorization"); got != "LumigoToken "+token {
				t.Errorf("Authorization: %q", got)
			}
		},
	},
	{
		id: "A7", story: "LUMIGO_DEBUG=TRUE shows DEBUG lines", env: []string{"LUMIGO_DEBUG=TRUE"}, steps: "get",
		check: func(t *testing.T, r outcome) {
			if len(r.levels("DEBUG")) == 0 {
				t.Errorf("no DEBUG line in %q", r.log)
			}
		},
	},
	{
		id: "A8", story: "without LUMIGO_DEBUG there is the loading line and no DEBUG line", steps: "get",
		check: func(t *testing.T, r outcome) {
			if got := r.levels("DEBUG"); len(got) > 0 {
				t.Errorf("DEBUG lines %q", got)
			}
			if got := r.levels("INFO"); len(got) == 0 || !strings.HasPrefix(got[0], "Loading the Lumigo OpenTelemetry distribution v") {
				t.Errorf("INFO lines %q", got)
			}
			if got := append(r.levels("WARNING"), r.levels("ERROR")...); len(got) > 0 {
				t.Errorf("a usual run warns: %q", got)
			}
		},
	},
	{
		id: "A12", story: "the package has a tracer provider that flushes", steps: "providers spans flush",
		check: func(t *testing.T, r outcome) {
			if r.stdout != "tracer_provider\nflushed: True\ndone\n" {
				t.Errorf("stdout = %q", r.stdout)
			}
		},
	},
	{
		id: "A13 I5", story: "a span dump in a missing directory: one line, the app runs", env: []string{"LUMIGO_DEBUG_SPANDUMP=/missing/directory/spans.json"}, steps: "get",
		check: func(t *testing.T, r outcome) {
			oneClient(t, r)
			if got := naming(r.log, "/missing/directory/spans.json"); len(got) != 1 {
				t.Errorf("lines that name the path: %q, want one", got)
			}
		},
	},
	{
		id: "A14", story: "OTEL_SERVICE_NAME wins over OTEL_RESOURCE_ATTRIBUTES", env: []string{"OTEL_SERVICE_NAME=x", "OTEL_RESOURCE_ATTRIBUTES=service.name=y,a=b"}, steps: "get",
		check: func(t *testing.T, r outcome) { resource(t, r, "service.name", "x"); resource(t, r, "a", "b") },
	},
	{
		id: "A15", story: "a bad pair in OTEL_RESOURCE_ATTRIBUTES costs a warning, the good one stays", env: []string{"OTEL_RESOURCE_ATTRIBUTES=bad,a=b"}, steps: "get",
		check: func(t *testing.T, r outcome) {
			resource(t, r, "a", "b")
			if got := naming(r.log, "OTEL_RESOURCE_ATTRIBUTES"); len(got) != 1 {
				t.Errorf("lines about the variable: %q, want one", got)
			}
		},
	},
	{
		id: "A17", story: "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=1 makes three requests of three spans", env: []string{"OTEL_BSP_MAX_EXPORT_BATCH_SIZE=1"}, steps: "spans:3",
		check: func(t *testing.T, r outcome) {
			if len(r.requests) != 3 {
				t.Errorf("%d requests, want 3", len(r.requests))
			}
		},
	},
	{id: "A18", story: "OTEL_BSP_SCHEDULE_DELAY=abc", env: []string{"OTEL_BSP_SCHEDULE_DELAY=abc"}, steps: "get", check: oneClientOneWarning("OTEL_BSP_SCHEDULE_DELAY", "abc")},
	{id: "A18", story: "OTEL_BSP_MAX_QUEUE_SIZE=-1", env: []string{"OTEL_BSP_MAX_QUEUE_SIZE=-1"}, steps: "get", check: oneClientOneWarning("OTEL_BSP_MAX_QUEUE_SIZE", "-1")},
	{id: "A18", story: "a batch larger than the queue", env: []string{"OTEL_BSP_MAX_QUEUE_SIZE=10", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=20"}, steps: "get", check: oneClientOneWarning("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "20")},
	{
		id: "A20", story: "a disabled instrumentation leaves the others", env: []string{"LUMIGO_DISABLE_INSTRUMENTATION= SQLite3 ,,"}, steps: "get sql",
		check: func(t *testing.T, r outcome) {
			if len(named(r.spans, "SELECT")) != 0 || len(ofKind(r.spans, "CLIENT")) != 1 {
				t.Errorf("got\n%s", forest(r.spans))
			}
		},
	},
	{
		id: "A20", story: "an unknown instrumentation costs one warning", env: []string{"LUMIGO_DISABLE_INSTRUMENTATION=nonesuch"}, steps: "get",
		check: oneClientOneWarning("LUMIGO_DISABLE_INSTRUMENTATION", "nonesuch"),
	},
	{
		id: "A22", story: "the limit for spans wins over the general one", env: []string{"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=5", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=50"}, steps: "get:/text/100",
		check: bodyOf(strings.Repeat("x", 5)),
	},
	{id: "A22", story: "the general limit", env: []string{"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=50"}, steps: "get:/text/100", check: bodyOf(strings.Repeat("x", 50))},
	{id: "A23", story: "a limit that is no number", env: []string{"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=NaN"}, steps: "get", check: oneClientOneWarning("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "NaN")},
	{id: "A", story: "a second init changes nothing", steps: "twice get", check: oneClient},
	{
		id: "A", story: "LUMIGO_ENABLE_TRACES=false: nothing is patched", env: []string{"LUMIGO_ENABLE_TRACES=false"}, steps: "get sql",
		check: func(t *testing.T, r outcome) {
			noTraces(t, r)
			if got := naming(r.log, `Tracing is disabled (the "LUMIGO_ENABLE_TRACES" environment variable is not set to "true")`); len(got) != 1 {
				t.Errorf("log = %q", r.log)
			}
		},
	},

	// B. Masking: the vectors stand in internal/mask; this shows that it is in the path of everything.
	{
		id: "B", story: "secrets are masked wherever they are", env: []string{"DB_PASSWORD=hush", "DATABASE_URL=postgres://ada:hush@db/shop"},
		steps: "post:/json?password=hush spans sql:SELECT+1+FROM+(SELECT+0+AS+password)+WHERE+password='hush' get:/json",
		check: func(t *testing.T, r outcome) {
			if strings.Contains(r.raw, "hush") {
				at := strings.Index(r.raw, "hush")
				t.Errorf("a secret got out: …%s…", r.raw[max(0, at-200):min(len(r.raw), at+50)])
			}
			posted := theOnly(t, "POST", named(r.spans, "POST"))
			if got := attribute(posted, "http.request.body"); got != `{"user": "ada", "password": "****"}` {
				t.Errorf("http.request.body = %s", got)
			}
			if got := attribute(posted, "http.response.body"); got != `{"user": "ada", "password": "****"}` {
				t.Errorf("http.response.body = %s", got)
			}
			if got := strings.ToLower(attribute(posted, "http.request.headers")); !strings.Contains(got, `"authorization": "****"`) || !strings.Contains(got, `"x-color": "green"`) {
				t.Errorf("http.request.headers = %s", got)
			}
			if strings.Contains(r.raw, token) {
				t.Error("the token got out")
			}
		},
	},
	{
		id: "M40", story: "`all` for the environment", env: []string{"LUMIGO_SECRET_MASKING_REGEX_ENVIRONMENT=ALL"}, steps: "get",
		check: func(t *testing.T, r outcome) { resource(t, r, "process.environ", "****") },
	},

	// C. Endpoint filters; C21 to C23 are in TestEndpointFilters.
	{id: "C6", story: "a client span that the general filter matches", env: []string{`LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX=["status"]`}, steps: "get:/status/200", check: noSpans},
	{id: "C5", story: "a client span that the client filter matches", env: []string{`LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX_CLIENT=["status"]`}, steps: "get:/status/200", check: noSpans},
	{id: "C4", story: "a client span that the server filter alone matches stays", env: []string{`LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX_SERVER=["status"]`}, steps: "get:/status/200", check: oneClient},
	{id: "C1", story: "a server span that the server filter matches, and all below it", env: []string{`LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX_SERVER=["orders"]`}, steps: "request:/orders", check: noSpans},
	{id: "C2", story: "a server span that the client filter alone matches stays", env: []string{`LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX_CLIENT=["orders"]`}, steps: "request:/orders", check: serverWithSQL},
	{id: "C3 C7", story: "a server span that the general filter matches", env: []string{`LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX=[".*orders.*"]`}, steps: "request:/orders", check: noSpans},
	{id: "C8", story: "a filter that does not match", env: []string{`LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX=[".*no-match.*"]`}, steps: "request:/orders", check: serverWithSQL},
	{id: "C9", story: "a filter that is no regular expression", env: []string{`LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX=["["]`}, steps: "request:/orders", check: serverWithSQL},
	{id: "C12", story: "a filter that is no array of strings", env: []string{`LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX=[1,2,3]`}, steps: "get", check: oneClientOneWarning("LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX", "[1,2,3]")},
	{id: "C23b", story: "empty filters are no filters, and no reason to warn", env: []string{"LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX=", "LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX_SERVER=", "LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX_CLIENT="}, steps: "get",
		check: func(t *testing.T, r outcome) {
			oneClient(t, r)
			if got := r.levels("WARNING"); len(got) > 0 {
				t.Errorf("warnings %q", got)
			}
		}},

	// D. Spans and ids
	{
		id: "D1", story: "SKIP_EXPORT=True is in the dump and is not exported", steps: "manual:True", pins: api,
		check: func(t *testing.T, r outcome) {
			if len(named(r.spans, "manual")) != 0 {
				t.Error("the span was exported")
			}
			if !slices.ContainsFunc(r.dump, func(l dumpLine) bool { return l.Name == "manual" }) {
				t.Error("the span is not in the dump")
			}
			if len(named(r.spans, "SELECT")) != 1 {
				t.Error("its child was not exported")
			}
		},
	},
	{id: "D2", story: "SKIP_EXPORT=False is exported", steps: "manual:False", pins: api, check: manualSpan},
	{id: "D2", story: "a manual span joins the trace, with its attributes", steps: "manual", pins: api, check: manualSpan},
	{id: "D3", story: `SKIP_EXPORT="true" is exported`, steps: "manual:'true'", pins: api, check: manualSpan},
	{
		id: "D7", story: "a Lambda trace id", env: []string{"_X_AMZN_TRACE_ID=Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"}, steps: "get",
		check: func(t *testing.T, r outcome) {
			if got := theOnly(t, "GET", r.spans).TraceID; got != "bd862e3fe1be46a99427279300000000" {
				t.Errorf("trace id %s", got)
			}
		},
	},
	{
		id: "D8", story: "a Lambda header that is none", env: []string{"_X_AMZN_TRACE_ID=Root=nonsense"}, steps: "get get",
		check: func(t *testing.T, r outcome) {
			if len(r.spans) != 2 || r.spans[0].TraceID == r.spans[1].TraceID {
				t.Errorf("want two traces, got\n%s", forest(r.spans))
			}
		},
	},
	{id: "D9", story: "a value of 10 kB is cut to 2048 characters", steps: "get:/text/10240", check: bodyOf(strings.Repeat("x", 2048))},
	{
		id: "D10", story: "execution tags: valid ones join, wrong ones cost a line each", steps: "tags get",
		check: func(t *testing.T, r outcome) {
			s := theOnly(t, "GET", r.spans)
			if got := attribute(s, "lumigo.execution_tags.single"); got != "later" {
				t.Errorf("single = %q", got)
			}
			if got := attribute(s, "lumigo.execution_tags.list"); got != "[a b]" {
				t.Errorf("list = %q", got)
			}
			if _, there := s.Attributes["lumigo.execution_tags.empty"]; there {
				t.Error("an empty tag joined")
			}
			for _, text := range []string{"Execution tags must be a dictionary", "No valid execution tags to add",
				"Empty or whitespace execution tag value: 'empty', ''", "Execution tag key must be a string and cannot be empty or whitespace: ' ' (type: "} {
				if len(naming(r.log, text)) != 1 {
					t.Errorf("no line %q in %q", text, r.log)
				}
			}
		},
	},
	{
		id: "D11", story: "a programmatic error is an event", steps: "programmatic",
		check: func(t *testing.T, r outcome) {
			s := theOnly(t, "LumigoRoot", named(r.spans, "LumigoRoot"))
			events := s.Proto.Events
			if len(events) != 1 || events[0].Name != "msg" || receiver.Attributes(events[0].Attributes)["lumigo.type"] != "type" {
				t.Errorf("events = %v", events)
			}
		},
	},
	{
		id: "D12", story: "a wrapped function", steps: "spans",
		check: func(t *testing.T, r outcome) {
			s := theOnly(t, "LumigoRoot", named(r.spans, "LumigoRoot"))
			got := []string{s.Kind, attribute(s, "input_args"), attribute(s, "input_kwargs"), attribute(s, "return_value")}
			want := []string{"INTERNAL", "[0]", `{"password": "****"}`, `{"number": 0}`}
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		},
	},
	{
		id: "D12", story: "a wrapped function that fails", steps: "failing",
		check: func(t *testing.T, r outcome) {
			s := theOnly(t, "LumigoRoot", named(r.spans, "LumigoRoot"))
			if s.Status != "ERROR" || len(s.Proto.Events) != 1 || s.Proto.Events[0].Name != "exception" || !strings.Contains(r.stdout, "the exception came through") {
				t.Errorf("status %s, events %v, stdout %q", s.Status, s.Proto.Events, r.stdout)
			}
		},
	},

	// E. Resource
	{
		id: "E1 E2", story: "the process and the distro", steps: "get",
		check: func(t *testing.T, r outcome) {
			resource(t, r, "process.runtime.name", "cpython")
			resource(t, r, "telemetry.sdk.language", "python")
			for _, key := range []string{"process.runtime.version", "process.runtime.description", "process.pid", "process.environ", "lumigo.distro.version", "telemetry.sdk.version"} {
				if r.spans[0].Resource[key] == nil {
					t.Errorf("no %s", key)
				}
			}
		},
	},
	{id: "E3", story: "no tag", steps: "get", check: func(t *testing.T, r outcome) { resource(t, r, "lumigo.tag", nil) }},
	{id: "E3", story: "a tag", env: []string{"LUMIGO_TAG=test9876"}, steps: "get", check: func(t *testing.T, r outcome) { resource(t, r, "lumigo.tag", "test9876") }},
	{
		id: "E3", story: "a tag with a semicolon", env: []string{"LUMIGO_TAG=t;x"}, steps: "get",
		check: func(t *testing.T, r outcome) {
			resource(t, r, "lumigo.tag", nil)
			if got := naming(r.log, "LUMIGO_TAG contains a semicolon, which is not allowed."); len(got) != 1 {
				t.Errorf("log = %q", r.log)
			}
		},
	},
	{id: "E4", story: "LUMIGO_TAG wins", env: []string{"LUMIGO_TAG=a", "OTEL_RESOURCE_ATTRIBUTES=lumigo.tag=b"}, steps: "get", check: func(t *testing.T, r outcome) { resource(t, r, "lumigo.tag", "a") }},
	{id: "E5", story: "the container's name", env: []string{"LUMIGO_CONTAINER_NAME=web"}, steps: "get", check: func(t *testing.T, r outcome) { resource(t, r, "k8s.container.name", "web") }},
	{id: "E7", story: "an ECS endpoint that fails", env: []string{"ECS_CONTAINER_METADATA_URI_V4=http://127.0.0.1:1/v4"}, steps: "get", check: func(t *testing.T, r outcome) {
		oneClient(t, r)
		resource(t, r, "aws.ecs.task.arn", nil)
	}},

	// F. Payloads
	{id: "F1", story: "a body in UTF-8", steps: "get:/utf8", check: bodyOf("grüße")},
	{id: "F1", story: "a body that is no UTF-8", steps: "get:/bytes", check: bodyOf("0xc3286100")},
	{id: "F1", story: "a body that is too long", steps: "get:/text/3000", check: bodyOf(strings.Repeat("x", 2048))},
	{id: "F1", story: "no body", steps: "get:/status/204", check: func(t *testing.T, r outcome) {
		if got, there := theOnly(t, "GET", r.spans).Attributes["http.response.body"]; there {
			t.Errorf("http.response.body = %q", got)
		}
	}},

	// I. Span dump
	{id: "I1", story: "no spans make an empty file", steps: "say:nothing", check: func(t *testing.T, r outcome) {
		if !r.dumped || len(r.dump) != 0 {
			t.Errorf("dumped %t, %d lines", r.dumped, len(r.dump))
		}
	}},
	{id: "I2", story: "one span makes one line with exactly these keys", steps: "get", check: func(t *testing.T, r outcome) {
		if len(r.dump) != 1 {
			t.Fatalf("%d lines", len(r.dump))
		}
		line, span := r.dump[0], theOnly(t, "GET", r.spans)
		if line.Context.TraceID != "0x"+span.TraceID || line.Context.SpanID != "0x"+span.SpanID || line.Context.TraceState != "[]" ||
			line.Kind != "SpanKind.CLIENT" || line.ParentID != nil || line.Status["status_code"] != "UNSET" ||
			!strings.HasSuffix(line.StartTime, "Z") || len(line.StartTime) != len("2026-01-02T03:04:05.000000Z") {
			t.Errorf("line = %+v", line)
		}
		if line.Resource.Attributes["service.name"] != "e2e" || line.Resource.SchemaURL == nil {
			t.Errorf("resource = %+v", line.Resource)
		}
	}},
	{id: "I3", story: "two spans make two lines", steps: "get sql", check: func(t *testing.T, r outcome) {
		if len(r.dump) != 2 {
			t.Errorf("%d lines", len(r.dump))
		}
	}},
	{id: "I7", story: "/dev/stdout", env: []string{"LUMIGO_DEBUG_SPANDUMP=/dev/stdout"}, steps: "get say:more", check: func(t *testing.T, r outcome) {
		lines := strings.Split(strings.TrimSpace(r.stdout), "\n")
		spans := slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return !strings.HasPrefix(l, `{"name": `) })
		if len(spans) != 1 || !slices.Contains(lines, "more") || !slices.Contains(lines, "done") {
			t.Errorf("stdout = %q", r.stdout)
		}
	}},

	// Beyond the table: propagation, sampling
	{
		id: "4.7", story: "the caller's context is taken over and passed on in B3", env: []string{"OTEL_PROPAGATORS=b3", "HEADERS=b3: 0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-1"}, steps: "request get",
		check: func(t *testing.T, r outcome) {
			server := theOnly(t, "server", ofKind(r.spans, "SERVER"))
			if server.TraceID != "0af7651916cd43dd8448eb211c80319c" || server.ParentID != "00f067aa0ba902b7" {
				t.Errorf("trace %s, parent %s", server.TraceID, server.ParentID)
			}
			if h := r.stub.headers("/")[0]; h.Get("b3") == "" || h.Get("traceparent") != "" {
				t.Errorf("headers %v", h)
			}
		},
	},
	{
		id: "4.1", story: "a caller that does not sample silences the request", env: []string{"HEADERS=traceparent: 00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-00"}, steps: "request",
		check: noSpans,
	},
	{id: "4.1", story: "OTEL_TRACES_SAMPLER=always_off", env: []string{"OTEL_TRACES_SAMPLER=always_off"}, steps: "request get", check: noSpans},
	{
		id: "4.4", story: "OTLP JSON, compressed, with a header of the user's", env: []string{"OTEL_EXPORTER_OTLP_PROTOCOL=http/json", "OTEL_EXPORTER_OTLP_COMPRESSION=gzip", "OTEL_EXPORTER_OTLP_HEADERS=x-team=shop,authorization=mine"}, steps: "get",
		check: func(t *testing.T, r outcome) {
			oneClient(t, r)
			h := r.requests[0].Header
			if h.Get("Content-Type") != "application/json" || h.Get("Content-Encoding") != "gzip" || h.Get("X-Team") != "shop" || h.Get("Authorization") != "LumigoToken "+token {
				t.Errorf("headers %v", h)
			}
		},
	},
}

// TestAcceptance runs each case on its own.
func TestAcceptance(t *testing.T) {
	notShort(t)
	python := defaultPython(t)
	for _, c := range cases {
		t.Run(c.id+" "+c.story, func(t *testing.T) { c.check(t, c.run(t, python)) })
	}
}

func (c acceptance) run(t *testing.T, i pythonenv.Interpreter) outcome {
	backend, other := newBackend(t), newStub(t)
	python := i.Path
	if c.pins != nil {
		python = venv(t, i, c.pins(i)...).Python
	}
	dump := filepath.Join(t.TempDir(), "spans.json")
	// Blanks separate steps; a plus stands for one inside a step.
	var steps []string
	for _, step := range strings.Fields(c.steps) {
		steps = append(steps, strings.ReplaceAll(step, "+", " "))
	}
	env := toBackend(backend, append([]string{"STUB=" + other.URL, "LUMIGO_DEBUG_SPANDUMP=" + dump}, c.env...)...)
	p := run(t, program{
		argv: append([]string{lumigo(t), "run", "--", python, testdata(t, "app.py")}, steps...),
		env:  env,
	})
	if rest := appStderr(p.stderr.String()); rest != "" {
		t.Errorf("stderr has more than our log: %q", rest)
	}
	noDuplicates(t, backend)
	r := outcome{stdout: p.stdout.String(), log: logLines(p.stderr.String()), spans: backend.Spans(), requests: backend.Requests(), stub: other}
	content, err := os.ReadFile(dump)
	r.dumped = err == nil
	for _, line := range strings.Split(strings.TrimSuffix(string(content), "\n"), "\n") {
		if line == "" {
			continue
		}
		var l dumpLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Errorf("the dump has a line that is no JSON: %v: %s", err, line)
		}
		r.dump = append(r.dump, l)
	}
	everything := fmt.Sprint(string(content), p.stderr.String())
	for _, s := range r.spans {
		everything += fmt.Sprint(s.Name, s.Attributes, s.Resource, s.Message, s.Proto.Events)
	}
	r.raw = everything
	return r
}

// --- what several cases expect ----------------------------------------------------------

// noTraces: not one span anywhere, not one request, no header injected.
func noTraces(t *testing.T, r outcome) {
	t.Helper()
	noSpans(t, r)
	for path, seen := range r.stub.seen {
		for _, h := range seen {
			if h.Get("traceparent") != "" {
				t.Errorf("a traceparent was sent to %s", path)
			}
		}
	}
}

func noSpans(t *testing.T, r outcome) {
	t.Helper()
	if len(r.spans) > 0 || len(r.dump) > 0 {
		t.Errorf("%d spans in the dump, exported\n%s", len(r.dump), forest(r.spans))
	}
	if !strings.HasSuffix(r.stdout, "done\n") {
		t.Errorf("stdout = %q", r.stdout)
	}
}

// oneClient: the outgoing request was traced, its header injected.
func oneClient(t *testing.T, r outcome) {
	t.Helper()
	s := theOnly(t, "the outgoing request", r.spans)
	if s.Kind != "CLIENT" || s.Name != "GET" {
		t.Errorf("got %s %s, want CLIENT GET", s.Kind, s.Name)
	}
	var headers []http.Header
	for _, seen := range r.stub.seen {
		headers = append(headers, seen...)
	}
	if want := "00-" + s.TraceID + "-" + s.SpanID + "-01"; len(headers) != 1 || headers[0].Get("traceparent") != want {
		t.Errorf("the other service saw %v, want traceparent %s", headers, want)
	}
}

func oneClientOneWarning(variable, value string) func(*testing.T, outcome) {
	return func(t *testing.T, r outcome) {
		t.Helper()
		oneClient(t, r)
		if got := naming(r.log, variable); len(got) != 1 || !strings.Contains(got[0], value) || len(r.levels("WARNING")) != 1 {
			t.Errorf("log = %q, want one WARNING, with %s and %q", r.log, variable, value)
		}
	}
}

func serverWithSQL(t *testing.T, r outcome) {
	t.Helper()
	server := theOnly(t, "server", ofKind(r.spans, "SERVER"))
	child := theOnly(t, "SQL", named(r.spans, "SELECT"))
	if child.ParentID != server.SpanID {
		t.Errorf("got\n%s", forest(r.spans))
	}
}

func manualSpan(t *testing.T, r outcome) {
	t.Helper()
	s := theOnly(t, "the manual span", named(r.spans, "manual"))
	child := theOnly(t, "its child", named(r.spans, "SELECT"))
	if child.ParentID != s.SpanID || attribute(s, "color") != "green" || s.Scope != "mine" || attribute(s, "lumigo.execution_tags.order") != "17" {
		t.Errorf("scope %q, attributes %v\n%s", s.Scope, s.Attributes, forest(r.spans))
	}
}

func dumpOnly(t *testing.T, r outcome) {
	t.Helper()
	const want = "Lumigo token not provided (env var 'LUMIGO_TRACER_TOKEN' not set); no data will be sent to Lumigo"
	if got := r.levels("WARNING"); !slices.Equal(got, []string{want}) {
		t.Errorf("warnings %q, want %q alone", got, want)
	}
	if len(r.requests) != 0 || len(r.dump) != 1 {
		t.Errorf("%d requests, %d lines in the dump; want 0 and 1", len(r.requests), len(r.dump))
	}
	if h := r.stub.headers("/"); len(h) != 1 || h[0].Get("traceparent") == "" {
		t.Errorf("no traceparent in %v", h)
	}
}

func bodyOf(want string) func(*testing.T, outcome) {
	return func(t *testing.T, r outcome) {
		t.Helper()
		if got := attribute(theOnly(t, "GET", r.spans), "http.response.body"); got != want {
			t.Errorf("http.response.body has %d characters %q, want %d %q", len(got), got, len(want), want)
		}
	}
}

func resource(t *testing.T, r outcome, key string, want any) {
	t.Helper()
	if len(r.spans) == 0 {
		t.Fatal("no spans")
	}
	if got := r.spans[0].Resource[key]; !reflect.DeepEqual(got, want) {
		t.Errorf("resource %s = %v, want %v", key, got, want)
	}
}

// naming are the lines of the log that contain text.
func naming(log []logLine, text string) []string {
	var found []string
	for _, l := range log {
		if strings.Contains(l.text, text) {
			found = append(found, l.text)
		}
	}
	return found
}

// --- cases that need more than one step program -----------------------------------------

// TestEndpointFilters are C21 to C23. The original has up to three INTERNAL spans more for a FastAPI request,
// which we do not make: the counts here are those of the server and client spans.
func TestEndpointFilters(t *testing.T) {
	notShort(t)
	python := defaultPython(t)
	e := venv(t, python, pythonenv.Servers(python)...)
	fastapi := uvicorn("", "fastapi_app:app", "")
	flask := gunicorn("", "flask_app:app", "", "--workers=1")
	for _, row := range []struct {
		id     string
		app    server
		path   string
		filter string // {STUB} is the address of the other service, with its slashes escaped
		want   int    // HTTP spans
	}{
		{"C21", fastapi, "/", `["/"]`, 0},
		{"C22", fastapi, "/", `[".*no-match.*"]`, 1},
		{"C22", fastapi, "/orders/1", `[".*no-match.*"]`, 2},
		{"C22", fastapi, "/orders/1", `[".*stock.*"]`, 1},
		{"C23", flask, "/", `["\/"]`, 0},
		{"C23", flask, "/", `[".*no-match.*"]`, 1},
		{"C23", flask, "/orders/1", `[".*no-match.*"]`, 2},
		{"C23", flask, "/orders/1", `["{STUB}\/stock\/1"]`, 1},
	} {
		t.Run(row.id+" "+row.path+" "+row.filter, func(t *testing.T) {
			other, backend := newStub(t), newBackend(t)
			filter := strings.ReplaceAll(row.filter, "{STUB}", strings.ReplaceAll(other.URL, "/", `\/`))
			p, base := row.app.start(t, e, other, []string{lumigo(t), "run", "--"}, toBackend(backend,
				"LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX="+filter, "LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX_SERVER=", "LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX_CLIENT="))
			if r := call(t, base, "GET", row.path, ""); r.status != 200 {
				t.Fatalf("status %d: %s", r.status, r.body)
			}
			client.CloseIdleConnections()
			p.signal(syscall.SIGTERM)
			p.wait()
			http := filter2(backend.Spans(), "http.request.method")
			if len(http) != row.want {
				t.Errorf("%d HTTP spans, want %d:\n%s", len(http), row.want, forest(backend.Spans()))
			}
			if got := atLevel(logLines(p.stderr.String()), "WARNING"); len(got) > 0 {
				t.Errorf("C23b: warnings %q", got)
			}
		})
	}
}

func filter2(spans []receiver.Span, key string) []receiver.Span {
	return filter(spans, func(s receiver.Span) bool { return s.Attributes[key] != nil })
}

// TestSpansAreSentWhileTheAppRuns is A16: the delay between batches is honoured, nothing waits for the end.
func TestSpansAreSentWhileTheAppRuns(t *testing.T) {
	notShort(t)
	backend, other := newBackend(t), newStub(t)
	p := start(t, program{
		argv: []string{lumigo(t), "run", "--", defaultPython(t).Path, testdata(t, "app.py"), "get", "request", "say:waiting", "get:/wait/1"},
		env:  toBackend(backend, "STUB="+other.URL),
	})
	p.stdout.match(t, "waiting")
	spansUntil(t, backend, "A16: three spans while the app runs", func(spans []receiver.Span) bool { return len(spans) == 3 })
	if !p.running() {
		t.Error("the app has ended")
	}
	close(other.gate)
	if e := p.wait(); e.Code != 0 {
		t.Errorf("ended with %s", e)
	}
}

// TestECSResource is E6, with the shape of answers that Amazon documents.
func TestECSResource(t *testing.T) {
	notShort(t)
	ecs := newStub(t)
	backend := newBackend(t)
	ecs.answer("/v4", `{"ContainerARN": "arn:aws:ecs:us-west-2:111122223333:container/0206b271-b33f-47ab-86c6-a0ba208a70a9", "DockerId": "ea32192c8553fbff06c9340478a2ff089b2bb5646fb718b4ee206641c9086d66"}`)
	ecs.answer("/v4/task", `{"Cluster": "default", "TaskARN": "arn:aws:ecs:us-west-2:111122223333:task/default/158d1c8083dd49d6b527399fd6414f5c", "Family": "curltest", "Revision": "26", "LaunchType": "EC2"}`)
	input, proceed := pipe(t)
	p := start(t, program{
		argv:  []string{lumigo(t), "run", "--", defaultPython(t).Path, testdata(t, "app.py"), "pause", "sql"},
		env:   toBackend(backend, "STUB="+ecs.URL, "ECS_CONTAINER_METADATA_URI_V4="+ecs.URL+"/v4"),
		stdin: input,
	})
	p.stdout.match(t, "paused")
	eventually(t, "the engine to ask ECS", func() bool { return ecs.calls("/v4/task") > 0 && ecs.calls("/v4") > 1 })
	proceed()
	if e := p.wait(); e.Code != 0 {
		t.Errorf("ended with %s", e)
	}
	want := map[string]string{
		"aws.ecs.cluster.arn":   "arn:aws:ecs:us-west-2:111122223333:cluster/default",
		"aws.ecs.container.arn": "arn:aws:ecs:us-west-2:111122223333:container/0206b271-b33f-47ab-86c6-a0ba208a70a9",
		"aws.ecs.launchtype":    "ec2",
		"aws.ecs.task.arn":      "arn:aws:ecs:us-west-2:111122223333:task/default/158d1c8083dd49d6b527399fd6414f5c",
		"aws.ecs.task.family":   "curltest",
		"aws.ecs.task.revision": "26",
	}
	got := theOnly(t, "SQL", backend.Spans()).Resource
	for key, value := range want {
		if fmt.Sprint(got[key]) != value {
			t.Errorf("E6: %s = %v, want %s", key, got[key], value)
		}
	}
}

// TestSpanDumpFiles are I6 and several processes with one dump.
func TestSpanDumpFiles(t *testing.T) {
	notShort(t)
	dump := filepath.Join(t.TempDir(), "spans.json")
	if err := os.WriteFile(dump, []byte("of an earlier run\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	shell := ""
	for range 5 {
		shell += strconv.Quote(defaultPython(t).Path) + " " + testdata(t, "app.py") + " spans:20 & "
	}
	run(t, program{argv: []string{lumigo(t), "run", "--", "sh", "-c", shell + "wait"}, env: []string{"LUMIGO_DEBUG_SPANDUMP=" + dump}})
	content, err := os.ReadFile(dump)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	if len(lines) != 100 {
		t.Errorf("I6: %d lines, want the 100 of this run", len(lines))
	}
	for _, line := range lines {
		if !json.Valid([]byte(line)) {
			t.Fatalf("a line is no JSON: %s", line)
		}
	}
}
