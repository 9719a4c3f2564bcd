package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
)

// lumigoEndpoint is where Lumigo takes traces in.
const lumigoEndpoint = "https://ga-otlp.lumigo-tracer-edge.golumigo.com/v1/traces"

// lumigoLogsEndpoint is where it takes logs in.
const lumigoLogsEndpoint = "https://ga-otlp.lumigo-tracer-edge.golumigo.com/v1/logs"

// Texts that operators and the original's tests search for.
const (
	textSwitchOff = "Lumigo OpenTelemetry distribution disabled via the '%s' environment variable"
	textNoToken   = "Lumigo token not provided (env var 'LUMIGO_TRACER_TOKEN' not set); no data will be sent to Lumigo"
	textNoTraces  = `Tracing is disabled (the "LUMIGO_ENABLE_TRACES" environment variable is not set to "true"): no traces will be sent to Lumigo.`
)

// Parse reads environ, whose entries have the form name=value. Of several
// entries for a name the first counts, as it does for Go and for CPython. The
// messages are in the order in which they should be printed; of a distribution
// that is switched off there is just the one that says so.
func Parse(environ []string) (*Config, []Message) {
	environment := make(map[string]string, len(environ))
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if _, known := environment[name]; !known {
			environment[name] = value
		}
	}

	d := new(draft)
	var messages []Message
	for _, v := range table {
		if v.Default != "" {
			v.set(d, v.Name, v.Default) // cannot fail: a test reads every default
		}
	}
	for _, v := range table {
		name, text := v.Name, environment[v.Name]
		if text == "" && v.alias != "" {
			name, text = v.alias, environment[v.alias]
		}
		if text == "" {
			continue
		}
		if err := v.set(d, name, text); err != nil {
			messages = append(messages, Message{diag.Warning, v.complaint(d, name, text, err)})
		}
	}
	messages = append(messages, d.settle()...)

	switch {
	case d.SwitchOff:
		messages = []Message{{diag.Info, fmt.Sprintf(textSwitchOff, "LUMIGO_SWITCH_OFF")}}
	case d.SDKDisabled:
		messages = []Message{{diag.Info, fmt.Sprintf(textSwitchOff, "OTEL_SDK_DISABLED")}}
	}
	return &d.Config, messages
}

// draft is a Config with the values from which the rest of it is decided.
type draft struct {
	Config
	debug                            bool
	exporters                        []string
	lumigoEndpoint, tracesEndpoint   string
	lumigoLogsEndpoint, logsEndpoint string
	otlpEndpoint                     string
	semconv                          []string
}

// settle decides what depends on more than one variable.
func (d *draft) settle() []Message {
	var messages []Message
	tell := func(level diag.Level, format string, args ...any) {
		messages = append(messages, Message{level, fmt.Sprintf(format, args...)})
	}

	if d.debug {
		d.LogLevel = diag.Debug
	}
	d.SemconvHTTPDup = slices.Contains(d.semconv, "http/dup")
	d.SemconvDatabaseDup = slices.Contains(d.semconv, "database/dup")

	if queue, batch := d.Batch.MaxQueueSize, &d.Batch.MaxExportBatchSize; queue > 0 && *batch > queue {
		used := min(defaultBatchSize, queue)
		if *batch != defaultBatchSize {
			tell(diag.Warning, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE is %d, more than OTEL_BSP_MAX_QUEUE_SIZE, which is %d; using %d", *batch, queue, used)
		}
		*batch = used
	}

	e := &d.Export
	e.Console = slices.Contains(d.exporters, "console")
	if d.TracesEnabled && slices.Contains(d.exporters, "otlp") {
		e.Endpoint = d.endpoint(d.lumigoEndpoint, d.tracesEndpoint, "traces", lumigoEndpoint)
	}
	if d.LogsEnabled {
		d.LogsEndpoint = d.endpoint(d.lumigoLogsEndpoint, d.logsEndpoint, "logs", lumigoLogsEndpoint)
	}
	if e.Token != "" {
		users := len(e.Headers)
		e.Headers = slices.DeleteFunc(e.Headers, func(h KeyValue) bool { return strings.EqualFold(h.Key, "Authorization") })
		if len(e.Headers) < users {
			tell(diag.Warning, "The Authorization in OTEL_EXPORTER_OTLP_HEADERS cannot replace that of LUMIGO_TRACER_TOKEN; leaving it out")
		}
	}
	switch {
	case e.Token == "":
		tell(diag.Warning, textNoToken)
	case !d.TracesEnabled:
		tell(diag.Info, textNoTraces)
	}
	return messages
}

// endpoint decides where spans or logs go, of the addresses that the variables
// of Lumigo and of OpenTelemetry have for them. Without a token nothing goes to
// Lumigo, but an OTLP endpoint that the user has set is served all the same, so
// that any backend can be used.
func (d *draft) endpoint(lumigo, own, signal, standard string) string {
	switch {
	case d.Export.Token != "" && lumigo != "":
		return lumigo
	case own != "":
		return own
	case d.otlpEndpoint != "":
		base, err := url.Parse(d.otlpEndpoint)
		if err != nil {
			return "" // cannot be: it was parsed when it was read
		}
		return base.JoinPath("v1", signal).String()
	case d.Export.Token != "":
		return standard
	}
	return ""
}

// A phrase is an error that words the whole message itself, from the
// variable's name, %[1]s, and its value, %[2]s.
type phrase string

func (p phrase) Error() string { return string(p) }

// complaint words the message about a value that was not, or not wholly, used.
func (v *variable) complaint(d *draft, name, text string, err error) string {
	remedy := "not using it"
	if used := v.show(d); used != "" {
		remedy = "using " + used
	}
	if v.conceal != nil {
		text = v.conceal(text)
	}
	const most = 200 // characters of a value that help to recognise it
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most]) + "…"
	}
	if p, ok := err.(phrase); ok {
		return fmt.Sprintf(string(p), name, text)
	}
	return fmt.Sprintf("%s is %q, %v; %s", name, text, err, remedy)
}
