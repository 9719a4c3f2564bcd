package spandump

import (
	"os"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// TestLinesAreReadBack reads the lines of opentelemetry-python, and writes them again.
func TestLinesAreReadBack(t *testing.T) {
	golden, err := os.ReadFile("testdata/spans.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(golden)) {
		r, span, err := ParseLine([]byte(line))
		if strings.Contains(line, "NaN") { // which Python takes for JSON
			if err == nil || !strings.Contains(err.Error(), "invalid character 'N'") {
				t.Errorf("NaN: %v", err)
			}
			if r, span, err = ParseLine([]byte(strings.NewReplacer("NaN", "0", "Infinity", "1").Replace(line))); err != nil {
				t.Error(err)
			}
			line = strings.NewReplacer("NaN", "0", "Infinity", "1").Replace(line)
		}
		if err != nil {
			t.Errorf("%v in %s", err, line)
			continue
		}
		got := dumped(t, func(w *Writer) { w.Write(r, scope, span) })
		if got[0] != line {
			t.Errorf("got  %s\nwant %s", got[0], line)
		}
	}
}

// A line of former days has the attributes of the resource alone.
func TestALineOfAnOlderVersion(t *testing.T) {
	r, _, err := ParseLine([]byte(`{"name": "x", "context": {"trace_id": "0x01000000000000000000000000000000", "span_id": "0x0100000000000000"},
		"resource": {"service.name": "shop", "process.pid": 3, "map": {"a": [1]}, "nothing": null}}`))
	if err != nil {
		t.Fatal(err)
	}
	a := r.Attributes()
	if len(a) != 4 || a[0].Value != "shop" || a[1].Value != int64(3) || a[2].Value != `{"a":[1]}` || a[3].Value != nil {
		t.Errorf("got %v", a)
	}
}

func TestLinesThatAreNone(t *testing.T) {
	context := `"context": {"trace_id": "0x01000000000000000000000000000000", "span_id": "0x0100000000000000"}`
	tests := []struct{ name, line, want string }{
		{"not JSON", "nonsense", "span dump: invalid character 'o' in literal null (expecting 'u')"},
		{"no ids", "{}", `span dump: trace_id: want 0x and 32 hexadecimal digits, got ""`},
		{"ids without 0x", `{"context": {"trace_id": "01000000000000000000000000000000"}}`, `span dump: trace_id: want 0x and 32 hexadecimal digits, got "01000000000000000000000000000000"`},
		{"a bad parent", "{" + context + `, "parent_id": "0x1"}`, `span dump: parent_id: want 0x and 16 hexadecimal digits, got "0x1"`},
		{"a bad link", "{" + context + `, "links": [{"context": {}}]}`, `span dump: trace_id: want 0x and 32 hexadecimal digits, got ""`},
		{"a bad time", "{" + context + `, "start_time": "yesterday"}`, `span dump: want a time such as 2026-01-02T15:04:05.000000Z, got "yesterday"`},
		{"a time before 1970", "{" + context + `, "start_time": "1969-01-02T15:04:05.000000Z"}`, `span dump: want a time such as 2026-01-02T15:04:05.000000Z, got "1969-01-02T15:04:05.000000Z"`},
		{"attributes that are a list", "{" + context + `, "attributes": [1]}`, "span dump: want an object of attributes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, _, err := ParseLine([]byte(tt.line)); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func FuzzParseLine(f *testing.F) {
	golden, err := os.ReadFile("testdata/spans.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(golden)) {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		_, span, err := ParseLine(line)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("an error of several lines: %v", err)
			}
			return
		}
		if _, err := otlp.ParseSpan(span); err != nil {
			t.Errorf("%s makes a damaged span: %v", line, err)
		}
	})
}
