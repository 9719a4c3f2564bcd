package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/test/receiver"
)

// shown is a log record as the tests compare it: where in the trace it was written, what, and how it is to be taken.
func shown(l receiver.Log, spans []receiver.Span) string {
	where := "outside"
	for _, s := range spans {
		if s.TraceID == l.TraceID && s.SpanID == l.SpanID {
			where = "in " + s.Kind
		}
	}
	return fmt.Sprintf("%s %s %s(%d) %v", where, l.Scope, l.Severity, l.Number, l.Body)
}

// wantedLogs is what testdata/logs.py logs, as far as its own configuration lets it; in a request, those of a logger
// stand together.
var wantedLogs = []string{
	`outside basic INFO(9) configured`,
	`in SERVER shop DEBUG(5) order 7 of ann`,
	`in SERVER shop INFO(9) {"order": 7, "token": "****"}`,
	`in SERVER shop INFO(9) loud`,
	`in SERVER shop WARN(13) {"secret": "****", "order": 7}`,
	`in SERVER shop ERROR(17) failed`,
	`in SERVER shop Level 35(16) between`,
	`in SERVER shop INFO(9) %d`,
	`in SERVER other WARN(13) by the root`,
	`in SERVER shop.filtered INFO(9) yes`,
	`in SERVER caller ERROR(17) who`,
}

// TestLogs has an application log in the ways that applications do: what it writes must be the same, and every record
// that its configuration lets pass must arrive, masked, with the span that it was written in.
func TestLogs(t *testing.T) {
	for _, i := range supportedPythons(t) {
		t.Run(i.String(), func(t *testing.T) {
			app := []string{i.Path, testdata(t, "logs.py")}
			plain := run(t, program{argv: app})
			backend := newBackend(t)
			env := toBackend(backend, "LUMIGO_ENABLE_LOGS=true", "LUMIGO_LOGS_ENDPOINT="+backend.LogsURL())
			traced := run(t, program{argv: append([]string{lumigo(t), "run", "--"}, app...), env: env})
			if plain.stdout.String() != traced.stdout.String() || plain.stderr.String() != appStderr(traced.stderr.String()) {
				t.Errorf("it writes\n%s%s\ntraced, and untraced\n%s%s", traced.stdout, appStderr(traced.stderr.String()), plain.stdout, plain.stderr)
			}
			logs := backend.Logs()
			var got []string
			for _, l := range logs {
				got = append(got, shown(l, backend.Spans()))
			}
			if !slices.Equal(got, wantedLogs) {
				t.Fatalf("there are the log records\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(wantedLogs, "\n"))
			}
			order := logs[1]
			if order.Attributes["customer"] != int64(42) || order.Attributes["password"] != "****" ||
				order.Attributes["code.function.name"] != "work" || order.Attributes["otelTraceID"] != order.TraceID {
				t.Errorf("the attributes are %v", order.Attributes)
			}
			if logs[0].Attributes["otelTraceID"] != "0" || logs[5].Attributes["exception.type"] != "KeyError" {
				t.Errorf("the attributes are %v and %v", logs[0].Attributes, logs[5].Attributes)
			}
			if order.Resource["service.name"] != "e2e" {
				t.Errorf("the resource is %v", order.Resource)
			}
			total := fmt.Sprintf("; %d log records, %d delivered", len(wantedLogs), len(wantedLogs))
			if !strings.Contains(traced.stderr.String(), total) {
				t.Errorf("the account is not that of %q:\n%s", total, traced.stderr)
			}
			for _, r := range backend.Requests() {
				if len(r.Logs) > 0 && r.Header.Get("Authorization") != "LumigoToken "+token {
					t.Errorf("logs are sent with the headers %v", r.Header)
				}
			}
		})
	}
}

// TestLogsAreOptIn tries what decides on whether and where logs go.
func TestLogsAreOptIn(t *testing.T) {
	i := defaultPython(t)
	for _, row := range []struct {
		name        string
		env         []string
		logs, spans bool
	}{
		{"by default", nil, false, true},
		{"enabled, as JSON", []string{"LUMIGO_ENABLE_LOGS=true", "OTEL_EXPORTER_OTLP_PROTOCOL=http/json"}, true, true},
		{"without traces", []string{"LUMIGO_ENABLE_LOGS=true", "LUMIGO_ENABLE_TRACES=false"}, true, false},
		{"disabled by its name", []string{"LUMIGO_ENABLE_LOGS=true", "LUMIGO_DISABLE_INSTRUMENTATION=logging"}, false, true},
		{"switched off", []string{"LUMIGO_ENABLE_LOGS=true", "LUMIGO_SWITCH_OFF=true"}, false, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			backend := newBackend(t)
			env := toBackend(backend, append(row.env, "LUMIGO_LOGS_ENDPOINT="+backend.LogsURL())...)
			run(t, program{argv: []string{lumigo(t), "run", "--", i.Path, testdata(t, "logs.py")}, env: env})
			if logs, spans := len(backend.Logs()), len(backend.Spans()); (logs > 0) != row.logs || (spans > 0) != row.spans {
				t.Errorf("%d log records and %d spans have arrived", logs, spans)
			}
		})
	}
}

// TestLogDump compares the dump's lines with what opentelemetry-python has for a log record.
func TestLogDump(t *testing.T) {
	i := defaultPython(t)
	path := filepath.Join(t.TempDir(), "logs")
	source := "import logging; logging.warning({'some-thing': 'kept', 'some-super-sekret-stuff': 'hush'})"
	app := []string{lumigo(t), "run", "--", i.Path, "-c", source}
	env := []string{"LUMIGO_ENABLE_LOGS=true", `LUMIGO_SECRET_MASKING_REGEX=[".*super-sekret.*"]`, "OTEL_SERVICE_NAME=e2e"}
	run(t, program{argv: app, env: append(env, "LUMIGO_DEBUG_LOGDUMP="+path)})
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`^\{"body": "\{\\"some-thing\\": \\"kept\\", \\"some-super-sekret-stuff\\": \\"\*{4}\\"\}", "severity_number": 13, "severity_text": "WARN", ` +
		`"attributes": \{[^}]*"otelTraceID": "0", "otelSpanID": "0", "otelTraceSampled": false\}, "dropped_attributes": 0, ` +
		`"timestamp": "[-0-9]+T[:.0-9]+Z", "observed_timestamp": "[-0-9]+T[:.0-9]+Z", "trace_id": "0x0{32}", "span_id": "0x0{16}", "trace_flags": 0, ` +
		`"resource": \{"attributes": \{.*"service.name": "e2e".*\}, "schema_url": "[^"]*"\}\}\n$`)
	if !line.Match(got) {
		t.Errorf("the dump is\n%s", got)
	}

	p := run(t, program{argv: app, env: append(env, "LUMIGO_DEBUG_LOGDUMP="+filepath.Join(path, "not", "there"))})
	if !line.MatchString(p.stdout.String()) {
		t.Errorf("with a dump that cannot be opened, it prints\n%s", p.stdout)
	}
	if errors := atLevel(logLines(p.stderr.String()), "ERROR"); len(errors) != 1 || !strings.HasPrefix(errors[0], "cannot write the log dump to \""+path) {
		t.Errorf("it says %q", errors)
	}
}
