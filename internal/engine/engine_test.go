package engine

import (
	"bytes"
	"context"
	"fmt"
	"net"
	nethttp "net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/handover"
	"github.com/lumigo-io/opentelemetry-distro/internal/marshal"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/semconv"
)

func TestSpansArriveMaskedDumpedAndExported(t *testing.T) {
	w := start(t)
	c := w.greet()
	c.frame(frameRecords,
		tuple{2, "framework", "flask"},
		span("GET /", object{{Key: "http.request.headers", Value: object{{Key: "Cookie", Value: "a=1"}}}}),
		span("poll", object{{Key: semconv.SkipExport, Value: true}}),
		span("text", object{{Key: semconv.SkipExport, Value: "true"}}))
	c.frame(frameGoodbye, tuple{3})
	c.c.Close()
	s := w.finish()

	lines := w.lines()
	if len(lines) != 3 || lines[0].Attributes["http.request.headers"] != `{"Cookie": "****"}` || lines[1].Attributes[semconv.SkipExport] != true {
		t.Fatalf("dump %+v", lines)
	}
	r := lines[0].Resource.Attributes
	for key, want := range map[string]any{"service.name": "shop", "framework": "flask", "process.runtime.name": "cpython", "process.pid": float64(os.Getpid()), "telemetry.sdk.language": "python"} {
		if r[key] != want {
			t.Errorf("resource: %s is %v, want %v", key, r[key], want)
		}
	}
	if environ, _ := r["process.environ"].(string); !strings.Contains(environ, `"DB_PASSWORD": "****"`) {
		t.Errorf("resource: process.environ is %v", r["process.environ"])
	}
	want := Summary{Processes: 1, Made: 3, Received: 3, Skipped: 1, Dumped: 3}
	want.Export.Accepted, want.Export.Delivered = 2, 2
	if s != want || w.posts.Load() == 0 {
		t.Errorf("summary %+v, want %+v", s, want)
	}
	if got, want := s.String(), "3 spans made in 1 process, 2 delivered, 1 not meant to be exported, 3 in the span dump"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAllThatIsMissingInTheDumpIsCountedAndSaidOnce(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	w := start(t)
	w.dump = "/dev/full"
	c := w.greet()
	c.frame(frameRecords, span("a", nil), span("b", nil), span("c", nil))
	c.frame(frameGoodbye, tuple{3})
	c.c.Close()
	s := w.finish()
	if want := "3 spans made in 1 process, 3 delivered, 3 not written to the span dump"; s.String() != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	if n := w.log.count("WARNING"); n != 1 || w.log.count(`cannot write a span to the span dump "/dev/full": no space left`) != 1 {
		t.Errorf("%d warnings, want one:\n%s", n, w.log)
	}
}

func TestSettingsFollowFromTheProcessesOwnEnvironment(t *testing.T) {
	w := start(t)
	c := w.dial()
	c.hello(w.config("OTEL_PROPAGATORS=b3", "OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=0.5", "LUMIGO_DEBUG=true",
		`LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX_SERVER=["/health"]`, "LUMIGO_DISABLE_INSTRUMENTATION=redis", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=100",
		"OTEL_SEMCONV_STABILITY_OPT_IN=http/dup", "LUMIGO_AUTO_FILTER_EMPTY_SQS=false"))
	s := c.settings()
	for key, want := range map[string]any{
		"active": true, "log_level": "DEBUG", "propagators": []any{"b3"}, "sampler": []any{"traceidratio", 0.5},
		"disabled": []any{"redis"}, "capture": int64(200), "value_limit": int64(100), "attribute_count": int64(128), "event_count": int64(128), "link_count": int64(128),
		"semconv_http_dup": true, "semconv_database_dup": false, "sqs_filter": false, "redis_reduced": true, "mongo_reduced": true, "trace_header": nil,
		"log":     []any{[]any{"DEBUG", "Storing a copy of the trace data under: " + w.dump}},
		"filters": []marshal.Pair{{Key: "general", Value: []any{}}, {Key: "server", Value: []any{"/health"}}, {Key: "client", Value: []any{}}},
	} {
		if got := s.get(key); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, want %#v", key, got, want)
		}
	}

	for name, row := range map[string]struct {
		env    object
		active bool
	}{
		"switched off":     {object{{Key: "LUMIGO_SWITCH_OFF", Value: "true"}}, false},
		"SDK disabled":     {object{{Key: "OTEL_SDK_DISABLED", Value: "true"}}, false},
		"traces disabled":  {object{{Key: "LUMIGO_ENABLE_TRACES", Value: "false"}}, false},
		"nothing is set":   {object{}, true},
		"capture is bound": {object{{Key: "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", Value: "1000000"}}, true},
	} {
		c := w.dial()
		c.hello(row.env)
		s := c.settings()
		if s.get("active") != row.active {
			t.Errorf("%s: active is %v", name, s.get("active"))
		}
		if n := s.get("capture").(int64); n > mostCapture {
			t.Errorf("%s: capture is %d, more than fits a frame", name, n)
		}
	}
}

func TestEachLineIsLoggedByOneProcessOnly(t *testing.T) {
	w := start(t)
	const noToken = "Lumigo token not provided (env var 'LUMIGO_TRACER_TOKEN' not set); no data will be sent to Lumigo"
	var lines []string
	for range 3 {
		c := w.dial()
		c.hello(object{{Key: "OTEL_BSP_SCHEDULE_DELAY", Value: "soon"}, {Key: "LUMIGO_SECRET_MASKING_REGEX", Value: `["(ad"]`},
			{Key: "LUMIGO_DEBUG_SPANDUMP", Value: "/nonexistent/dump"}})
		for _, l := range list(c.settings().get("log")) {
			lines = append(lines, fmt.Sprint(l))
		}
	}
	all := strings.Join(lines, "\n")
	for _, want := range []string{"[WARNING " + noToken + "]", "OTEL_BSP_SCHEDULE_DELAY", "LUMIGO_SECRET_MASKING_REGEX", `"/nonexistent/dump"`} {
		if strings.Count(all, want) != 1 {
			t.Errorf("%s is not there exactly once:\n%s", want, all)
		}
	}
	if len(lines) != 4 {
		t.Errorf("got %d lines, want 4:\n%s", len(lines), all)
	}
}

func TestFlushIsAnsweredOnceEverythingIsDelivered(t *testing.T) {
	w := start(t)
	c := w.greet("OTEL_BSP_SCHEDULE_DELAY=3600000")
	for i := range 3 {
		c.frame(frameRecords, span("s", nil))
		c.flush(i)
		if got := w.posts.Load(); got != int64(i+1) {
			t.Fatalf("%d requests after flush %d", got, i)
		}
	}
	nowhere := w.dial()
	nowhere.hello(object{})
	nowhere.settings()
	nowhere.flush(9)
	if s := w.finishAfter(c, nowhere); s.Export.Delivered != 3 || s.Unsent != 0 {
		t.Errorf("summary %+v", s)
	}
}

// finishAfter closes the clients, then the engine.
func (w *world) finishAfter(clients ...*client) Summary {
	for _, c := range clients {
		c.c.Close()
	}
	return w.finish()
}

func TestSpansWithoutADestinationAreCounted(t *testing.T) {
	w := start(t)
	c := w.dial()
	c.hello(object{})
	c.settings()
	c.frame(frameRecords, span("s", nil), span("s", nil))
	if s := w.finishAfter(c); s.Unsent != 2 || s.Made != 2 {
		t.Errorf("summary %+v", s)
	}
}

// seen is a viewer that counts by name.
type seen struct {
	mu    sync.Mutex
	names map[string]int
}

func (v *seen) Add(signal otlp.Signal, r *otlp.Resource, _ *otlp.Scope, item []byte) {
	name := "log record"
	if signal == otlp.Traces {
		s, _ := otlp.ParseSpan(item)
		name = s.Name
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.names[fmt.Sprint(name, " of ", len(r.Attributes()) > 0)]++
}

func TestTheViewerGetsWhatIsMeantToBeSent(t *testing.T) {
	skipped := span("skipped", object{{Key: "SKIP_EXPORT", Value: true}})
	t.Run("beside the destination", func(t *testing.T) {
		v := &seen{names: map[string]int{}}
		w := start(t, func(o *Options) { o.Viewer = v })
		c := w.greet()
		c.frame(frameRecords, span("s", nil), skipped, span("s", nil))
		s := w.finishAfter(c)
		if s.Viewed != 2 || s.Export.Delivered != 2 || s.Skipped != 1 || s.Dumped != 3 || v.names["s of true"] != 2 || len(v.names) != 1 {
			t.Errorf("summary %+v, seen %v", s, v.names)
		}
		if text := s.String(); text != "3 spans made in 1 process, 2 delivered, 1 not meant to be exported, 2 in the viewer, 3 in the span dump" {
			t.Errorf("got %q", text)
		}
	})
	t.Run("as the only destination", func(t *testing.T) {
		v := &seen{names: map[string]int{}}
		w := start(t, func(o *Options) { o.Viewer = v })
		c := w.dial()
		c.hello(object{})
		c.settings()
		c.frame(frameRecords, span("s", nil), logRecord("order 7", nil))
		s := w.finishAfter(c)
		if s.Viewed != 1 || s.Unsent != 0 || s.Made != 1 || s.Logs != 1 || s.LogsViewed != 1 || s.LogsUnsent != 0 || v.names["log record of true"] != 1 {
			t.Errorf("summary %+v, seen %v", s, v.names)
		}
		if text := s.String(); text != "1 span made in 1 process, 0 delivered, 1 in the viewer; 1 log record, 0 delivered, 1 in the viewer" {
			t.Errorf("got %q", text)
		}
	})
}

func TestEverythingSentBeforeCloseIsRead(t *testing.T) {
	w := start(t)
	clients := make([]*client, 4)
	for i := range clients {
		clients[i] = w.dial()
		clients[i].hello(w.config()) // whose answer is never read, so that closing resets the connection
	}
	const frames = 200
	for range frames {
		for _, c := range clients {
			c.frame(frameRecords, span("a", eightAttributes()), span("b", nil))
		}
	}
	if s := w.finishAfter(clients...); s.Received != 4*frames*2 || s.Export.Delivered != s.Received || s.Gaps != 0 {
		t.Errorf("summary %+v, want %d received and delivered", s, 4*frames*2)
	}
}

func TestConnectionsMadeJustBeforeCloseCount(t *testing.T) {
	w := start(t)
	clients := make([]*client, 50)
	for i := range clients {
		clients[i] = w.dial()
		clients[i].hello(w.config())
		clients[i].frame(frameRecords, span("last words", nil))
		clients[i].c.Close()
	}
	if s := w.finish(); s.Received != 50 {
		t.Errorf("summary %+v, want 50 received", s)
	}
	if _, err := os.Stat(filepath.Dir(w.path)); !os.IsNotExist(err) {
		t.Errorf("the socket's directory is still there: %v", err)
	}
}

func TestCloseHasADeadlineForThoseWhoStay(t *testing.T) {
	w := start(t)
	c := w.greet()
	c.frame(frameRecords, span("before", nil))
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if s := w.Close(ctx); s.Received != 1 || s.Export.Delivered != 1 {
		t.Errorf("summary %+v", s)
	}
	c.ended()
}

func TestAccounting(t *testing.T) {
	w := start(t)
	c := w.greet()
	c.frame(frameRecords, span("a", nil), tuple{0, "bad"}, tuple{7})
	c.sequence += 2 // two frames that never arrive
	c.dropped = 5
	c.frame(frameRecords, span("b", nil))
	c.frame(99)
	c.frame(frameGoodbye, tuple{12}) // 2 received, 5 dropped, 1 malformed: 4 are missing
	killed := w.greet()
	killed.frame(frameRecords, span("c", nil))
	killed.dropped = 1
	killed.frame(frameRecords, span("d", nil))

	s := w.finishAfter(c, killed)
	// One test process plays both, so their account is one.
	want := Summary{Processes: 1, Made: 12, Received: 4, Lost: 6, Malformed: 1, Missing: 1, Unknown: 1, Gaps: 2, Dumped: 4}
	want.Export.Accepted, want.Export.Delivered = 4, 4
	if s != want {
		t.Errorf("got  %+v\nwant %+v", s, want)
	}
	for _, warning := range []string{"not well-formed", "unknown kind", "unknown type 99"} {
		if w.log.count(warning) != 1 {
			t.Errorf("%q is not logged exactly once:\n%s", warning, w.log)
		}
	}
}

func TestStreamOrder(t *testing.T) {
	for name, row := range map[string]struct {
		sequences []uint32
		gaps      int64
	}{
		"in order":            {[]uint32{1, 2, 3}, 0},
		"one missing":         {[]uint32{1, 3}, 1},
		"wrapping around":     {[]uint32{1<<32 - 1, 0, 1}, 0},
		"started anew":        {[]uint32{9, 1, 2}, 0},
		"not numbered at all": {[]uint32{0, 0, 0}, 0},
	} {
		s := &stream{process: &process{}}
		for _, n := range row.sequences {
			s.number(header{sequence: n})
		}
		if s.count.gaps != row.gaps {
			t.Errorf("%s: %d gaps, want %d", name, s.count.gaps, row.gaps)
		}
	}
	s := &stream{process: &process{}}
	for _, total := range []uint64{0, 3, 3, 2, 7, 1 << 63} {
		s.number(header{dropped: total})
	}
	if s.count.lost != 7 {
		t.Errorf("%d lost, want the largest sane total, 7", s.count.lost)
	}
}

// TestChild is no test: it is a traced process, which other tests start.
func TestChild(t *testing.T) {
	do := os.Getenv("ENGINE_TEST_CHILD")
	if do == "" {
		t.Skip("runs in a process of its own")
	}
	path, key := handover.Address(os.Getenv(handover.Variable))
	w := &world{t: t, dump: os.Getenv("ENGINE_TEST_DUMP"), backend: &httptest.Server{URL: os.Getenv("ENGINE_TEST_BACKEND")}, Engine: &Engine{path: path, key: key}}
	c := w.greet()
	done, open := newSpanID(), newSpanID()
	c.frame(frameRecords, openSpan(done, "done", nil), openSpan(open, "open", eightAttributes()))
	c.frame(frameRecords, spanWithID(done, "done", nil))
	switch do {
	case "goodbye":
		c.frame(frameGoodbye, tuple{1})
		os.Exit(0)
	case "reconnect":
		c.flush(1)
		c.c.Close()
		again := w.greet()
		again.frame(frameRecords, spanWithID(open, "open", nil))
		again.flush(1)
	case "stay":
		c.flush(1)
		fmt.Println("ready")
		time.Sleep(time.Minute)
	case "share": // the descriptor outlives this process in a child of its own
		file, _ := c.c.File()
		sleeper := exec.Command("sleep", "60")
		sleeper.ExtraFiles = []*os.File{file}
		sleeper.Start()
		fmt.Println(sleeper.Process.Pid)
		os.Exit(0)
	}
	os.Exit(0)
}

func TestSpansOpenAtDeathAreReported(t *testing.T) {
	for name, row := range map[string]struct {
		do   string
		end  func(*exec.Cmd)
		tell bool   // the launcher knows how it ended
		why  string // "" when nothing was interrupted
	}{
		"killed":                    {do: "stay", end: func(c *exec.Cmd) { c.Process.Kill() }, tell: true, why: "ended before the span did: signal: killed"},
		"killed, and nobody says":   {do: "stay", end: func(c *exec.Cmd) { c.Process.Kill() }, why: "ended before the span did"},
		"left of its own will":      {do: "goodbye", tell: true, why: "ended before the span did: exit status 0"},
		"descriptor still in use":   {do: "share", tell: true, why: "ended before the span did: exit status 0"},
		"connected again meanwhile": {do: "reconnect", tell: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t)
			cmd := exec.Command(os.Args[0], "-test.run=^TestChild$")
			cmd.Env = append(os.Environ(), append(w.Environment(), "ENGINE_TEST_CHILD="+row.do, "ENGINE_TEST_BACKEND="+w.backend.URL, "ENGINE_TEST_DUMP="+w.dump)...)
			out, _ := cmd.StdoutPipe()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if row.do == "stay" || row.do == "share" {
				var word string
				fmt.Fscan(out, &word)
				if row.do == "share" {
					var pid int
					fmt.Sscan(word, &pid)
					defer syscall.Kill(pid, syscall.SIGKILL)
				}
			}
			if row.end != nil {
				row.end(cmd)
			}
			cmd.Wait()
			if row.tell {
				w.Exited(cmd.Process.Pid, cmd.ProcessState.String())
			}
			eventually(t, "both spans arrive", func() bool { _, err := os.Stat(w.dump); return err == nil && len(w.lines()) == 2 })
			var got line
			for _, l := range w.lines() {
				if l.Name == "open" {
					got = l
				}
			}
			if row.why == "" {
				if s := w.finish(); got.Status.Code != "UNSET" || s.Interrupted != 0 || s.Received != 2 {
					t.Errorf("got %+v, summary %+v, want no interruption", got, s)
				}
				return
			}
			if got.Status.Code != "ERROR" || !strings.HasSuffix(got.Status.Description, row.why) || got.Attributes["http.route"] != "/orders/{id}" {
				t.Errorf("got %+v, want an error that %s", got, row.why)
			}
			if row.do != "share" {
				if s := w.finish(); s.Interrupted != 1 || s.Received != 1 || s.Export.Delivered != 2 {
					t.Errorf("summary %+v", s)
				}
			}
		})
	}
}

func TestForkedChildrenMayShareADescriptor(t *testing.T) {
	if os.Getenv("ENGINE_TEST_CHILD") != "" {
		t.Skip()
	}
	python := interpreter(t)
	w := start(t)
	runPython(t, w, python, `
connect()
hello()
receive()
send(RECORDS, [span("parent before")])
for i in range(3):
    pid = os.fork()
    if pid == 0:
        state["sequence"] = 0
        if i == 1:
            hello(forked=True)
        send(RECORDS, [span("child")])
        os._exit(0)
    os.waitpid(pid, 0)
send(RECORDS, [span("parent after")])
send(GOODBYE, [(2,)])
`)
	s := w.finish()
	if s.Processes != 4 || s.Received != 5 || s.Missing != 0 || s.Gaps != 0 {
		t.Errorf("summary %+v, want 5 spans of 4 processes", s)
	}
	pids := map[any]bool{}
	for _, l := range w.lines() {
		pids[l.Resource.Attributes["process.pid"]] = true
	}
	if len(pids) != 4 {
		t.Errorf("%d pids in the dump, want 4", len(pids))
	}
}

func interpreter(t testing.TB) string {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	return python
}

func runPython(t *testing.T, w *world, python, script string) {
	t.Helper()
	cmd := exec.Command(python, "-c", "exec(open('testdata/client.py').read())\n"+script)
	cmd.Env = append(os.Environ(), append(w.Environment(), "TEST_ENDPOINT="+w.backend.URL, "TEST_DUMP="+w.dump)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestRealPythonClient(t *testing.T) {
	w := start(t)
	runPython(t, w, interpreter(t), `
connect()
hello()
settings = receive()
assert settings["active"] is True and settings["sampler"] == ("parentbased_always_on", 1.0), settings
for i in range(100):
    send(RECORDS, [span("GET /", {"http.request.headers": [(b"authorization", b"Bearer x")], "http.request.body": (b'{"password": "hun', True),
         "path": "caf\u00e9 \udc80", "big": 1 << 70, "nested": {"a": [1, {"secret": 2}]}}, [(5, "exception", {"exception.type": "E"})])])
send(FLUSH, [7])
assert receive() == (7, True)
send(GOODBYE, [(100,)])
`)
	s := w.finish()
	if s.Made != 100 || s.Export.Delivered != 100 {
		t.Errorf("summary %+v", s)
	}
	want := map[string]any{"http.request.headers": `{"authorization": "****"}`, "http.request.body": `{"password": "****"`, "path": "café \uFFFD",
		"big": "1180591620717411303424", "nested": `{"a": [1, {"secret": "****"}]}`}
	if lines := w.lines(); len(lines) != 100 || !reflect.DeepEqual(lines[0].Attributes, want) {
		t.Errorf("got %d lines, the first with %v\nwant %v", len(lines), lines[0].Attributes, want)
	}
}

func TestExportersAndDumpsAreShared(t *testing.T) {
	w := start(t)
	a, b, c := w.greet(), w.greet("LUMIGO_TAG=b"), w.greet("OTEL_EXPORTER_OTLP_HEADERS=x=y")
	for _, client := range []*client{a, b, c} {
		client.frame(frameRecords, span("s", nil))
	}
	s := w.finishAfter(a, b, c)
	exporters := map[any]bool{}
	for _, p := range w.profiles {
		exporters[p.exporter] = true
	}
	if len(w.profiles) != 3 || len(exporters) != 2 {
		t.Errorf("%d profiles, %d exporters, want 3, and one exporter for each destination, 2", len(w.profiles), len(exporters))
	}
	if s.Export.Delivered != 3 || len(w.lines()) != 3 {
		t.Errorf("summary %+v, %d lines", s, len(w.lines()))
	}
}

func TestDumpIsEmptiedOnceARun(t *testing.T) {
	w := start(t)
	if err := os.WriteFile(w.dump, []byte("of an earlier run\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		c := w.greet()
		c.frame(frameRecords, span("s", nil))
		c.flush(1)
		c.c.Close()
	}
	w.finish()
	if n := len(w.lines()); n != 3 {
		t.Errorf("%d lines, want 3", n)
	}
}

func TestOtherUsersCannotHaveTheEngineWriteFiles(t *testing.T) {
	w := start(t, func(o *Options) { o.Environ = []string{"LUMIGO_DEBUG_SPANDUMP=" + filepath.Join(o.Dir, "allowed")} })
	allowed := filepath.Join(w.options.Dir, "allowed")
	for path, want := range map[string]bool{allowed: true, filepath.Join(w.options.Dir, "else"): false} {
		p := w.profile([]string{"LUMIGO_DEBUG_SPANDUMP=" + path}, false)
		if got := p.dump != nil; got != want {
			t.Errorf("%s: dump is %v, want %v", path, got, want)
		}
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: %v", path, err)
		}
	}
	if p := w.profile([]string{"LUMIGO_DEBUG_SPANDUMP=" + filepath.Join(w.options.Dir, "else")}, true); p.dump == nil {
		t.Error("the engine's own user has no dump")
	}
}

func TestMetadataOfECSJoinsLater(t *testing.T) {
	release := make(chan struct{})
	endpoint := httptest.NewServer(nethttp.HandlerFunc(func(rw nethttp.ResponseWriter, r *nethttp.Request) {
		<-release
		if r.URL.Path == "/task" {
			fmt.Fprint(rw, `{"Cluster": "default", "TaskARN": "arn:aws:ecs:eu-west-1:1:task/default/t", "Family": "shop", "Revision": "7", "LaunchType": "EC2"}`)
		} else {
			fmt.Fprint(rw, `{"DockerId": "abc", "ContainerARN": "arn:aws:ecs:eu-west-1:1:container/c"}`)
		}
	}))
	defer endpoint.Close()
	w := start(t)
	c := w.greet("ECS_CONTAINER_METADATA_URI_V4=" + endpoint.URL)
	c.frame(frameRecords, span("early", nil))
	c.flush(1)
	close(release)
	eventually(t, "a span has the task's family", func() bool {
		c.frame(frameRecords, span("late", nil))
		c.flush(2)
		lines := w.lines()
		return lines[0].Resource.Attributes["aws.ecs.task.family"] == nil && lines[len(lines)-1].Resource.Attributes["aws.ecs.task.family"] == "shop"
	})
	w.finishAfter(c)
}

func TestInheritedListener(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	file, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	early, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: path, Net: "unixpacket"}) // before there is an engine
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	key := strings.Repeat("0f", 16)
	w := start(t, func(o *Options) { o.Listener, o.Key = file, key })
	if want := []string{"LUMIGO_ENGINE=" + key + "@" + path}; !slices.Equal(w.Environment(), want) {
		t.Errorf("environment %v, want %v", w.Environment(), want)
	}
	c := &client{t: t, c: early, key: key}
	c.hello(w.config())
	c.settings()
	c.frame(frameRecords, span("s", nil))
	if s := w.finishAfter(c); s.Received != 1 {
		t.Errorf("summary %+v", s)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the engine has removed a socket that is not its own: %v", err)
	}
}

func TestListenRefuses(t *testing.T) {
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	deep := filepath.Join(t.TempDir(), strings.Repeat("d", 100))
	if err := os.Mkdir(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{
		"a directory that is not there": {Dir: "/nonexistent"},
		"a path too long for a socket":  {Dir: deep},
		"a file that is no socket":      {Listener: file},
	} {
		if e, err := Listen(o); err == nil {
			t.Errorf("%s: no error", name)
			e.Close(context.Background())
		}
	}
}

func TestIdleTellsWhenNobodyIsConnected(t *testing.T) {
	w := start(t, func(o *Options) { o.Idle = 300 * time.Millisecond })
	first := w.greet()
	second := w.greet()
	first.c.Close()
	select {
	case <-w.Idle():
		t.Fatal("idle while a process is connected")
	case <-time.After(600 * time.Millisecond):
	}
	second.c.Close()
	select {
	case <-w.Idle():
	case <-time.After(10 * time.Second):
		t.Fatal("never idle")
	}
}

func TestPermissionsOfTheSocket(t *testing.T) {
	w := start(t)
	for path, want := range map[string]os.FileMode{filepath.Dir(w.path): 0o711 | os.ModeDir, w.path: 0o666 | os.ModeSocket} {
		info, err := os.Stat(path)
		if err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
	if _, key := handover.Address(strings.TrimPrefix(w.Environment()[0], "LUMIGO_ENGINE=")); len(key) != 32 {
		t.Errorf("key %q, want 32 digits", key)
	}
}

func TestHostilePeersHarmNobody(t *testing.T) {
	wrongKey := func(w *world) *client { c := w.dial(); c.key = strings.Repeat("0", 32); return c }
	for name, row := range map[string]struct {
		attack func(w *world)
		warn   string
	}{
		"wrong key":              {func(w *world) { c := wrongKey(w); c.hello(w.config()); c.ended() }, "does not know the engine's key"},
		"empty key":              {func(w *world) { c := w.dial(); c.key = ""; c.hello(w.config()); c.ended() }, "does not know the engine's key"},
		"records before hello":   {func(w *world) { c := w.dial(); c.frame(frameRecords, span("s", nil)); c.ended() }, "without saying hello"},
		"hello that is no value": {func(w *world) { c := w.dial(); c.frame(frameHello, big("{")); c.ended() }, "cannot be read"},
		"hello that is no dict":  {func(w *world) { c := w.dial(); c.frame(frameHello, 5); c.ended() }, "does not know the engine's key"},
		"hello of a million": {func(w *world) {
			c := w.dial()
			c.frame(frameHello, big(strings.Repeat("[\x01\x00\x00\x00", 20000)))
			c.ended()
		}, "cannot be read"},
		"too short":   {func(w *world) { c := w.dial(); c.raw([]byte("x")); c.ended() }, "of 1 bytes or more"},
		"empty frame": {func(w *world) { c := w.greet(); syscallSend(c, nil); c.flush(1) }, "of 0 bytes or more"},
		"too large": {func(w *world) {
			c := w.greet()
			c.raw(append(header{1, frameRecords, 1, 2, 0}.append(nil), make([]byte, maxFrame)...))
			c.flush(1)
		}, "bytes or more, where 16 to 131072"},
		"noise":                 {func(w *world) { c := w.greet(); c.frame(frameRecords, big("\xff\x00garbage")); c.flush(1) }, "cannot be read"},
		"count without records": {func(w *world) { c := w.greet(); c.raw(header{1, frameRecords, 65535, 2, 0}.append(nil)); c.flush(1) }, "cannot be read"},
		"flush without id":      {func(w *world) { c := w.greet(); c.frame(frameFlush, "x"); c.flush(1) }, ""},
		"goodbye without total": {func(w *world) { c := w.greet(); c.frame(frameGoodbye, "x"); c.flush(1) }, ""},
		"another version":       {func(w *world) { c := w.greet(); c.raw(header{2, frameRecords, 1, 2, 0}.append(nil)); c.flush(1) }, "speaks version 2"},
		"file descriptors": {func(w *world) {
			c := w.greet()
			before := descriptors(t)
			rights := syscall.UnixRights(0, 1, 2)
			frame := encode(header{1, frameRecords, 1, 2, 0}.append(nil), span("gift", nil))
			for range 50 {
				if _, _, err := c.c.WriteMsgUnix(frame, rights, nil); err != nil {
					t.Fatal(err)
				}
			}
			c.flush(1)
			if after := descriptors(t); after > before+10 {
				t.Errorf("%d descriptors before, %d after: ours were taken", before, after)
			}
		}, ""},
		"flood of hellos": {func(w *world) {
			c := w.dial()
			for range mostHellos + 1 {
				c.hello(w.config())
			}
			c.ended()
		}, "again and again"},
		"flood of configurations": {func(w *world) {
			for i := range 5 {
				c := w.dial()
				for j := range mostHellos {
					c.hello(w.config("OTEL_EXPORTER_OTLP_HEADERS=x=" + fmt.Sprint(i, j)))
				}
				c.c.Close()
			}
			eventually(t, "all are read", func() bool { w.mu.Lock(); defer w.mu.Unlock(); return len(w.conns) == 1 })
			w.setup.Lock()
			defer w.setup.Unlock()
			if len(w.profiles) > mostKinds || len(w.exporters) > mostKinds {
				t.Errorf("%d profiles, %d exporters", len(w.profiles), len(w.exporters))
			}
		}, ""},
		"thousands of connections": {func(w *world) {
			var all []*net.UnixConn
			for range 2000 {
				eventually(t, "there is room in the queue of those who wait to be accepted", func() bool {
					c, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: w.path, Net: "unixpacket"})
					if err == nil {
						all = append(all, c)
					}
					return err == nil
				})
			}
			for _, c := range all {
				c.Close()
			}
		}, ""},
		"never reads": {func(w *world) {
			c := w.greet()
			var peak runtime.MemStats
			for i := range 20000 {
				c.frame(frameFlush, i)
			}
			runtime.ReadMemStats(&peak)
			c.c.Close()
		}, ""},
		"open spans without end": {func(w *world) {
			c := w.greet()
			for range 4 * mostOpen {
				c.frame(frameRecords, openSpan(newSpanID(), "open", nil))
			}
			c.flush(1)
			if n := openSpans(w); n > mostOpen {
				t.Errorf("%d open spans are kept", n)
			}
		}, ""},
		"facts and scopes without end": {func(w *world) {
			c := w.greet()
			for i := range 1000 {
				s := span("s", nil)
				s[12] = fmt.Sprint("scope", i)
				c.frame(frameRecords, tuple{2, fmt.Sprint("fact", i), "x"}, s)
			}
			c.flush(1)
			w.scopesMu.Lock()
			defer w.scopesMu.Unlock()
			if len(w.scopes) > mostScopes {
				t.Errorf("%d scopes", len(w.scopes))
			}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			victim := w.greet()
			victim.frame(frameRecords, span("before", nil))
			row.attack(w)
			row.attack(w) // which is no news
			victim.frame(frameRecords, span("after", nil))
			victim.flush(77)
			var names []string
			for _, l := range w.lines() {
				if l.Name == "before" || l.Name == "after" {
					names = append(names, l.Name)
				}
			}
			if !slices.Equal(names, []string{"before", "after"}) {
				t.Errorf("of the victim's spans %v arrived", names)
			}
			if row.warn != "" && w.log.count(row.warn) != 1 {
				t.Errorf("%q is not logged exactly once:\n%s", row.warn, w.log)
			}
			if strings.Contains(w.log.String(), w.key) {
				t.Error("the key is in the log")
			}
		})
	}
}

func openSpans(w *world) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for p := range w.all {
		p.mu.Lock()
		n += len(p.open)
		p.mu.Unlock()
	}
	return n
}

func syscallSend(c *client, b []byte) {
	raw, _ := c.c.SyscallConn()
	raw.Write(func(fd uintptr) bool {
		syscall.SendmsgN(int(fd), b, nil, nil, 0)
		return true
	})
}

func descriptors(t testing.TB) int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestPeerOfALaterVersionIsToldSo(t *testing.T) {
	w := start(t)
	c := w.dial()
	body := encode(nil, object{{Key: "key", Value: w.key}})
	c.raw(append(header{2, frameHello, 1, 1, 0}.append(nil), body...))
	s := c.settings()
	if log := fmt.Sprint(s.get("log")); s.get("active") != false || !strings.Contains(log, "version 2") {
		t.Errorf("settings %v", s)
	}
}

func TestForkedChildGetsNoAnswerThatItsParentWouldRead(t *testing.T) {
	w := start(t)
	c := w.dial()
	c.hello(w.config(), marshal.Pair{Key: "forked", Value: true})
	c.frame(frameRecords, span("s", nil))
	c.flush(1) // whose answer is the first
	if s := w.finishAfter(c); s.Received != 1 {
		t.Errorf("summary %+v", s)
	}
}

func TestPidOfAnotherTime(t *testing.T) {
	w := start(t)
	c := w.greet()
	c.frame(frameRecords, openSpan(newSpanID(), "open", nil))
	c.flush(1)
	w.mu.Lock()
	first := w.processes[os.Getpid()]
	w.mu.Unlock()
	first.mu.Lock()
	first.start = "another time"
	first.mu.Unlock()
	again := w.greet()
	again.frame(frameRecords, span("s", nil))
	if s := w.finishAfter(c, again); s.Processes != 2 || s.Interrupted != 1 {
		t.Errorf("summary %+v, want two processes that had the same pid", s)
	}
}

func TestMistakesOfOursStayHere(t *testing.T) {
	w := start(t)
	c := w.greet()
	w.mu.Lock()
	p := w.processes[os.Getpid()]
	w.mu.Unlock()
	p.mu.Lock()
	p.profile = nil // which cannot be
	p.mu.Unlock()
	c.frame(frameRecords, span("s", nil))
	c.ended()
	if w.log.count("internal error") == 0 {
		t.Errorf("the log says nothing of it:\n%s", w.log)
	}
	c = w.greet()
	c.frame(frameRecords, span("after", nil))
	if s := w.finishAfter(c); s.Export.Delivered != 1 {
		t.Errorf("summary %+v", s)
	}
}

func TestManyProcessesAtOnce(t *testing.T) {
	w := start(t)
	var group sync.WaitGroup
	for range 16 {
		c := w.greet()
		group.Add(1)
		go func() {
			defer group.Done()
			for i := range 300 {
				id := newSpanID()
				c.frame(frameRecords, openSpan(id, "s", nil), spanWithID(id, "s", eightAttributes()))
				if i%50 == 0 {
					c.frame(frameFlush, i)
				}
			}
			c.c.Close()
		}()
	}
	group.Wait()
	if s := w.finish(); s.Received != 16*300 || s.Interrupted != 0 || s.Export.Delivered != s.Received || int(s.Dumped) != len(w.lines()) {
		t.Errorf("summary %+v", s)
	}
}

// FuzzFrames sends any frames over a real connection of a process that has said
// hello, and sees that another process is served after.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("x"), []byte(""))
	f.Add(header{1, frameHello, 1, 1, 0}.append(nil), header{1, frameGoodbye, 1, 2, 0}.append(nil))
	f.Add(encode(header{1, frameRecords, 1, 1, 5}.append(nil), span("s", eightAttributes())), encode(header{1, frameFlush, 1, 2, 0}.append(nil), 1))
	f.Add(encode(header{1, frameRecords, 2, 1, 5}.append(nil), openSpan(newSpanID(), "s", nil)), encode(header{1, frameRecords, 1, 2, 0}.append(nil), tuple{2, "a", "b"}))
	w := start(f)
	victim := w.greet()
	f.Fuzz(func(t *testing.T, first, second []byte) {
		if len(first) == 0 || len(second) == 0 || len(first)+len(second) > maxFrame {
			return
		}
		attacker := &world{t: t, Engine: w.Engine}
		c := attacker.dial()
		c.hello(object{})
		c.c.Write(first)
		c.c.Write(second)
		c.c.Close()
		victim.t = t
		victim.flush(int(spanIDs.Add(1)))
	})
}

func TestWorkedExampleOfTheProtocol(t *testing.T) {
	page, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, ok := bytes.Cut(page, []byte("```hex\n"))
	example, _, end := bytes.Cut(example, []byte("```"))
	if !ok || !end {
		t.Fatal("docs/protocol.md has no block of type hex")
	}
	var frame []byte
	for _, l := range strings.Split(string(example), "\n") {
		digits, _, _ := strings.Cut(l, "  ")
		for _, pair := range strings.Fields(digits) {
			var b byte
			if _, err := fmt.Sscanf(pair, "%02x", &b); err != nil {
				t.Fatalf("%q: %v", l, err)
			}
			frame = append(frame, b)
		}
	}
	want := header{version: 1, kind: frameRecords, count: 1, sequence: 2, dropped: 3}.append(nil)
	want = encode(want, tuple{0, []byte("0123456789abcdef"), []byte("01234567"), nil, 1, nil, "GET /", 2,
		int64(1767312000000000000), int64(1767312000001000000), 0, nil, "wsgi", object{{Key: "http.response.status_code", Value: 200}}, nil, nil, nil})
	if !bytes.Equal(frame, want) {
		t.Errorf("the page has\n%x\nwant\n%x", frame, want)
	}
	_, body, _ := parseHeader(frame)
	var d decoder
	d.Reset(body)
	if d.next(newProfile(t)) != finished || d.More() {
		t.Error("the example does not decode")
	}
}
