package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// shownTrace is what the viewer's list has of a trace.
type shownTrace struct {
	TraceID  string
	Errors   int
	Status   string
	Complete bool
	Services []struct{ Name string }
}

func (t shownTrace) services() string {
	var names []string
	for _, s := range t.Services {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// shownTraces asks a viewer for its traces.
func shownTraces(t *testing.T, viewer string) (traces []shownTrace) {
	t.Helper()
	response, err := http.Get(viewer + "/api/v1/traces")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	for lines := json.NewDecoder(response.Body); ; {
		var trace shownTrace
		if err := lines.Decode(&trace); err == io.EOF {
			return traces
		} else if err != nil {
			t.Fatal(err)
		}
		traces = append(traces, trace)
	}
}

// onPath makes a directory with these programs, to be the whole PATH.
func onPath(t *testing.T, programs map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, target := range programs {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return "PATH=" + dir
}

func goCommand(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("go")
	if err != nil {
		skip(t, "there is no go command")
	}
	return path
}

// descendants are the processes that a process has started, and those that these have.
func descendants(pid int) (all []int) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		for _, field := range strings.Fields(string(text)) {
			child, _ := strconv.Atoi(field)
			all = append(append(all, child), descendants(child)...)
		}
	}
	return all
}

// The shop opens, its traces are whole, and Ctrl-C ends all of it.
func TestDemo(t *testing.T) {
	notShort(t)
	demo := start(t, program{argv: []string{lumigo(t), "demo", "--no-open"}, env: []string{
		onPath(t, map[string]string{"go": goCommand(t), "python3": defaultPython(t).Path}),
		// What the user has for applications of their own is not for the demo.
		"LUMIGO_TRACER_TOKEN=" + token, "LUMIGO_ENDPOINT=http://127.0.0.1:9", "OTEL_TRACES_SAMPLER=always_off", "HTTP_PROXY=http://127.0.0.1:9",
	}})
	viewer := demo.stdout.match(t, `(?m)^All traces +(http://127\.0\.0\.1:\d+)$`)[1]
	shown := demo.stdout.match(t, `(?m)^This trace +(http://\S+)/trace/([0-9a-f]{32})$`)
	if shown[1] != viewer {
		t.Errorf("the trace is at %s, and the viewer at %s", shown[1], viewer)
	}

	// The tree, with the failure that comes from the bank all the way to the customer.
	for _, line := range []string{
		`^trace ` + shown[2] + `  .*, 11 spans, 4 services, 5 errors$`,
		`^POST /checkout +web +█+ +[\d.]+ (ms|s)  ✗ 502$`,
		`^├─ GET /items/cherry +web `,
		`^│  └─ GET /items/cherry +stock `,
		`^│     ├─ SELECT items +stock .*\d (ms|µs)$`,
		`^└─ POST /orders +web .*✗ 502$`,
		`^   └─ POST /orders +orders .*✗ 502$`,
		`^      ├─ INSERT +orders .*\d (ms|µs)$`,
		`^      ├─ POST /charges +orders .*✗ 500$`,
		`^      │  └─ POST /charges +payments .*✗ 500$`,
		`^      └─ UPDATE +orders `,
	} {
		if !regexp.MustCompile(`(?m)` + line).MatchString(demo.stdout.String()) {
			t.Errorf("the tree has no line %s:\n%s", line, demo.stdout)
		}
	}

	// More come by themselves: good ones through all services, and such as fail.
	eventually(t, "a trace of a good order, and a failed one besides the first", func() bool {
		good, failed := false, 0
		for _, trace := range shownTraces(t, viewer) {
			if trace.Complete && trace.services() == "orders payments stock web" {
				good = good || trace.Errors == 0
				if trace.Status == "error" {
					failed++
				}
			}
		}
		return good && failed > 1
	})

	processes := descendants(demo.cmd.Process.Pid)
	if len(processes) < 6 { // two binaries, two launchers, two interpreters
		t.Errorf("only %d processes run", len(processes))
	}
	demo.signal(syscall.SIGINT)
	if how := demo.wait(); how.shell() != 0 {
		t.Errorf("after Ctrl-C it ended with %s:\n%s", how, demo.stderr)
	}
	for _, pid := range processes {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d is left: %v", pid, err)
		}
	}
	if c, err := net.Dial("tcp", strings.TrimPrefix(viewer, "http://")); err == nil {
		c.Close()
		t.Error("the viewer is left")
	}
	if log := demo.stderr.String(); strings.Contains(log, "error:") || strings.Contains(log, "warning:") {
		t.Errorf("it had something to say:\n%s", log)
	}
}

// With what is missing, the shop opens smaller, and says so.
func TestDemoWithout(t *testing.T) {
	notShort(t)
	tests := []struct {
		name     string
		programs map[string]string
		says     string
		services string
		errors   int
	}{
		{"Python", map[string]string{"go": goCommand(t)}, "without Python: there is none from 3.7 to 3.14 on PATH, so the shop has its Go services alone", "orders payments", 3},
		{"Go", map[string]string{"python3": defaultPython(t).Path}, "without Go: there is no go command on PATH, so the shop has its Python services alone", "stock web", 4},
		{"a Go that works", map[string]string{"python3": defaultPython(t).Path, "go": "/bin/false"}, "without Go: its services cannot be built, so the shop has its Python services alone: ", "stock web", 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			demo := run(t, program{argv: []string{lumigo(t), "demo", "--once", "--json"}, env: []string{onPath(t, tt.programs)}})
			if !strings.Contains(demo.stderr.String(), "lumigo: note: "+tt.says) {
				t.Errorf("it does not say %q:\n%s", tt.says, demo.stderr)
			}
			var trace struct{ Summary shownTrace }
			if err := json.Unmarshal([]byte(demo.stdout.String()), &trace); err != nil {
				t.Fatalf("%v:\n%s", err, demo.stdout)
			}
			if got := trace.Summary; got.services() != tt.services || got.Errors != tt.errors {
				t.Errorf("the trace has the services %s and %d errors, want %s and %d", got.services(), got.Errors, tt.services, tt.errors)
			}
		})
	}
	t.Run("both", func(t *testing.T) {
		demo := start(t, program{argv: []string{lumigo(t), "demo", "--once"}, env: []string{onPath(t, nil)}})
		if how := demo.wait(); how.Code != 1 {
			t.Errorf("it ended with %s", how)
		}
		const want = "lumigo: error: demo: the demo needs Go 1.24 or later, or Python 3.7 to 3.14, and neither is on PATH\n" +
			"lumigo: hint: https://go.dev/dl and https://www.python.org/downloads have them\n"
		if got := demo.stderr.String(); got != want {
			t.Errorf("it said %q, want %q", got, want)
		}
	})
}

// A service that dies is not mourned in silence.
func TestDemoEndsWithItsServices(t *testing.T) {
	notShort(t)
	demo := start(t, program{argv: []string{lumigo(t), "demo", "--no-open"}, env: []string{onPath(t, map[string]string{"go": goCommand(t)})}})
	demo.stdout.match(t, `All traces`)
	processes := descendants(demo.cmd.Process.Pid)
	for _, pid := range processes {
		if name, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); filepath.Base(name) == "payments" {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
	}
	if how := demo.wait(); how.Code != 1 {
		t.Errorf("it ended with %s", how)
	}
	demo.stderr.match(t, `(?m)^lumigo: error: demo: payments has ended: signal: killed`)
	for _, pid := range processes {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d is left: %v", pid, err)
		}
	}
}

// The page has OTLP's port, or another if that is taken.
func TestDemoFindsAPort(t *testing.T) {
	notShort(t)
	taken, err := net.Listen("tcp", "127.0.0.1:4318")
	if err == nil {
		defer taken.Close()
	}
	path := onPath(t, map[string]string{"python3": defaultPython(t).Path})
	demo := run(t, program{argv: []string{lumigo(t), "demo", "--once"}, env: []string{path}})
	demo.stderr.match(t, `(?m)^lumigo: note: 127\.0\.0\.1:4318 is taken, so the page is at http://127\.0\.0\.1:\d+$`)

	refused := start(t, program{argv: []string{lumigo(t), "demo", "--once", "--port", "4318"}, env: []string{path}})
	if how := refused.wait(); how.Code != 1 {
		t.Errorf("with --port it ended with %s", how)
	}
	refused.stderr.match(t, `(?m)^lumigo: error: demo: cannot listen on 127\.0\.0\.1:4318: .*\nlumigo: hint: without --port, it takes one that is free$`)
}
