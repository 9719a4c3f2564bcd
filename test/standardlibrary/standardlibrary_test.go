package standardlibrary

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
	"github.com/lumigo-io/opentelemetry-distro/test/receiver"
	"github.com/lumigo-io/opentelemetry-distro/test/toolchain"
)

func TestMain(m *testing.M) {
	if err := toolchain.Choose(); err != nil {
		fmt.Println("SKIP:", err)
		return
	}
	status := m.Run()
	pythonenv.Cleanup()
	os.Exit(status)
}

var (
	// woven is what has hooks, and what stands on it.
	woven = []string{
		"net/http", "net/http/httptest", "net/http/httputil", "net/http/httptrace", "net/http/cookiejar", "net/http/cgi",
		"net/http/fcgi", "net/http/internal", "net/http/pprof", "net/rpc", "net/rpc/jsonrpc", "expvar", "database/sql", "log/slog", "log",
	}
	// beneath is what else notices a changed runtime first.
	beneath = []string{"runtime", "runtime/debug", "runtime/pprof", "runtime/trace", "os", "os/exec", "os/signal", "context", "sync", "testing", "net"}
)

const (
	header = "it compares all headers that a client sends, and tracing adds traceparent"
	word   = "it knows the size of a goroutine's descriptor, which has one word more for the span"
	noise  = "it compares what a child process writes to standard error, and that has none of the variables that would keep our log quiet"
)

// differs has the tests that must see that they are traced, and why.
var differs = map[string]string{
	"net/http TestRetryRequestsOnError/h1/IdempotentNoBodySomeWritten":  header,
	"net/http TestRetryRequestsOnError/h1/IdempotentGetBodySomeWritten": header,
	"net/http TestRetryRequestsOnError/h1/NothingWrittenNoBody":         header,
	"net/http TestRetryRequestsOnError/h1/NothingWrittenGetBody":        header,
	"net/http TestTransportFlushesBodyChunks":                           header,
	"net/http TestClientCopyHeadersOnRedirect/h1":                       header,
	"net/http TestClientCopyHeadersOnRedirect/h2":                       header,
	"net/http/httputil ExampleDumpRequest":                              header,
	"net/http/cgi TestHandlerStderr":                                    noise,
	"runtime TestSizeof":                                                word,
}

func TestWovenAndTraced(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short")
	}
	backend, err := receiver.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Close()
	packages := slices.Clone(woven)
	if exec.Command("go", "list", "net/http/internal/http2").Run() == nil { // which is there from Go 1.27 on
		packages = append(packages, "net/http/internal/http2")
	}
	if os.Getenv("LUMIGO_TEST_FULL") != "" {
		packages = append(packages, beneath...)
	}

	var listed, their []string // tests, and their packages
	for name := range differs {
		pkg, test, _ := strings.Cut(name, " ")
		if !slices.Contains(packages, pkg) {
			continue
		}
		test, _, _ = strings.Cut(test, "/")
		listed, their = append(listed, regexp.QuoteMeta(test)), append(their, pkg)
	}
	slices.Sort(listed)
	slices.Sort(their)
	listed = slices.Compact(listed)
	among := "^(" + strings.Join(listed, "|") + ")$"

	others := run(t, backend, packages, "-skip="+among)
	for _, name := range slices.Sorted(maps.Keys(others.failed)) {
		// Some of these tests are about time, and some need what a machine may not have.
		pkg, test, _ := strings.Cut(name, " ")
		switch alone := exactly(test); {
		case len(run(t, backend, []string{pkg}, alone).failed) == 0:
			t.Logf("%s failed among the others, and passed alone:\n%s", name, others.failed[name])
		case len(run(t, nil, []string{pkg}, alone).failed) > 0:
			t.Logf("SKIP: %s fails in a plain program as well", name)
		default:
			t.Errorf("%s fails when it is woven and traced:\n%s", name, others.failed[name])
		}
	}
	for _, pkg := range packages {
		if !others.passed[pkg] && !slices.ContainsFunc(slices.Collect(maps.Keys(others.failed)), func(name string) bool { return strings.HasPrefix(name+" ", pkg+" ") }) {
			t.Errorf("%s was not tested", pkg)
		}
	}

	those := run(t, backend, slices.Compact(their), "-run="+among)
	for name, text := range those.failed {
		if differs[name] == "" {
			t.Errorf("%s fails when it is woven and traced:\n%s", name, text)
		}
	}
	for name, why := range differs {
		if pkg, _, _ := strings.Cut(name, " "); slices.Contains(packages, pkg) && those.failed[name] == "" {
			t.Errorf("%s does not fail, though %s", name, why)
		}
	}

	seen := map[string]int{}
	for _, s := range backend.Spans() {
		seen[s.Scope+" "+s.Kind]++
	}
	t.Logf("%d tests passed, %d are as listed; spans: %v", len(others.passed), len(those.failed), seen)
	for _, want := range []string{"lumigo_opentelemetry.net/http SERVER", "lumigo_opentelemetry.net/http CLIENT", "lumigo_opentelemetry.database/sql CLIENT"} {
		if seen[want] == 0 {
			t.Errorf("there is no span of %s: was anything traced?", want)
		}
	}
}

// outcome has tests by "package test", and packages as a whole by "package".
type outcome struct {
	passed map[string]bool
	failed map[string]string // with its output; what failed only because something in it did is left out
}

// run runs tests of the standard library: woven and traced, or plain if there is no backend.
func run(t *testing.T, backend *receiver.Receiver, packages []string, which string) outcome {
	t.Helper()
	command := []string{"go"}
	if backend != nil {
		lumigo, err := pythonenv.Lumigo()
		if err != nil {
			t.Fatal(err)
		}
		command = []string{lumigo, "go", "--strict"}
	}
	// They run where they are in the toolchain's tree; the go command is started in a module of no content.
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/none\n\ngo 1.24\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	args := append(command[1:], "test", "-json", "-short", "-count=1", "-timeout=5m", which)
	cmd := exec.Command(command[0], append(args, packages...)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off", "GOFLAGS=", "OTEL_LOG_LEVEL=none")
	if backend != nil {
		cmd.Env = append(cmd.Env, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+backend.URL())
	}
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	failure := cmd.Run() // which is what the events say, unless there are none
	o := outcome{passed: map[string]bool{}, failed: map[string]string{}}
	texts := map[string]*strings.Builder{}
	for d := json.NewDecoder(&out); ; {
		var e struct{ Action, Package, ImportPath, Test, Output, FailedBuild string }
		if err := d.Decode(&e); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("%v: %v\n%s", cmd.Args, err, problems.String())
		}
		name := strings.TrimSpace(cmp.Or(e.Package, e.ImportPath) + " " + e.Test)
		switch e.Action {
		case "output", "build-output":
			if texts[name] == nil {
				texts[name] = new(strings.Builder)
			}
			texts[name].WriteString(e.Output)
		case "pass":
			o.passed[name] = true
		case "fail":
			o.failed[name] = "failed\n"
			if text := cmp.Or(texts[name], texts[e.FailedBuild]); text != nil {
				o.failed[name] += text.String()
			}
		}
	}
	for name := range o.failed {
		for other := range o.failed {
			pkg, test, _ := strings.Cut(other, " ")
			if name == pkg && test != "" || strings.HasPrefix(other, name+"/") && strings.Contains(name, " ") {
				delete(o.failed, name)
			}
		}
	}
	if failure != nil && len(o.failed) == 0 {
		t.Fatalf("%v: %v\n%s", cmd.Args, failure, problems.String())
	}
	return o
}

// exactly is the flag for one test, or for all of them if there is no name.
func exactly(test string) string {
	if test == "" {
		return "-run="
	}
	var parts []string
	for _, part := range strings.Split(test, "/") {
		parts = append(parts, "^"+regexp.QuoteMeta(part)+"$")
	}
	return "-run=" + strings.Join(parts, "/")
}
