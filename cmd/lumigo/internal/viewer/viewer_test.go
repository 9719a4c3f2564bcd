package viewer

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

func TestWhyAViewerDoesNotStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	used := start(t, Options{Dir: t.TempDir()})
	tests := []struct {
		name    string
		options Options
		problem string
		hint    string
	}{
		{"the port is taken", Options{Listen: taken.Addr().String()}, "cannot listen on " + taken.Addr().String() + ": address already in use",
			"another viewer or a Collector may be running there; end it, or choose another port: 127.0.0.1:0 takes any that is free"},
		{"no address", Options{Listen: "nonsense"}, "cannot listen on nonsense: address nonsense: missing port in address",
			"an address is a host and a port, such as 127.0.0.1:4318"},
		{"a file in the place of the directory", Options{Listen: "127.0.0.1:0", Dir: file}, "cannot keep traces in " + file + ": mkdir " + file + ": not a directory",
			"choose another directory"},
		{"a directory that is in use", Options{Listen: "127.0.0.1:0", Dir: used.options.Dir}, "cannot keep traces in " + used.options.Dir + ": another viewer is using it",
			"end that viewer, or choose another directory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Start(tt.options)
			e := new(Error)
			if !errors.As(err, &e) || e.Error() != tt.problem || e.Hint != tt.hint {
				t.Errorf("got %v (%q)\nwant %v (%q)", err, e.Hint, tt.problem, tt.hint)
			}
		})
	}
	if _, err := Start(Options{Listen: taken.Addr().String()}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v", err)
	}
}

func TestOtherMachinesAreWarnedOf(t *testing.T) {
	var warnings []string
	warn := func(text string) { warnings = append(warnings, text) }
	start(t, Options{Warn: warn})
	if len(warnings) != 0 {
		t.Errorf("got %q", warnings)
	}
	s := start(t, Options{Listen: "0.0.0.0:0", Warn: warn})
	if len(warnings) != 1 || !strings.Contains(warnings[0], "where other machines can reach it") {
		t.Errorf("got %q", warnings)
	}
	if !strings.HasPrefix(s.URL(), "http://127.0.0.1:") {
		t.Errorf("got %s", s.URL())
	}
	if r := s.do(t, "GET", "/api/v1/status", nil, "Host", "192.0.2.7:4318"); r.StatusCode != 200 {
		t.Errorf("got %s", r.Status)
	}
}

func TestWhatWasReceivedIsThereAfterARestart(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Options{Dir: dir})
	s.order(t, 1)
	var span otlp.Span
	span.Context([16]byte{9}, [8]byte{9}, [8]byte{}, "", 0)
	span.Name("from within")
	s.Add(otlp.Traces, otlp.NewResource(nil, ""), otlp.NewScope("", ""), span.Encoded())
	var record otlp.Span
	record.ResetLog()
	record.Log(otlp.LogData{TraceID: [16]byte{9}})
	record.LogBody("logged within")
	s.Add(otlp.Logs, otlp.NewResource(nil, ""), otlp.NewScope("", ""), record.Encoded())
	for range 2 {
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s = start(t, Options{Dir: dir})
	if got := list(t, s, ""); got != "POST /orders 1, from within" {
		t.Errorf("got %q", got)
	}
	if logs := s.do(t, "GET", "/api/v1/traces/09000000000000000000000000000000/logs", nil).body; !strings.Contains(string(logs), `"logged within"`) {
		t.Errorf("got %s", logs)
	}
}
