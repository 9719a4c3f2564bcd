package engine

import (
	"crypto/subtle"
	"strings"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
	"github.com/lumigo-io/opentelemetry-distro/internal/marshal"
	"github.com/lumigo-io/opentelemetry-distro/internal/resource"
)

// hello is what a process says of itself.
type hello struct {
	key       string
	forked    bool
	language  string
	process   resource.Process
	variables []string // name=value, those that configure the tracing, whole
}

// parseHello reads the body of a HELLO. Whatever is missing or not of its type
// is as good as empty, so that older and newer clients are understood.
func parseHello(body []byte) (hello, error) {
	var r marshal.Reader
	r.Reset(body)
	v, err := r.Value()
	if err != nil {
		return hello{}, err
	}
	d := dict(v)
	h := hello{key: text(d.get("key")), language: text(d.get("language"))}
	h.forked, _ = d.get("forked").(bool)
	pid, _ := d.get("pid").(int64)
	h.process = resource.Process{
		PID:        int(pid),
		Language:   h.language,
		Executable: text(d.get("executable")),
	}
	for i, part := range list(d.get("runtime")) {
		switch i {
		case 0:
			h.process.RuntimeName = text(part)
		case 1:
			h.process.RuntimeVersion = text(part)
		case 2:
			h.process.RuntimeDescription = text(part)
		}
	}
	for _, pair := range dict(d.get("config")) {
		h.variables = append(h.variables, text(pair.Key)+"="+text(pair.Value))
	}
	for _, item := range list(d.get("environ")) {
		if pair := list(item); len(pair) == 2 {
			h.process.Environ = append(h.process.Environ, text(pair[0])+"="+text(pair[1]))
		}
	}
	return h, nil
}

// authentic compares the key in a time that does not tell where it differs.
func (h *hello) authentic(key string) bool {
	return subtle.ConstantTimeCompare([]byte(h.key), []byte(key)) == 1
}

type pairs []marshal.Pair

func dict(v any) pairs {
	d, _ := v.([]marshal.Pair)
	return d
}

func (d pairs) get(key string) any {
	for _, pair := range d {
		if pair.Key == key {
			return pair.Value
		}
	}
	return nil
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return strings.ToValidUTF8(string(v), "\uFFFD")
	}
	return ""
}

// mostCapture bounds the raw body that a process keeps of a request, in bytes: it has
// to fit a frame with everything else.
const mostCapture = 32 << 10

// capture is how much of a raw body a process keeps: what is masked may become shorter.
func capture(c *config.Config) int {
	if limit := c.Limits.AttributeValueLength; limit >= 0 {
		return min(2*limit, mostCapture)
	}
	return mostCapture
}

// settings makes the answer to a HELLO.
func settings(c *config.Config, log []config.Message) []byte {
	b := header{version: version, kind: frameSettings, count: 1}.append(nil)
	b = marshal.BeginDict(b)
	name := func(s string) { b = marshal.AppendString(b, s) }
	flag := func(key string, v bool) { name(key); b = marshal.AppendBool(b, v) }
	number := func(key string, v int) { name(key); b = marshal.AppendInt(b, int64(v)) }
	texts := func(key string, v []string) {
		name(key)
		b = marshal.AppendList(b, len(v))
		for _, s := range v {
			b = marshal.AppendString(b, s)
		}
	}

	flag("active", !c.SwitchOff && !c.SDKDisabled && (c.TracesEnabled || c.LogsEnabled))
	flag("traces", c.TracesEnabled)
	flag("logs", c.LogsEnabled)
	name("log")
	b = marshal.AppendList(b, len(log))
	for _, m := range log {
		b = marshal.AppendTuple(b, 2)
		name(m.Level.String())
		name(strings.ToValidUTF8(m.Text, "\uFFFD"))
	}
	name("log_level")
	name(c.LogLevel.String())
	texts("propagators", c.Propagators)
	name("sampler")
	b = marshal.AppendTuple(b, 2)
	if c.TracesEnabled {
		name(c.Sampler.Name)
	} else {
		name("always_off")
	}
	b = marshal.AppendFloat(b, c.Sampler.Ratio)
	name("filters")
	b = marshal.BeginDict(b)
	texts("general", c.Filter.General)
	texts("server", c.Filter.Server)
	texts("client", c.Filter.Client)
	b = marshal.EndDict(b)
	texts("disabled", c.DisabledInstrumentations)
	number("capture", capture(c))
	number("value_limit", c.Limits.AttributeValueLength)
	number("attribute_count", c.Limits.AttributeCount)
	number("event_count", c.Limits.EventCount)
	number("link_count", c.Limits.LinkCount)
	flag("semconv_http_dup", c.SemconvHTTPDup)
	flag("semconv_database_dup", c.SemconvDatabaseDup)
	flag("sqs_filter", c.AutoFilterEmptySQS)
	flag("redis_reduced", c.ReducedRedis)
	flag("grpc_payloads", c.GRPCPayloads)
	flag("mongo_reduced", c.ReducedMongo)
	number("ring", ringCapacity)
	name("trace_header")
	if c.LambdaTraceHeader == "" {
		b = marshal.AppendNone(b)
	} else {
		name(strings.ToValidUTF8(c.LambdaTraceHeader, "\uFFFD"))
	}
	return marshal.EndDict(b)
}

// refusal answers a HELLO of a version that this engine does not speak.
func refusal(theirs byte) []byte {
	c, _ := config.Parse([]string{"OTEL_SDK_DISABLED=true"})
	return settings(c, []config.Message{{Level: diag.Warning, Text: versionMismatch(theirs)}})
}
