package goapp

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

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
	if dir != "" {
		os.RemoveAll(dir)
	}
	os.Exit(status)
}

var dir string

// builds are the plain and the woven app.
var builds = sync.OnceValues(func() (map[bool]string, error) {
	lumigo, err := pythonenv.Lumigo()
	if err != nil {
		return nil, err
	}
	if dir, err = os.MkdirTemp("", "lumigo-goapp-"); err != nil {
		return nil, err
	}
	paths := map[bool]string{false: filepath.Join(dir, "plain"), true: filepath.Join(dir, "woven")}
	for woven, path := range paths {
		cmd := exec.Command("go", "build", "-o", path, ".")
		if woven {
			cmd = exec.Command(lumigo, "go", "--strict", "build", "-o", path, ".")
		}
		cmd.Dir = filepath.Join("testdata", "app")
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
		}
	}
	return paths, nil
})

// app is a run of the app.
type app struct {
	*exec.Cmd
	out, err bytes.Buffer
}

func start(t *testing.T, woven bool, environ []string, args ...string) *app {
	t.Helper()
	paths, err := builds()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	a := &app{Cmd: exec.CommandContext(ctx, paths[woven], args...)}
	a.Env = append([]string{"HOME=/tmp", "PATH=" + os.Getenv("PATH"), "OTEL_SERVICE_NAME=app"}, environ...)
	a.Stdout, a.Stderr = &a.out, &a.err
	return a
}

// traced runs the woven app and returns the spans that a backend got, and how it ended.
func traced(t *testing.T, environ []string, args ...string) ([]receiver.Span, *app) {
	t.Helper()
	backend, err := receiver.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Close()
	a := start(t, true, append(environ, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+backend.URL()), args...)
	a.Run()
	return backend.Spans(), a
}

// tree draws spans by trace, children below their parents, traces in their order by time.
func tree(spans []receiver.Span) string {
	slices.SortStableFunc(spans, func(a, b receiver.Span) int { return int(a.Start) - int(b.Start) })
	known := map[string]bool{}
	for _, s := range spans {
		known[s.SpanID] = true
	}
	var b strings.Builder
	var draw func(s receiver.Span, depth int)
	draw = func(s receiver.Span, depth int) {
		fmt.Fprintf(&b, "%s%s %s", strings.Repeat("  ", depth), s.Kind, s.Name)
		if status := s.Attributes["http.response.status_code"]; status != nil {
			fmt.Fprintf(&b, " %v", status)
		}
		if s.Status == "ERROR" {
			b.WriteString(" ERROR")
		}
		b.WriteByte('\n')
		for _, child := range spans {
			if child.ParentID == s.SpanID && child.TraceID == s.TraceID {
				draw(child, depth+1)
			}
		}
	}
	for _, s := range spans {
		if !known[s.ParentID] {
			draw(s, 0)
		}
	}
	return b.String()
}

const orderTree = `CLIENT POST 200
  SERVER POST /orders/{id} 200
    CLIENT GET 200
      SERVER GET /inner 200
    CLIENT SELECT
    CLIENT INSERT
`

func TestSpans(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"one trace through goroutines and calls without a context", []string{"order"}, orderTree},
		{"likewise over HTTP/2", []string{"h2"}, orderTree},
		{"statements outside of a request are traces of their own", []string{"query"}, "CLIENT SELECT\nCLIENT SELECT ERROR\n"},
		{"a hijacked connection", []string{"hijack"}, "SERVER GET /hijack 101\n"},
		{"a handler that writes nothing", []string{"/empty"}, "CLIENT GET 200\n  SERVER GET /empty 200\n"},
		{"a connection that the app has for itself", []string{"conn"}, "CLIENT GET 200\n  SERVER GET /empty 200\n"},
		{"an error of the client", []string{"/missing"}, "CLIENT GET 404 ERROR\n  SERVER GET /missing 404\n"},
		{"an error of the server", []string{"/teapot"}, "CLIENT GET 503 ERROR\n  SERVER GET /teapot 503 ERROR\n"},
		{"an informational answer before the one that counts", []string{"/hints"}, "CLIENT GET 202\n  SERVER GET /hints 202\n"},
		{"a proxy, which copies the headers that name the parent", []string{"/proxy"}, "CLIENT GET 200\n  SERVER GET /proxy 200\n    CLIENT GET 200\n      SERVER GET /inner 200\n"},
		{"an aborted handler", []string{"/abort"}, "CLIENT GET ERROR\n  SERVER GET /abort ERROR\n"},
		{"a handler that ends its goroutine", []string{"/goexit"}, "CLIENT GET ERROR\n  SERVER GET /goexit ERROR\n"},
		{"a path that no pattern matches", []string{"/nowhere"}, "CLIENT GET 404 ERROR\n  SERVER GET 404\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			spans, a := traced(t, nil, test.args...)
			if got := tree(spans); got != test.want {
				t.Errorf("got\n%swant\n%s%s", got, test.want, a.err.String())
			}
		})
	}
}

func TestEveryStatementHasOneSpan(t *testing.T) {
	spans, a := traced(t, nil, "statements")
	got := map[any]int{}
	for _, s := range spans {
		got[s.Attributes["db.query.text"]]++
	}
	for n := range 10 {
		text, want := fmt.Sprint("SELECT ", n+1), 1
		if n == 9 {
			want = 6 // prepared
		}
		if got[text] != want {
			t.Errorf("%s has %d spans, want %d", text, got[text], want)
		}
	}
	if a.out.String() != "42\n" {
		t.Errorf("it prints\n%s%s", a.out.String(), a.err.String())
	}
}

func TestPanicIsRecordedAndGoesOn(t *testing.T) {
	spans, a := traced(t, nil, "h2", "/panic") // the order makes the connection reused
	for _, s := range spans {
		if s.Name == "GET /panic" {
			if s.Status != "ERROR" || s.Attributes["error.type"] != "*errors.errorString" {
				t.Errorf("span: %+v", s)
			}
			if !strings.Contains(a.err.String(), "http: panic serving") && !strings.Contains(a.out.String(), "error true") {
				t.Errorf("the server has not seen the panic: %s", a.err.String())
			}
			return
		}
	}
	t.Errorf("no span of the handler:\n%s", tree(spans))
}

func TestSecretsAndPayloads(t *testing.T) {
	spans, _ := traced(t, nil, "order", "expect", "h2", "query")
	orders := map[any]int{}
	wants := map[string]string{
		"http.request.body":     `{"password": "****", "amount": 3}`,
		"http.response.body":    `{"ok": true, "length": 32}`,
		"url.query":             "token=****",
		"http.response.headers": `{"Content-Type": "application/json", "X-Api-Key": "****"}`,
	}
	for _, s := range spans {
		for key, value := range s.Attributes {
			if strings.Contains(fmt.Sprint(value), "geheim") {
				t.Errorf("%s %s: %s = %v shows a secret", s.Kind, s.Name, key, value)
			}
		}
		if s.Name == "POST /orders/{id}" {
			orders[s.Attributes["network.protocol.version"]]++
			for key, want := range wants {
				if got := s.Attributes[key]; got != want {
					t.Errorf("%s = %v, want %v", key, got, want)
				}
			}
		}
		if s.Name == "INSERT" && s.Attributes["db.statement.parameters"] != `[7, "****"]` {
			t.Errorf("parameters: %v", s.Attributes["db.statement.parameters"])
		}
		if s.Name == "SELECT" && s.Attributes["db.system.name"] != "sqlite" {
			t.Errorf("system: %v", s.Attributes["db.system.name"])
		}
	}
	if orders["1.1"] != 2 || orders["2"] != 1 {
		t.Errorf("orders by version of HTTP: %v", orders)
	}
}

func TestLogRecordsSayWhereTheyWereWritten(t *testing.T) {
	spans, a := traced(t, nil, "order")
	for _, s := range spans {
		if s.Name == "POST /orders/{id}" {
			for _, want := range []string{"msg=ordered trace_id=%s span_id=%s id=7", "msg=odd trace_id=%s span_id=%s !BADKEY=lonely"} {
				if want = fmt.Sprintf(want, s.TraceID, s.SpanID); !strings.Contains(a.out.String(), want) {
					t.Errorf("no %q in\n%s", want, a.out.String())
				}
			}
		}
	}
}

func TestLinesSayWhereTheyWereWritten(t *testing.T) {
	const want = `main.go:N: app: a line IDS
main.go:N: app: with a newline IDS
main.go:N: app: two
lines IDS

main.go:N: app: ⏎
main.go:N: app: {"json":true}
main.go:N: app: own trace_id=1
main.go:N: app: from here IDS
bare of another logger IDS
of the standard logger IDS
INFO of slog's default handler IDS id=7
level=WARN line=N msg="by slog" IDS
level=INFO line=N msg=own trace_id=1
level=INFO line=N msg=own trace_id=1
level=INFO line=N msg=attributes IDS id=7
`
	lineNumbers := regexp.MustCompile(`(main\.go:|line=)\d+`)
	for _, test := range []struct {
		name, off, arg string
		without        string // the lines, by a regular expression, that have no ids
	}{
		{"in a span", "", "/log", "^$"},
		{"outside of spans", "", "log", "IDS"},
		{"without the ids of log", "log", "/log", "app:|^lines|^bare|^of the standard"},
		{"without the ids of slog", "slog", "/log", "INFO|WARN"},
	} {
		t.Run(test.name, func(t *testing.T) {
			spans, a := traced(t, []string{"LUMIGO_DISABLE_INSTRUMENTATION=" + test.off}, test.arg)
			got := lineNumbers.ReplaceAllString(strings.TrimPrefix(a.out.String(), "200 "), "${1}N")
			got = strings.TrimSuffix(got, " false \n") // which get prints at the end
			for _, s := range spans {
				if s.Kind == "SERVER" {
					got = strings.ReplaceAll(got, "trace_id="+s.TraceID+" span_id="+s.SpanID, "IDS")
				}
			}
			without, want := regexp.MustCompile(test.without), strings.ReplaceAll(want, "⏎", "")
			for line := range strings.Lines(want) {
				if without.MatchString(line) {
					want = strings.Replace(want, line, strings.Replace(line, " IDS", "", 1), 1)
				}
			}
			if strings.ReplaceAll(got, "\r", "") != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

// everything is what the app can do but end in another way.
var everything = []string{"order", "h2", "query", "hijack", "/interfaces", "h2/interfaces", "/panic", "/abort", "/empty", "/missing", "/teapot", "/hints", "/log", "log"}

var (
	logTime = regexp.MustCompile(`time=\S+ `)
	logIDs  = regexp.MustCompile(` trace_id=\w{32} span_id=\w{16}`)
)

func TestTheAppDoesWhatItDoesPlain(t *testing.T) {
	for _, test := range []struct{ name, environ string }{
		{"traced", "LUMIGO_DEBUG_SPANDUMP=" + filepath.Join(t.TempDir(), "dump")},
		{"nowhere to send spans to", "LUMIGO_DEBUG_SPANDUMP="},
		{"switched off", "LUMIGO_SWITCH_OFF=true"},
		{"without traces", "LUMIGO_ENABLE_TRACES=false"},
	} {
		t.Run(test.name, func(t *testing.T) {
			plain := start(t, false, nil, everything...)
			woven := start(t, true, []string{test.environ}, everything...)
			plain.Run()
			woven.Run()
			want, got := logTime.ReplaceAllString(plain.out.String(), ""), logTime.ReplaceAllString(woven.out.String(), "")
			without := logIDs.ReplaceAllString(got, "")
			if without != want {
				t.Errorf("the woven app prints\n%swhere the plain one prints\n%s", got, want)
			}
			if traced := test.name == "traced"; traced != (got != without) {
				t.Errorf("it prints\n%s", got)
			}
		})
	}
}

// Everything that a server and a client may do with each other goes over the wire as it does plain, and is traced.
func TestExchangesAreAsTheyArePlain(t *testing.T) {
	for _, test := range []struct {
		name  string
		proof string // that it has come about, in what the plain app prints
	}{
		{"flusher", `"first "`},
		{"hijacker", `early, \*net\.TCPConn, http: connection has been hijacked, true`},
		{"reader-from", `(?s)true 1048576 <nil>.*1048584 <nil>`},
		{"pusher", `\[a promise data of 1: / data of 2: /pushed headers of 1 headers of 2\]`},
		{"trailers", `HTTP/2.0 .*Announced:\[4 <nil> map\[Sum:\[4\]\]\] Late:\[yes\]`},
		{"informational", `103 Early Hints.*102 Processing.*100 Continue.*200 OK.*4 <nil>`},
		{"websocket", `101 Switching Protocols(?s).*hello.*world.*closed: EOF`},
		{"response-controller", `<nil> <nil> <nil>(?s).*0 true`},
		{"streams", `EOF`},
		{"panic", `http: panic serving : boom`},
		{"abort", `4 unexpected EOF(?s).*log: ""`},
		{"goexit", `4 unexpected EOF`},
		{"statuses", `206 Partial Content(?s).*superfluous`},
	} {
		t.Run(test.name, func(t *testing.T) {
			plain := start(t, false, nil, "wire/"+test.name)
			plain.Run()
			if !regexp.MustCompile(test.proof).MatchString(plain.out.String()) {
				t.Errorf("the plain app prints\n%s", plain.out.String())
			}
			spans, woven := traced(t, nil, "wire/"+test.name)
			if got, want := sorted(logIDs.ReplaceAllString(woven.out.String(), "")), sorted(plain.out.String()); got != want {
				t.Errorf("the woven app prints\n%swhere the plain one prints\n%s", got, want)
			}
			// A hijacked connection is over before its handler is, which may be after the end of the app.
			hijacked := test.name == "hijacker" || test.name == "websocket"
			if tree := tree(spans); !strings.Contains(tree, "SERVER ") && !hijacked {
				t.Errorf("the spans are\n%s", tree)
			}
		})
	}
}

// sorted has lines in an order of their own, as two sides print them.
func sorted(text string) string {
	return strings.Join(slices.Sorted(strings.Lines(text)), "")
}

func TestSwitchedOff(t *testing.T) {
	spans, a := traced(t, []string{"LUMIGO_SWITCH_OFF=true"}, "order")
	if len(spans) != 0 || strings.Count(a.err.String(), "\n") != 1 || !strings.Contains(a.err.String(), "Lumigo OpenTelemetry distribution disabled via the 'LUMIGO_SWITCH_OFF' environment variable") {
		t.Errorf("%d spans, and the log\n%s", len(spans), a.err.String())
	}
	if strings.Contains(a.out.String(), "trace_id") {
		t.Errorf("ids in\n%s", a.out.String())
	}
}

func TestOptingOut(t *testing.T) {
	spans, _ := traced(t, []string{"LUMIGO_DISABLE_INSTRUMENTATION=database/sql,slog"}, "order")
	want := "CLIENT POST 200\n  SERVER POST /orders/{id} 200\n    CLIENT GET 200\n      SERVER GET /inner 200\n"
	if got := tree(spans); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestFilteredEndpointsAndWhatIsBelow(t *testing.T) {
	spans, _ := traced(t, []string{`LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX_SERVER=["/orders/"]`}, "order")
	if got, want := tree(spans), "CLIENT POST 200\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// However the app ends, what has ended before is delivered, and the app ends as it would have.
func TestEnds(t *testing.T) {
	for _, end := range []string{"", "exit", "fatal", "crash", "go-crash"} {
		t.Run("by "+end, func(t *testing.T) {
			args := []string{"order", end}
			if end == "" {
				args = args[:1]
			}
			plain := start(t, false, nil, args...)
			plain.Run()
			spans, woven := traced(t, nil, args...)
			if tree(spans) != orderTree {
				t.Errorf("got\n%s", tree(spans))
			}
			if got, want := woven.ProcessState.String(), plain.ProcessState.String(); got != want {
				t.Errorf("it ended by %q, plain by %q", got, want)
			}
		})
	}
}

// The first to exit decides on the status, however long it takes to send what is left.
func TestTheFirstExitCounts(t *testing.T) {
	backend, err := receiver.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Close()
	sending := make(chan struct{}, 100)
	backend.Answer(func(int, *http.Request) receiver.Answer {
		sending <- struct{}{}
		time.Sleep(20 * time.Millisecond) // as a backend that is far away
		return receiver.Answer{}
	})
	// The app sends what is left as it exits. Then the others are told to exit as well.
	run := func(args ...string) *app {
		a := start(t, true, []string{"GOMAXPROCS=16", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + backend.URL()}, append([]string{"order", "exits"}, args...)...)
		stdin, err := a.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			select {
			case <-sending:
			case <-ended:
			}
			stdin.Close()
		}()
		a.Wait()
		close(ended)
		for len(sending) > 0 {
			<-sending
		}
		return a
	}
	for range 20 { // with many threads that are at it, one in six went wrong once
		a := run()
		if code := a.ProcessState.ExitCode(); code != 3 {
			t.Errorf("it ended with %d, and others than the first ended it\n%s", code, a.err.String())
		}
	}
	a := run("by-panic")
	if code := a.ProcessState.ExitCode(); code != 2 || !strings.Contains(a.err.String(), "panic: crash\n") {
		t.Errorf("it ended with %d, which was not the panic\n%s", code, a.err.String())
	}
}

// A bubble of testing/synctest waits for all that is started in it, which nothing of ours may be.
func TestBubbles(t *testing.T) {
	lumigo, err := pythonenv.Lumigo()
	if err != nil {
		t.Fatal(err)
	}
	backend, err := receiver.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Close()
	cmd := exec.Command(lumigo, "go", "--strict", "test", "-count=1", "-timeout=30s", ".")
	cmd.Dir = filepath.Join("testdata", "bubble")
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+backend.URL())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if got := tree(backend.Spans()); got != "CLIENT DELETE\n" {
		t.Errorf("got\n%s", got)
	}
}

func TestSignals(t *testing.T) {
	for _, test := range []struct {
		mode   string
		signal syscall.Signal
	}{{"serve", syscall.SIGTERM}, {"serve", syscall.SIGINT}, {"serve", syscall.SIGHUP}, {"serve-notify", syscall.SIGTERM}} {
		t.Run(fmt.Sprint(test.mode, " ", test.signal), func(t *testing.T) {
			backend, err := receiver.Listen("127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer backend.Close()
			states := map[bool]string{}
			for _, woven := range []bool{false, true} {
				a := start(t, woven, []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + backend.URL()}, "order", test.mode)
				a.Stdout = nil
				out, err := a.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := a.Start(); err != nil {
					t.Fatal(err)
				}
				lines := bufio.NewScanner(out)
				for lines.Scan() && !strings.HasPrefix(lines.Text(), "serving") {
				}
				a.Process.Signal(test.signal)
				for lines.Scan() {
					states[woven] += lines.Text() + " "
				}
				a.Wait()
				states[woven] += a.ProcessState.String()
			}
			if states[true] != states[false] {
				t.Errorf("it ended with %q, plain with %q", states[true], states[false])
			}
			if got := tree(backend.Spans()); got != orderTree {
				t.Errorf("got\n%s", got)
			}
		})
	}
}

// An app that locks itself into a sandbox, in which nobody can connect, loses its spans, says so, and does not wait for
// them; but not under "lumigo run", which sends from outside.
func TestLockedIn(t *testing.T) {
	const queries = "CLIENT SELECT\nCLIENT SELECT ERROR\n"
	for _, under := range []bool{false, true} {
		t.Run(fmt.Sprint("under lumigo run: ", under), func(t *testing.T) {
			backend, err := receiver.Listen("127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer backend.Close()
			a, want := start(t, true, []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + backend.URL()}, "lock-in", "query"), ""
			if under {
				a, want = underRun(t, backend, nil, "lock-in", "query"), queries
			}
			a.Run()
			if strings.Contains(a.out.String(), "no Landlock") {
				t.Skip("SKIP: ", a.out.String())
			}
			if got := tree(backend.Spans()); got != want {
				t.Errorf("got\n%s%s", got, a.err.String())
			}
			if lost := "2 dropped (connecting is forbidden: 2)"; strings.Contains(a.err.String(), lost) == under {
				t.Errorf("the log says\n%s", a.err.String())
			}
		})
	}
}

// underRun runs the woven app below "lumigo run".
func underRun(t *testing.T, backend *receiver.Receiver, environ []string, args ...string) *app {
	t.Helper()
	lumigo, err := pythonenv.Lumigo()
	if err != nil {
		t.Fatal(err)
	}
	a := start(t, true, append(environ, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+backend.URL(), "LUMIGO_DEBUG=true"))
	a.Args = append([]string{lumigo, "run", "--", a.Path}, args...)
	a.Path = lumigo
	return a
}

func TestUnderLumigoRun(t *testing.T) {
	backend, err := receiver.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Close()
	a := underRun(t, backend, nil, "order", "exit")
	a.Run()
	if got := tree(backend.Spans()); got != orderTree || a.ProcessState.ExitCode() != 3 {
		t.Errorf("%v, and got\n%s%s", a.ProcessState, got, a.err.String())
	}
	if !strings.Contains(a.err.String(), "6 spans made, 0 of them dropped before the engine had them") {
		t.Errorf("the app has not handed over its spans:\n%s", a.err.String())
	}
	for _, s := range backend.Spans() {
		if s.Resource["telemetry.sdk.language"] != "go" || s.Resource["process.runtime.name"] != "gc" {
			t.Errorf("resource: %v", s.Resource)
		}
	}
}

func TestKilledUnderLumigoRun(t *testing.T) {
	backend, err := receiver.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Close()
	a := underRun(t, backend, []string{"OTEL_BSP_SCHEDULE_DELAY=600000"}, "order", "pid", "serve")
	a.Stdout = nil
	out, err := a.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	for lines := bufio.NewScanner(out); lines.Scan() && !strings.HasPrefix(lines.Text(), "serving"); {
		fmt.Sscanf(lines.Text(), "pid %d", &pid)
	}
	time.Sleep(300 * time.Millisecond) // what has ended is handed over within 2 ms, and nobody can see when
	syscall.Kill(pid, syscall.SIGKILL)
	a.Wait()
	if got := tree(backend.Spans()); got != orderTree {
		t.Errorf("got\n%s%s", got, a.err.String())
	}
}

// A request that is open when the app ends is told of: by the app itself, unless it dies in a way that nobody sees
// coming, and under "lumigo run" however it dies. The pause is for the 4 ms by which the engine knows of the request; at
// an orderly end none is needed.
func TestRequestsOpenAtDeath(t *testing.T) {
	for _, test := range []struct {
		name     string
		underRun bool
		end      []string
		why      string
	}{
		{"a panic elsewhere", false, []string{"crash"}, ": panicked"},
		{"os.Exit", false, []string{"exit"}, ""},
		{"main returns", false, nil, ""},
		{"a signal", false, []string{"terminate"}, ": was killed by SIGTERM"},
		{"killed, under lumigo run", true, []string{"pause", "kill"}, ": was killed by SIGKILL"},
		{"a fatal error of the runtime, under lumigo run", true, []string{"pause", "fatal-error"}, ": exited with status 2"},
		{"a panic elsewhere, under lumigo run", true, []string{"crash"}, ": exited with status 2"},
		{"os.Exit, under lumigo run", true, []string{"exit"}, ": exited with status 3"},
		{"main returns, under lumigo run", true, nil, ": exited with status 0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			backend, err := receiver.Listen("127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer backend.Close()
			args := append([]string{"/empty", "hang"}, test.end...)
			a := start(t, true, []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + backend.URL()}, args...)
			if test.underRun {
				a = underRun(t, backend, nil, args...)
			}
			a.Run()
			if got, want := tree(backend.Spans()), "CLIENT GET 200\n  SERVER GET /empty 200\nSERVER GET ERROR\n"; got != want {
				t.Errorf("got\n%swant\n%s%s", got, want, a.err.String())
			}
			for _, s := range backend.Spans() {
				if s.Status != "ERROR" {
					continue
				}
				if !strings.HasSuffix(s.Message, "ended before the span did"+test.why) {
					t.Errorf("status %q, want one that says %q", s.Message, test.why)
				}
				for key, want := range map[string]any{"url.path": "/hang", "url.query": "token=****", "http.request.method": "GET"} {
					if s.Attributes[key] != want {
						t.Errorf("%s = %v, want %v", key, s.Attributes[key], want)
					}
				}
			}
		})
	}
}

// An app that is traced by hand has each span once, and all of them hang together: where ours go, and where its own do.
func TestTracedByHand(t *testing.T) {
	const whole = `CLIENT HTTP GET 200
  SERVER GET /hello 200
    INTERNAL inner
      CLIENT sql.conn.query
      CLIENT SELECT
      CLIENT GET 200
        SERVER GET /leaf 200
      CLIENT grpc.health.v1.Health/Check
        SERVER grpc.health.v1.Health/Check
          CLIENT GET 200
            SERVER GET /leaf 200
      CLIENT no.Service/Method ERROR
        SERVER no.Service/Method ERROR
SERVER GET /leaf 200
CONSUMER job
  CLIENT SELECT
`
	const withoutTheirs = `CLIENT GET 200
  SERVER GET /hello 200
    CLIENT SELECT
    CLIENT SELECT
    CLIENT GET 200
      SERVER GET /leaf 200
    CLIENT grpc.health.v1.Health/Check
      SERVER grpc.health.v1.Health/Check
        CLIENT GET 200
          SERVER GET /leaf 200
    CLIENT no.Service/Method ERROR
      SERVER no.Service/Method ERROR
SERVER GET /leaf 200
CLIENT SELECT
`
	const theirsAlone = `CLIENT HTTP GET
  SERVER request
    INTERNAL inner
      CLIENT sql.conn.query
      CLIENT grpc.health.v1.Health/Check
        SERVER request
      CLIENT no.Service/Method
SERVER request
SERVER request
SERVER request
CONSUMER job
`
	both := strings.NewReplacer("GET /hello", "request", "GET /leaf", "request").Replace(whole)
	for _, version := range []string{"", "-v1.20"} {
		binary := byHand(t, version)
		for _, test := range []struct {
			name, mode   string
			apart        bool // the backend of the app's own exporter is another one than ours
			ours, theirs string
			disabled     string
		}{
			{"with our provider", "", false, whole, "", ""},
			{"with its own, which sends to where ours go", "otlp", false, both, "", ""},
			{"with its own, of which few know, and which sends to where ours go", "explicit", false, both, "", ""},
			{"with its own, which sends elsewhere", "otlp", true, withoutTheirs, theirsAlone, ""},
			{"with its own, which writes", "sdk", false, withoutTheirs, theirsAlone, ""},
			// Its sampler decides as it does plain, but on the request from ours, whose sender has decided.
			{"with its own, which keeps nothing", "never", false, "SERVER GET /leaf 200\n", "", ""},
			{"with one that makes nothing", "noop", false, withoutTheirs, "", ""},
			// A statement that the app traces itself is left to it.
			{"with ours, which is disabled", "", false, strings.Replace(withoutTheirs, "    CLIENT SELECT\n", "", 1), "", "opentelemetry"},
		} {
			t.Run(test.name+version, func(t *testing.T) {
				backend, err := receiver.Listen("127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				defer backend.Close()
				other, err := receiver.Listen("127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				defer other.Close()
				a := exec.Command(binary)
				if test.mode != "" {
					a.Args = append(a.Args, test.mode)
				}
				a.Env = []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + backend.URL()}
				if test.apart {
					a.Env = []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + other.URL(), "LUMIGO_ENDPOINT=" + backend.URL(), "LUMIGO_TRACER_TOKEN=t_123456789"}
				}
				a.Env = append(a.Env, "LUMIGO_DISABLE_INSTRUMENTATION="+test.disabled)
				out, err := a.Output()
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				ours, theirs := backend.Spans(), other.Spans()
				for line := range strings.Lines(string(out)) {
					var s receiver.Span
					fmt.Sscanf(line, "span %d %s %s %s %s", &s.Start, &s.TraceID, &s.SpanID, &s.ParentID, &s.Kind)
					s.Name = strings.TrimSpace(strings.SplitN(line, " ", 7)[6])
					theirs = append(theirs, s)
				}
				for i, s := range ours {
					if status := s.Attributes["http.status_code"]; status != nil { // as it was called once
						s.Attributes["http.response.status_code"] = status
					}
					if test.mode != "" && s.Kind == "SERVER" && strings.Contains(s.Scope, "otelhttp") {
						ours[i].Name = "request" // which depends on the version
					}
				}
				for i, s := range theirs {
					if s.Kind == "SERVER" {
						theirs[i].Name = "request"
					}
					theirs[i].Attributes, theirs[i].Status = nil, "" // which those that are written do not say
				}
				if got := tree(ours); got != test.ours {
					t.Errorf("got\n%swant\n%s", got, test.ours)
				}
				if got := tree(theirs); got != test.theirs {
					t.Errorf("theirs are\n%swant\n%s", got, test.theirs)
				}
				traces := map[string]bool{}
				for _, s := range theirs {
					traces[s.TraceID] = true
				}
				for _, s := range ours {
					if len(theirs) > 0 && !traces[s.TraceID] {
						t.Errorf("%s %s is in a trace of its own", s.Kind, s.Name)
					}
				}
			})
		}
	}
}

func TestJobsOpenAtDeath(t *testing.T) {
	backend, err := receiver.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Close()
	a := underRun(t, backend, nil, "exit")
	a.Args[3] = byHand(t, "")
	a.Run()
	for _, s := range backend.Spans() {
		if s.Name == "job" {
			if s.Kind != "CONSUMER" || s.Status != "ERROR" || s.Attributes["queue"] != "q" || s.Scope != "byhand" || !strings.HasSuffix(s.Message, "exited with status 3") {
				t.Errorf("got %+v", s)
			}
			return
		}
	}
	t.Errorf("no job in\n%s%s", tree(backend.Spans()), a.err.String())
}

// byHand builds the app that is traced by hand, with the newest OpenTelemetry or an older one.
func byHand(t *testing.T, version string) (binary string) {
	t.Helper()
	lumigo, err := pythonenv.Lumigo()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	if dir = filepath.Join(dir, "byhand"); version != "" {
		for _, name := range []string{"go.mod", "go.sum"} {
			if err := os.Rename(filepath.Join(dir, strings.Replace(name, ".", version+".", 1)), filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	binary = filepath.Join(dir, "app")
	for _, args := range [][]string{{"go", "mod", "download"}, {lumigo, "go", "--strict", "build", "-o", binary, "."}} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off", "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil && args[0] == "go" {
			t.Skipf("the modules are not to be had: %s", out)
		} else if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	return binary
}

func TestResource(t *testing.T) {
	spans, a := traced(t, []string{"LUMIGO_TAG=blue"}, "/empty")
	if len(spans) == 0 {
		t.Fatal("no spans")
	}
	for _, want := range []string{"(injection mode: automatic injection)", "2 spans made; of those to be sent: 2 spans: 2 delivered"} {
		if !strings.Contains(a.err.String(), want) {
			t.Errorf("no %q in\n%s", want, a.err.String())
		}
	}
	if _, a := traced(t, nil, "pid"); strings.Contains(a.err.String(), "spans") {
		t.Errorf("a process without spans accounts for them:\n%s", a.err.String())
	}
	for key, want := range map[string]any{"telemetry.sdk.language": "go", "process.runtime.name": "gc", "service.name": "app", "lumigo.tag": "blue"} {
		if got := spans[0].Resource[key]; got != want {
			t.Errorf("%s = %v, want %v; of %v", key, got, want, slices.Sorted(maps.Keys(spans[0].Resource)))
		}
	}
}
