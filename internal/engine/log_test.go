package engine

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

func logRecord(body, attributes any) tuple {
	return tuple{4, traceID, newSpanID(), 1, 1767312000000000000, 9, "INFO", "shop", body, attributes}
}

func TestLogRecords(t *testing.T) {
	p := newProfile(t, "LUMIGO_TRACER_TOKEN=t_123456789012345678901", "OTEL_ATTRIBUTE_COUNT_LIMIT=2", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=40")
	for _, row := range []struct {
		name       string
		record     tuple
		body       any
		attributes []otlp.Attribute
	}{
		{"text", logRecord("order 7", nil), "order 7", nil},
		{"text that is JSON", logRecord(`{"password": "hush", "a": 1}`, nil), `{"password": "****", "a": 1}`, nil},
		{"a dict", logRecord(object{{Key: "password", Value: "hush"}}, nil), `{"password": "****"}`, nil},
		{"the token", logRecord("with t_123456789012345678901", nil), "with ****", nil},
		{"too long", logRecord(strings.Repeat("x", 50), nil), strings.Repeat("x", 40), nil},
		{"attributes", logRecord("", object{{Key: "password", Value: "hush"}, {Key: "n", Value: 7}, {Key: "more", Value: 1}}), "",
			[]otlp.Attribute{{Key: "password", Value: "****"}, {Key: "n", Value: int64(7)}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var d decoder
			d.Reset(encode(nil, row.record))
			if got := d.next(p); got != logged {
				t.Fatalf("outcome %d", got)
			}
			l, err := otlp.ParseLog(d.span.Encoded())
			if err != nil {
				t.Fatal(err)
			}
			want := otlp.LogData{Time: 1767312000000000000, Observed: 1767312000000000000, Severity: 9, SeverityText: "INFO", Flags: 1,
				Body: row.body, Attributes: row.attributes, TraceID: l.TraceID, SpanID: l.SpanID}
			if row.name == "attributes" {
				want.DroppedAttributes = 1
			}
			if !reflect.DeepEqual(l, want) || string(l.TraceID[:]) != string(traceID) {
				t.Errorf("got  %+v\nwant %+v", l, want)
			}
		})
	}
	for name, record := range map[string]tuple{
		"too short":             logRecord("", nil)[:9],
		"a short id":            append(tuple{4, []byte("short")}, logRecord("", nil)[2:]...),
		"severity is text":      append(append(logRecord("", nil)[:5:5], "INFO"), logRecord("", nil)[6:]...),
		"attributes are a list": append(logRecord("", nil)[:9:9], []any{"a"}),
	} {
		if _, outcomes := decode(t, p, record, span("next", nil)); !reflect.DeepEqual(outcomes, []outcome{malformed, finished}) {
			t.Errorf("%s: %v", name, outcomes)
		}
	}
}

// TestSpansAfterLogRecords makes sure that the two, which share their buffers, do not mix.
func TestSpansAfterLogRecords(t *testing.T) {
	p := newProfile(t)
	spans, _ := decode(t, p, logRecord("first", object{{Key: "password", Value: "x"}}), span("second", object{{Key: "my.password", Value: "y"}}))
	if len(spans) != 1 || !reflect.DeepEqual(spans[0].Attributes, []otlp.Attribute{{Key: "my.password", Value: "y"}}) {
		t.Errorf("%+v", spans)
	}
}

func TestLogRecordsHaveAnAccountOfTheirOwn(t *testing.T) {
	w := start(t)
	dump := filepath.Join(t.TempDir(), "logs")
	c := w.dial()
	c.hello(w.config("LUMIGO_ENABLE_LOGS=true", "LUMIGO_LOGS_ENDPOINT="+w.backend.URL, "LUMIGO_DEBUG_LOGDUMP="+dump))
	if s := c.settings(); s.get("logs") != true || s.get("traces") != true {
		t.Errorf("settings %v", s)
	}
	c.dropped = 1
	c.frame(frameRecords, span("a", nil), logRecord("one", nil), logRecord("two", nil))
	c.frame(frameGoodbye, tuple{4})
	c.c.Close()
	s := w.finish()
	want := Summary{Processes: 1, Made: 2, Received: 1, Lost: 1, Dumped: 1, Logs: 2, LogsDumped: 2}
	want.Export.Accepted, want.Export.Delivered = 1, 1
	want.LogExport.Accepted, want.LogExport.Delivered = 2, 2
	if s != want {
		t.Errorf("got  %+v\nwant %+v", s, want)
	}
	if got, want := s.String(), "2 spans made in 1 process, 1 delivered, 1 dropped in the app, 1 in the span dump; 2 log records, 2 delivered, 2 in the log dump"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	lines, err := os.ReadFile(dump)
	if err != nil || strings.Count(string(lines), "\n") != 2 || !strings.HasPrefix(string(lines), `{"body": "one", "severity_number": 9, "severity_text": "INFO", "attributes": {}, `) {
		t.Errorf("dump %s, %v", lines, err)
	}
}
