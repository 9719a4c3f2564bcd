// Package tracertest lets tests of integrations see the spans that these make.
package tracertest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/spandump"
	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
)

// Span is one as the span dump has it.
type Span struct {
	Name, Kind string
	Context    struct {
		TraceID string `json:"trace_id"`
		SpanID  string `json:"span_id"`
	}
	ParentID string `json:"parent_id"`
	Status   struct {
		Code        string `json:"status_code"`
		Description string
	}
	Attributes map[string]any // numbers are float64
	Events     []struct {
		Name       string
		Attributes map[string]any
	}
	Line string `json:"-"` // all of it, as it is written
}

// Activate makes a tracer with the configuration of environ, as NAME=value, that of the process until the end of the
// test. The function that it returns reads the spans that have ended so far.
func Activate(t testing.TB, environ ...string) (spans func() []Span) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dump")
	dump, err := spandump.Open(path, true)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := config.Parse(environ)
	m, _ := mask.New(c.Masking, nil)
	before := tracer.Active()
	tracer.Activate(tracer.New(tracer.Options{Config: c, Masker: m, Dump: dump, Resource: otlp.NewResource(nil, "")}))
	t.Cleanup(func() { tracer.Activate(before) })
	return func() (spans []Span) {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			s := Span{Line: line}
			if err := json.Unmarshal([]byte(line), &s); err != nil {
				t.Fatal(err)
			}
			spans = append(spans, s)
		}
		return spans
	}
}
