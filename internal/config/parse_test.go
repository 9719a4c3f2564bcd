package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
)

const goodToken = "t_0123456789abcdef01234"

// must parses an environment that is expected to be without fault, but for
// the token that most rows have no need of.
func must(t *testing.T, environ ...string) *Config {
	t.Helper()
	c, messages := Parse(environ)
	for _, m := range messages {
		if m.Text != textNoToken {
			t.Errorf("Parse(%q) has the message %q, want none", environ, m.Text)
		}
	}
	return c
}

// warnings parses an environment that has a token, and returns the texts.
func warnings(t *testing.T, environ ...string) (*Config, []string) {
	t.Helper()
	c, messages := Parse(append([]string{"LUMIGO_TRACER_TOKEN=" + goodToken}, environ...))
	var texts []string
	for _, m := range messages {
		if m.Level != diag.Warning {
			t.Errorf("message %q has level %v, want WARNING", m.Text, m.Level)
		}
		texts = append(texts, m.Text)
	}
	return c, texts
}

func TestDefaults(t *testing.T) {
	want := &Config{
		TracesEnabled: true,
		LogLevel:      diag.Info,
		Propagators:   []string{"tracecontext", "baggage"},
		Sampler:       Sampler{Name: "parentbased_always_on", Ratio: 1},
		Limits: Limits{AttributeValueLength: 2048, ItemValueLength: -1, AttributeCount: 128, EventCount: 128,
			LinkCount: 128, EventAttributeCount: 128, LinkAttributeCount: 128},
		Batch: Batch{ScheduleDelay: 5 * time.Second, ExportTimeout: 30 * time.Second, MaxExportBatchSize: 512},
		Export: Export{Protocol: "http/protobuf", Timeout: 10 * time.Second,
			Compression: "none", MemoryLimit: 64 << 20},
		AutoFilterEmptySQS: true,
		GRPCPayloads:       true,
		ReducedRedis:       true,
		ReducedMongo:       true,
	}
	if got := must(t); !reflect.DeepEqual(got, want) {
		t.Errorf("Parse(nil) =\n%+v\nwant\n%+v", got, want)
	}
}

// TestValues takes the value of one place from an environment that is right.
// A row that begins with a letter and a number is an acceptance case of the
// specification's part 11.
func TestValues(t *testing.T) {
	type get = func(*Config) any
	var (
		switchOff   get = func(c *Config) any { return c.SwitchOff }
		traces      get = func(c *Config) any { return c.TracesEnabled }
		logLevel    get = func(c *Config) any { return c.LogLevel }
		disabled    get = func(c *Config) any { return c.DisabledInstrumentations }
		emptySQS    get = func(c *Config) any { return c.AutoFilterEmptySQS }
		redis       get = func(c *Config) any { return c.ReducedRedis }
		mongo       get = func(c *Config) any { return c.ReducedMongo }
		valueLength get = func(c *Config) any { return c.Limits.AttributeValueLength }
		itemLength  get = func(c *Config) any { return c.Limits.ItemValueLength }
		filter      get = func(c *Config) any { return c.Filter }
		propagators get = func(c *Config) any { return c.Propagators }
		sampler     get = func(c *Config) any { return c.Sampler }
		batch       get = func(c *Config) any { return c.Batch }
		attributes  get = func(c *Config) any { return c.ResourceAttributes }
		headers     get = func(c *Config) any { return c.Export.Headers }
		token       get = func(c *Config) any { return c.Export.Token }
		dump        get = func(c *Config) any { return c.SpanDump }
		memory      get = func(c *Config) any { return c.Export.MemoryLimit }
		dup         get = func(c *Config) any { return [2]bool{c.SemconvHTTPDup, c.SemconvDatabaseDup} }
		general     get = func(c *Config) any { return c.Masking.General }
		proxy       get = func(c *Config) any { return c.Proxy }
	)
	none := []string(nil)

	for _, test := range []struct {
		name    string
		environ []string
		get     get
		want    any
	}{
		{"A2 LUMIGO_SWITCH_OFF=false", []string{"LUMIGO_SWITCH_OFF=false"}, switchOff, false},
		{"A2 LUMIGO_SWITCH_OFF empty", []string{"LUMIGO_SWITCH_OFF="}, switchOff, false},
		{"tracing on", []string{"LUMIGO_ENABLE_TRACES=TRUE"}, traces, true},
		{"tracing empty is unset", []string{"LUMIGO_ENABLE_TRACES="}, traces, true},
		{"tracing off", []string{"LUMIGO_ENABLE_TRACES=false"}, traces, false},
		{"tracing off, as for the original, by any word but true", []string{"LUMIGO_ENABLE_TRACES=0"}, traces, false},

		{"A5 token with a trailing newline is trimmed", []string{"LUMIGO_TRACER_TOKEN= " + goodToken + "\r\n"}, token, goodToken},
		{"A6 empty token", []string{"LUMIGO_TRACER_TOKEN="}, token, ""},
		{"A6 blank token", []string{"LUMIGO_TRACER_TOKEN= \n"}, token, ""},

		{"A7 LUMIGO_DEBUG=TRUE", []string{"LUMIGO_DEBUG=TRUE"}, logLevel, diag.Debug},
		{"A7 LUMIGO_DEBUG=true", []string{"LUMIGO_DEBUG=true"}, logLevel, diag.Debug},
		{"A8 LUMIGO_DEBUG unset", nil, logLevel, diag.Info},
		{"LUMIGO_DEBUG wins over OTEL_LOG_LEVEL", []string{"LUMIGO_DEBUG=true", "OTEL_LOG_LEVEL=error"}, logLevel, diag.Debug},
		{"LUMIGO_DEBUG=false leaves OTEL_LOG_LEVEL", []string{"LUMIGO_DEBUG=false", "OTEL_LOG_LEVEL=Warn"}, logLevel, diag.Warning},
		{"silent log", []string{"OTEL_LOG_LEVEL=none"}, logLevel, diag.Off},

		{"resource attributes are trimmed, decoded, split at the first =",
			[]string{"OTEL_RESOURCE_ATTRIBUTES= a = b%20c ,d=e=f,,g=,h=100%"}, attributes,
			[]KeyValue{{"a", "b c"}, {"d", "e=f"}, {"g", ""}, {"h", "100%"}}},

		{"A20 unset", nil, disabled, none},
		{"A20 empty", []string{"LUMIGO_DISABLE_INSTRUMENTATION="}, disabled, none},
		{"A20 boto", []string{"LUMIGO_DISABLE_INSTRUMENTATION=boto"}, disabled, []string{"boto"}},
		{"A20 three", []string{"LUMIGO_DISABLE_INSTRUMENTATION=boto,requests,redis"}, disabled, []string{"boto", "redis", "requests"}},
		{"A20 blanks", []string{"LUMIGO_DISABLE_INSTRUMENTATION= boto , requests "}, disabled, []string{"boto", "requests"}},
		{"A20 empty items", []string{"LUMIGO_DISABLE_INSTRUMENTATION=boto,,requests,"}, disabled, []string{"boto", "requests"}},
		{"A20 any case, unlike the original", []string{"LUMIGO_DISABLE_INSTRUMENTATION=Boto"}, disabled, []string{"boto"}},
		{"fastapi and fast-api", []string{"LUMIGO_DISABLE_INSTRUMENTATION=fastapi,fast-api,Fast_API"}, disabled, []string{"fast-api"}},
		{"kafka-python and kafka_python", []string{"LUMIGO_DISABLE_INSTRUMENTATION=kafka-python,kafka_python"}, disabled, []string{"kafka_python"}},
		{"grpcio and grpc", []string{"LUMIGO_DISABLE_INSTRUMENTATION=grpcio,grpc"}, disabled, []string{"grpc"}},
		{"http.client and http_client", []string{"LUMIGO_DISABLE_INSTRUMENTATION=http_client,http.client"}, disabled, []string{"http.client"}},

		{"A21 unset", nil, emptySQS, true},
		{"A21 true", []string{"LUMIGO_AUTO_FILTER_EMPTY_SQS=true"}, emptySQS, true},
		{"A21 TRUE", []string{"LUMIGO_AUTO_FILTER_EMPTY_SQS=TRUE"}, emptySQS, true},
		{"A21 false", []string{"LUMIGO_AUTO_FILTER_EMPTY_SQS=false"}, emptySQS, false},
		{"gRPC payloads", []string{"LUMIGO_INSTRUMENT_GRPC_PAYLOADS=False"}, func(c *Config) any { return c.GRPCPayloads }, false},
		{"C24", []string{"LUMIGO_REDUCED_REDIS_INSTRUMENTATION=false"}, redis, false},
		{"C24", []string{"LUMIGO_REDUCED_MONGO_INSTRUMENTATION=false"}, mongo, false},

		{"A22 SPAN", []string{"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=1"}, valueLength, 1},
		{"A22 GLOBAL", []string{"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=50"}, valueLength, 50},
		{"A22 SPAN wins", []string{"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=1", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=50"}, valueLength, 1},
		{"A22 none", nil, valueLength, 2048},
		{"events and links follow GLOBAL", []string{"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=50"}, itemLength, 50},
		{"and not SPAN", []string{"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=1"}, itemLength, -1},
		{"SPAN empty is unset", []string{"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=50"}, valueLength, 50},
		{"values of any length", []string{"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=-1"}, valueLength, -1},
		{"values of no length", []string{"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=0"}, valueLength, 0},

		{"C12 unset", nil, filter, EndpointFilter{}},
		{"C12 empty array", []string{"LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX=[]"}, filter, EndpointFilter{General: []string{}}},
		{"C13 strings", []string{`LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX=["a","b","c"]`}, filter, EndpointFilter{General: []string{"a", "b", "c"}}},
		{"C13 server", []string{`LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX_SERVER=["a"]`}, filter, EndpointFilter{Server: []string{"a"}}},
		{"C13 client", []string{`LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX_CLIENT=["a"]`}, filter, EndpointFilter{Client: []string{"a"}}},
		{"C14 escaped backslashes", []string{`LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX=["https:\\/\\/example\\.com\\/\\d+"]`}, filter,
			EndpointFilter{General: []string{`https:\/\/example\.com\/\d+`}}},
		{"C23 JSON escape of the slash", []string{`LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX=["\/"]`}, filter, EndpointFilter{General: []string{"/"}}},
		{"C23b the other two empty", []string{`LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX=["/"]`, "LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX_SERVER=", "LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX_CLIENT="},
			filter, EndpointFilter{General: []string{"/"}}},

		{"propagators", []string{"OTEL_PROPAGATORS=B3, b3multi,b3,baggage"}, propagators, []string{"b3", "b3multi", "baggage"}},
		{"no propagators", []string{"OTEL_PROPAGATORS=none"}, propagators, []string{}},
		{"sampler", []string{"OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=0.25"}, sampler, Sampler{"traceidratio", 0.25}},

		{"A16 schedule delay", []string{"OTEL_BSP_SCHEDULE_DELAY=100"}, batch, Batch{100 * time.Millisecond, 30 * time.Second, 0, 512}},
		{"A17 batches of one", []string{"OTEL_BSP_MAX_EXPORT_BATCH_SIZE=1"}, batch, Batch{5 * time.Second, 30 * time.Second, 0, 1}},
		{"a queue shorter than the default batch", []string{"OTEL_BSP_MAX_QUEUE_SIZE=100"}, batch, Batch{5 * time.Second, 30 * time.Second, 100, 100}},
		{"a batch longer than the original's default queue", []string{"OTEL_BSP_MAX_EXPORT_BATCH_SIZE=4096"}, batch, Batch{5 * time.Second, 30 * time.Second, 0, 4096}},

		{"headers", []string{"OTEL_EXPORTER_OTLP_HEADERS=x-tenant=a%2Cb,Authorization=Basic%20abc"}, headers,
			[]KeyValue{{"x-tenant", "a,b"}, {"Authorization", "Basic abc"}}},
		{"headers for traces replace the general ones", []string{"OTEL_EXPORTER_OTLP_HEADERS=a=b,c=d", "OTEL_EXPORTER_OTLP_TRACES_HEADERS=e=f"}, headers, []KeyValue{{"e", "f"}}},

		{"span dump", []string{"LUMIGO_DEBUG_SPANDUMP=/tmp/spans.json"}, dump, "/tmp/spans.json"},
		{"I4 console:log", []string{"LUMIGO_DEBUG_SPANDUMP=console:log"}, dump, "/dev/stdout"},
		{"I4 console:error", []string{"LUMIGO_DEBUG_SPANDUMP=console:error"}, dump, "/dev/stderr"},

		{"memory in bytes", []string{"LUMIGO_EXPORT_MEMORY_LIMIT=1048576"}, memory, int64(1 << 20)},
		{"memory in MiB", []string{"LUMIGO_EXPORT_MEMORY_LIMIT=16 MiB"}, memory, int64(16 << 20)},

		{"old names of HTTP attributes", []string{"OTEL_SEMCONV_STABILITY_OPT_IN=http/dup,messaging"}, dup, [2]bool{true, false}},
		{"old names of both", []string{"OTEL_SEMCONV_STABILITY_OPT_IN=database/dup, http/dup"}, dup, [2]bool{true, true}},
		{"stable names are what we emit anyway", []string{"OTEL_SEMCONV_STABILITY_OPT_IN=http,database"}, dup, [2]bool{false, false}},

		{"masking is handed on unread", []string{"LUMIGO_SECRET_MASKING_REGEX=[(", "LUMIGO_BLACKLIST_REGEX=[]"}, general,
			Patterns{Name: "LUMIGO_SECRET_MASKING_REGEX", Text: "[(", IsSet: true}},
		{"masking by its old name", []string{"LUMIGO_SECRET_MASKING_REGEX=", "LUMIGO_BLACKLIST_REGEX=[]"}, general,
			Patterns{Name: "LUMIGO_BLACKLIST_REGEX", Text: "[]", IsSet: true}},

		{"proxies", []string{"HTTP_PROXY=http://up", "http_proxy=http://low", "https_proxy=http://low", "no_proxy=*"}, proxy,
			Proxy{HTTP: "http://up", HTTPS: "http://low", No: "*"}},
		{"the first of two entries counts", []string{"LUMIGO_DEBUG_SPANDUMP=first", "LUMIGO_DEBUG_SPANDUMP=second"}, dump, "first"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.get(must(t, test.environ...)); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %#v, want %#v", got, test.want)
			}
		})
	}
}

// TestWarnings has for every kind of mistake the one line that it costs.
func TestWarnings(t *testing.T) {
	for _, test := range []struct {
		name    string
		environ []string
		want    string
	}{
		{"A2 LUMIGO_SWITCH_OFF=1", []string{"LUMIGO_SWITCH_OFF=1"}, `LUMIGO_SWITCH_OFF is "1", which is neither true nor false; using false`},
		{"A2 LUMIGO_SWITCH_OFF=yes", []string{"LUMIGO_SWITCH_OFF=yes"}, `LUMIGO_SWITCH_OFF is "yes", which is neither true nor false; using false`},
		{"A21 bad", []string{"LUMIGO_AUTO_FILTER_EMPTY_SQS=bad"}, `LUMIGO_AUTO_FILTER_EMPTY_SQS is "bad", which is neither true nor false; using true`},
		{"A15 resource attribute without =", []string{"OTEL_RESOURCE_ATTRIBUTES=bad,a=b"}, `OTEL_RESOURCE_ATTRIBUTES has 2 items, 1 of them not of the form key=value; leaving that out`},
		{"no resource attribute with =", []string{"OTEL_RESOURCE_ATTRIBUTES=bad"}, `OTEL_RESOURCE_ATTRIBUTES has no item of the form key=value; not using it`},
		{"A18 not a number", []string{"OTEL_BSP_SCHEDULE_DELAY=abc"}, `OTEL_BSP_SCHEDULE_DELAY is "abc", which is not a whole number of milliseconds from 1 to 2147483647; using 5000`},
		{"A18 negative", []string{"OTEL_BSP_MAX_QUEUE_SIZE=-1"}, `OTEL_BSP_MAX_QUEUE_SIZE is "-1", which is not a whole number from 1 to 2147483647; not using it`},
		{"A18 huge", []string{"OTEL_BSP_EXPORT_TIMEOUT=99999999999999999999"}, `OTEL_BSP_EXPORT_TIMEOUT is "99999999999999999999", which is not a whole number of milliseconds from 1 to 2147483647; using 30000`},
		{"A18 batch above queue", []string{"OTEL_BSP_MAX_EXPORT_BATCH_SIZE=900", "OTEL_BSP_MAX_QUEUE_SIZE=100"}, `OTEL_BSP_MAX_EXPORT_BATCH_SIZE is 900, more than OTEL_BSP_MAX_QUEUE_SIZE, which is 100; using 100`},
		{"A20 unknown names, warned of once", []string{"LUMIGO_DISABLE_INSTRUMENTATION=flask,Foo,bar"}, `LUMIGO_DISABLE_INSTRUMENTATION is "flask,Foo,bar", of which "Foo", "bar" is not the name of an instrumentation; using flask`},
		{"A23 NaN", []string{"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=NaN"}, `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT is "NaN", which is not a whole number from -1 to 2147483647; using 2048`},
		{"A23 NaN for all", []string{"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=NaN"}, `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT is "NaN", which is not a whole number from -1 to 2147483647; using 2048`},
		{"A23 NaN falls back to the general limit", []string{"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=NaN", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=50"}, `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT is "NaN", which is not a whole number from -1 to 2147483647; using 50`},
		{"C12 numbers", []string{"LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX=[1,2,3]"}, `The value of env var 'LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX' is not valid JSON format for an array of strings: [1,2,3]`},
		{"C12 mixed", []string{`LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX_CLIENT=["a",1,"c"]`}, `The value of env var 'LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX_CLIENT' is not valid JSON format for an array of strings: ["a",1,"c"]`},
		{"null is not an array", []string{"LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX=null"}, `The value of env var 'LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX' is not valid JSON format for an array of strings: null`},
		{"E3 tag with a semicolon", []string{"LUMIGO_TAG=t;x"}, `LUMIGO_TAG contains a semicolon, which is not allowed.`},
		{"log level", []string{"OTEL_LOG_LEVEL=loud"}, `OTEL_LOG_LEVEL is "loud", which is not one of debug, info, warn, error, none; using INFO`},
		{"propagator", []string{"OTEL_PROPAGATORS=b3,jaeger"}, `OTEL_PROPAGATORS is "b3,jaeger", of which "jaeger" is not one of tracecontext, baggage, b3, b3multi, none; using b3`},
		{"no propagator that is known", []string{"OTEL_PROPAGATORS=jaeger"}, `OTEL_PROPAGATORS is "jaeger", which has none of tracecontext, baggage, b3, b3multi, none; using tracecontext,baggage`},
		{"sampler", []string{"OTEL_TRACES_SAMPLER=xray"}, `OTEL_TRACES_SAMPLER is "xray", which is not one of always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, parentbased_traceidratio; using parentbased_always_on`},
		{"sampler ratio", []string{"OTEL_TRACES_SAMPLER_ARG=NaN"}, `OTEL_TRACES_SAMPLER_ARG is "NaN", which is not a number from 0 to 1; using 1`},
		{"memory limit", []string{"LUMIGO_EXPORT_MEMORY_LIMIT=4KiB"}, `LUMIGO_EXPORT_MEMORY_LIMIT is "4KiB", which is not a number of bytes, KiB, MiB or GiB that makes at least 1 MiB; using 67108864`},
		{"memory limit beyond counting", []string{"LUMIGO_EXPORT_MEMORY_LIMIT=17179869185GiB"}, `LUMIGO_EXPORT_MEMORY_LIMIT is "17179869185GiB", which is not a number of bytes, KiB, MiB or GiB that makes at least 1 MiB; using 67108864`},
		{"exporter", []string{"OTEL_TRACES_EXPORTER=zipkin"}, `OTEL_TRACES_EXPORTER is "zipkin", which has none of otlp, console, none; using otlp`},
		{"grpc", []string{"OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, `OTEL_EXPORTER_OTLP_PROTOCOL is "grpc", which is not supported, nor is the port 4317 that goes with it (HTTP has 4318); using http/protobuf`},
		{"deflate", []string{"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION=deflate"}, `OTEL_EXPORTER_OTLP_TRACES_COMPRESSION is "deflate", which is not one of none, gzip; using none`},
		{"a timeout that was meant in seconds", []string{"OTEL_EXPORTER_OTLP_TIMEOUT=10"}, `OTEL_EXPORTER_OTLP_TIMEOUT is "10", which counts milliseconds; if you mean seconds, add three zeros`},
		{"endpoint without scheme", []string{"LUMIGO_ENDPOINT=collector:4318"}, `LUMIGO_ENDPOINT is "collector:4318", which is not a URL of the form https://host/path; not using it`},
		{"endpoint with a password", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=ftp://me:hunter2@host/?key=hunter2"}, `OTEL_EXPORTER_OTLP_ENDPOINT is "ftp://****@host/?****", which is not a URL of the form https://host/path; not using it`},
		{"endpoint with a password that has an @", []string{"LUMIGO_ENDPOINT=ftp://me:hunter@2@host"}, `LUMIGO_ENDPOINT is "ftp://****@host", which is not a URL of the form https://host/path; not using it`},
		{"endpoint without host", []string{"LUMIGO_ENDPOINT=http://:4318/v1/traces"}, `LUMIGO_ENDPOINT is "http://:4318/v1/traces", which is not a URL of the form https://host/path; not using it`},
		{"header that HTTP cannot carry", []string{"OTEL_EXPORTER_OTLP_HEADERS=a=b,my header=hunter2,c=hunter2%0a"}, `OTEL_EXPORTER_OTLP_HEADERS has 3 items, 2 of them not of the form key=value; leaving that out`},
		{"the token's header", []string{"OTEL_EXPORTER_OTLP_HEADERS=authorization=hunter2,a=b"}, `The Authorization in OTEL_EXPORTER_OTLP_HEADERS cannot replace that of LUMIGO_TRACER_TOKEN; leaving it out`},
		{"a value without end", []string{"OTEL_PROPAGATORS=" + strings.Repeat("ä", 999)}, `OTEL_PROPAGATORS is "` + strings.Repeat("ä", 200) + `…", which has none of tracecontext, baggage, b3, b3multi, none; using tracecontext,baggage`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, got := warnings(t, test.environ...); !slices.Equal(got, []string{test.want}) {
				t.Errorf("got  %q\nwant [%q]", got, test.want)
			}
		})
	}
}

// TestWhatIsLeft is about variables that are used in part.
func TestWhatIsLeft(t *testing.T) {
	c, _ := Parse([]string{
		"LUMIGO_TRACER_TOKEN=" + goodToken,
		"OTEL_RESOURCE_ATTRIBUTES=bad,a=b",
		"OTEL_EXPORTER_OTLP_HEADERS=bad,authorization=mine,x=y",
		"OTEL_EXPORTER_OTLP_TRACES_HEADERS=bad",
		"LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX=[1,2,3]",
		"LUMIGO_TAG=t;x",
	})
	pair := func(key, value string) []KeyValue { return []KeyValue{{key, value}} }
	if got := c.ResourceAttributes; !slices.Equal(got, pair("a", "b")) {
		t.Errorf("A15: resource attributes %q, want a=b", got)
	}
	if got := c.Export.Headers; !slices.Equal(got, pair("x", "y")) {
		t.Errorf("headers %q, want x=y", got)
	}
	if got := c.Filter.General; len(got) != 0 {
		t.Errorf("C12: filter %q, want none", got)
	}
	if got := c.Tag; got != "" {
		t.Errorf("E3: tag %q, want none", got)
	}
}

func TestWhereSpansGo(t *testing.T) {
	const (
		token  = "LUMIGO_TRACER_TOKEN=" + goodToken
		lumigo = "LUMIGO_ENDPOINT=https://proxy.example/in?x=y"
		otlp   = "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318/base/"
		traces = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://tempo:4318/traces"
	)
	for _, test := range []struct {
		name    string
		environ []string
		want    string
	}{
		{"token: to Lumigo", []string{token}, "https://ga-otlp.lumigo-tracer-edge.golumigo.com/v1/traces"},
		{"A4 token and LUMIGO_ENDPOINT: there, as it is", []string{token, lumigo, otlp, traces}, "https://proxy.example/in?x=y"},
		{"empty LUMIGO_ENDPOINT is unset", []string{token, "LUMIGO_ENDPOINT=", traces}, "http://tempo:4318/traces"},
		{"token and OTLP endpoint for traces: there, as it is", []string{token, otlp, traces}, "http://tempo:4318/traces"},
		{"token and OTLP endpoint: there, path added", []string{token, otlp}, "http://collector:4318/base/v1/traces"},
		{"A3 no token: nowhere", nil, ""},
		{"A3 no token, LUMIGO_ENDPOINT: nowhere", []string{lumigo}, ""},
		{"no token, OTLP endpoint: there", []string{lumigo, otlp}, "http://collector:4318/base/v1/traces"},
		{"no token, OTLP endpoint for traces: there", []string{otlp, traces}, "http://tempo:4318/traces"},
		{"OTEL_TRACES_EXPORTER=none: nowhere", []string{token, "OTEL_TRACES_EXPORTER=none"}, ""},
		{"OTEL_TRACES_EXPORTER=console: nowhere", []string{token, "OTEL_TRACES_EXPORTER=console"}, ""},
		{"OTEL_TRACES_EXPORTER=console,otlp: to Lumigo too", []string{token, "OTEL_TRACES_EXPORTER=console,otlp"}, lumigoEndpoint},
		{"tracing disabled: nowhere", []string{token, otlp, "LUMIGO_ENABLE_TRACES=false"}, ""},
		{"LUMIGO_ENDPOINT invalid: as if unset", []string{token, "LUMIGO_ENDPOINT=proxy", otlp}, "http://collector:4318/base/v1/traces"},
		{"base without a path", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318"}, "http://collector:4318/v1/traces"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if c, _ := Parse(test.environ); c.Export.Endpoint != test.want {
				t.Errorf("endpoint %q, want %q", c.Export.Endpoint, test.want)
			}
		})
	}
	const logs, lumigoLogs = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=http://loki:3100/logs", "LUMIGO_LOGS_ENDPOINT=http://proxy/v1/logs"
	for _, test := range []struct {
		name    string
		environ []string
		want    string
	}{
		{"logs: not enabled", []string{token, lumigoLogs}, ""},
		{"logs: token", []string{token}, lumigoLogsEndpoint},
		{"logs: LUMIGO_LOGS_ENDPOINT", []string{token, lumigoLogs, otlp, logs}, "http://proxy/v1/logs"},
		{"logs: no token", []string{lumigoLogs}, ""},
		{"logs: OTLP endpoint", []string{token, otlp}, "http://collector:4318/base/v1/logs"},
		{"logs: OTLP endpoint for logs", []string{otlp, logs}, "http://loki:3100/logs"},
		{"logs: without traces", []string{token, "LUMIGO_ENABLE_TRACES=false"}, lumigoLogsEndpoint},
	} {
		enable := "LUMIGO_ENABLE_LOGS=true"
		if test.want == "" && len(test.environ) > 1 {
			enable = "LUMIGO_ENABLE_LOGS=yes"
		}
		if c, _ := Parse(append(test.environ, enable)); c.LogsEndpoint != test.want {
			t.Errorf("%s: endpoint %q, want %q", test.name, c.LogsEndpoint, test.want)
		}
	}
	c, _ := Parse([]string{token, "OTEL_TRACES_EXPORTER=console"})
	if !c.Export.Console || c.Export.Token != goodToken {
		t.Errorf("OTEL_TRACES_EXPORTER=console: Export = %+v, want Console and the token, which is still to be masked", c.Export)
	}
}

// TestOneLine has the states of which the user is told in the original's words.
func TestOneLine(t *testing.T) {
	const token = "LUMIGO_TRACER_TOKEN=" + goodToken
	noToken := []Message{{diag.Warning, "Lumigo token not provided (env var 'LUMIGO_TRACER_TOKEN' not set); no data will be sent to Lumigo"}}
	for _, test := range []struct {
		name    string
		environ []string
		want    []Message
	}{
		{"A1 switched off", []string{token, "LUMIGO_SWITCH_OFF=TRUE", "LUMIGO_TAG=a;b"},
			[]Message{{diag.Info, "Lumigo OpenTelemetry distribution disabled via the 'LUMIGO_SWITCH_OFF' environment variable"}}},
		{"A1 switched off by OpenTelemetry's name", []string{"OTEL_SDK_DISABLED=True"},
			[]Message{{diag.Info, "Lumigo OpenTelemetry distribution disabled via the 'OTEL_SDK_DISABLED' environment variable"}}},
		{"A3 no token", nil, noToken},
		{"A3 no token, another backend", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318"}, noToken},
		{"A6 empty token", []string{"LUMIGO_TRACER_TOKEN="}, noToken},
		{"tracing disabled", []string{token, "LUMIGO_ENABLE_TRACES=false"},
			[]Message{{diag.Info, `Tracing is disabled (the "LUMIGO_ENABLE_TRACES" environment variable is not set to "true"): no traces will be sent to Lumigo.`}}},
		{"a strange token, which is not shown", []string{"LUMIGO_TRACER_TOKEN=hunter2"},
			[]Message{{diag.Warning, `LUMIGO_TRACER_TOKEN does not look like a token of Lumigo's, "t_" and 21 hexadecimal digits; using it as it is`}}},
		{"nothing to say", []string{token}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, got := Parse(test.environ); !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

// TestTable checks the rows by themselves.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range table {
		for _, name := range []string{v.Name, v.alias} {
			if name != "" && seen[name] {
				t.Errorf("%s is in the table twice", name)
			}
			seen[name] = true
		}
		if v.Group == "" || v.Description == "" {
			t.Errorf("%s is not documented", v.Name)
		}
		if v.Default != "" {
			if err := v.set(new(draft), v.Name, v.Default); err != nil {
				t.Errorf("the default of %s cannot be read: %v", v.Name, err)
			}
		}
	}
	spellings := map[string]string{}
	for id, aliases := range instrumentationAliases {
		for _, name := range append([]string{id}, aliases...) {
			if other := spellings[simplified(name)]; other != "" {
				t.Errorf("%s names both %s and %s", name, other, id)
			}
			spellings[simplified(name)] = id
		}
	}
}

// FuzzParse sets one variable to anything. What comes out must be usable, and
// the messages about it must not show the secret in it.
func FuzzParse(f *testing.F) {
	const secret = "hunter2"
	for i, v := range table {
		f.Add(uint(i), v.Default)
	}
	for _, text := range []string{"-1", "1e9", "[]", "[\"", "a=b,c", "http://[", "%", "none", "a=%zz", "\xff", "=;=", "KiB", "1"} {
		for i := range table {
			f.Add(uint(i), text)
		}
	}
	f.Fuzz(func(t *testing.T, row uint, text string) {
		v := table[row%uint(len(table))]
		c, messages := Parse([]string{v.Name + "=" + text})
		if len(messages) > 2 { // one about the value, one about the token
			t.Errorf("%s=%q costs %d messages: %q", v.Name, text, len(messages), messages)
		}
		if problem := c.problem(); problem != "" {
			t.Errorf("%s=%q makes %s", v.Name, text, problem)
		}
		for _, entry := range []string{
			"LUMIGO_TRACER_TOKEN=" + text + secret,
			"OTEL_EXPORTER_OTLP_HEADERS=" + text + secret,
			"OTEL_EXPORTER_OTLP_TRACES_HEADERS=a=" + secret + text + ",b=" + secret,
			"OTEL_RESOURCE_ATTRIBUTES=a=" + secret + text + secret,
			"LUMIGO_ENDPOINT=https://me:" + secret + text + "@",
			"OTEL_EXPORTER_OTLP_ENDPOINT=" + text + secret + "@host",
			"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=ftp://host?" + secret + text,
		} {
			_, messages := Parse([]string{entry})
			for _, m := range messages {
				if strings.Contains(m.Text, secret) {
					t.Errorf("%q costs %q, which shows the secret", entry, m.Text)
				}
			}
		}
	})
}

// problem words what is not as the fields of Config promise.
func (c *Config) problem() string {
	for _, promise := range []struct {
		kept bool
		what string
	}{
		{slices.Contains([]string{"http/protobuf", "http/json"}, c.Export.Protocol), "a protocol"},
		{slices.Contains([]string{"none", "gzip"}, c.Export.Compression), "a compression"},
		{c.Export.Timeout > 0 && c.Batch.ScheduleDelay > 0 && c.Batch.ExportTimeout > 0, "positive times"},
		{c.Export.MemoryLimit >= 1<<20, "a memory limit"},
		{c.Batch.MaxQueueSize >= 0 && c.Batch.MaxExportBatchSize > 0, "positive sizes"},
		{c.Batch.MaxQueueSize == 0 || c.Batch.MaxExportBatchSize <= c.Batch.MaxQueueSize, "a batch within the queue"},
		{c.Limits.AttributeValueLength >= -1, "a limit of length"},
		{min(c.Limits.AttributeCount, c.Limits.EventCount, c.Limits.LinkCount, c.Limits.EventAttributeCount, c.Limits.LinkAttributeCount) >= 0, "limits of count"},
		{c.Sampler.Ratio >= 0 && c.Sampler.Ratio <= 1 && c.Sampler.Name != "", "a sampler"},
		{!slices.ContainsFunc(c.Propagators, func(p string) bool { return p == "" || p == "none" }), "propagators"},
		{c.Export.Token == strings.TrimSpace(c.Export.Token), "a trimmed token"},
		{c.LogLevel >= diag.Debug && c.LogLevel <= diag.Off, "a log level"},
	} {
		if !promise.kept {
			return fmt.Sprintf("no %s: %+v", promise.what, c)
		}
	}
	return ""
}

func BenchmarkParse(b *testing.B) {
	environ := []string{"PATH=/bin", "HOME=/root", "LUMIGO_TRACER_TOKEN=" + goodToken, "OTEL_SERVICE_NAME=shop", "LUMIGO_DEBUG=true"}
	b.ReportAllocs()
	for b.Loop() {
		Parse(environ)
	}
}
