package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
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
)

const (
	token = "t_0123456789abcdef01234" // of the right shape, and recognisable wherever it might leak

	// patience is how long a test waits for something that must happen. It is long because the machine may
	// be busy; nothing is measured with it.
	patience = 60 * time.Second
)

func TestMain(m *testing.M) {
	// Signals that are caught here begin with their default in the programs under test, also where whoever runs
	// the tests has SIGHUP ignored, as nohup does.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	code := m.Run()
	pythonenv.Cleanup()
	printSkips()
	os.Exit(code)
}

// --- skips: none is silent --------------------------------------------------------------

var skips struct {
	sync.Mutex
	reasons []string
}

// skip ends the test as skipped and remembers why, for the summary at the end of the run.
func skip(t testing.TB, format string, args ...any) {
	t.Helper()
	reason := fmt.Sprintf(format, args...)
	if os.Getenv("LUMIGO_TEST_STRICT") != "" {
		t.Fatalf("would be skipped: %s", reason)
	}
	skips.Lock()
	skips.reasons = append(skips.reasons, t.Name()+": "+reason)
	skips.Unlock()
	t.Skip(reason)
}

func printSkips() {
	if len(skips.reasons) == 0 {
		return
	}
	fmt.Printf("%d tests were skipped:\n", len(skips.reasons))
	for _, reason := range skips.reasons {
		fmt.Println("  " + reason)
	}
}

func full() bool { return os.Getenv("LUMIGO_TEST_FULL") != "" }

// heavy skips a test that takes too long for every day.
func heavy(t testing.TB, what string) {
	t.Helper()
	if !full() {
		skip(t, "%s; runs with LUMIGO_TEST_FULL=1", what)
	}
}

func notShort(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short")
	}
}

// --- what programs run on ---------------------------------------------------------------

func defaultPython(t testing.TB) pythonenv.Interpreter {
	t.Helper()
	i, err := pythonenv.Default()
	if err != nil {
		skip(t, "%v", err)
	}
	return i
}

func supportedPythons(t testing.TB) []pythonenv.Interpreter {
	t.Helper()
	if testing.Short() {
		return []pythonenv.Interpreter{defaultPython(t)}
	}
	all := slices.DeleteFunc(slices.Clone(pythonenv.Interpreters()), func(i pythonenv.Interpreter) bool { return !i.Supported() })
	if len(all) == 0 {
		skip(t, "no supported Python was found")
	}
	return all
}

func venv(t testing.TB, i pythonenv.Interpreter, pins ...string) *pythonenv.Env {
	t.Helper()
	return available(t)(pythonenv.Venv(i, pins...))
}

func wheelVenv(t testing.TB, i pythonenv.Interpreter, pins ...string) *pythonenv.Env {
	t.Helper()
	return available(t)(pythonenv.WheelVenv(i, pins...))
}

func available(t testing.TB) func(*pythonenv.Env, error) *pythonenv.Env {
	return func(e *pythonenv.Env, err error) *pythonenv.Env {
		t.Helper()
		if errors.Is(err, pythonenv.ErrUnavailable) {
			skip(t, "%v", err)
		}
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
}

func lumigo(t testing.TB) string {
	t.Helper()
	path, err := pythonenv.Lumigo()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func repository(t testing.TB) string {
	t.Helper()
	root, err := pythonenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// testdata is the absolute path of a file in testdata.
func testdata(t testing.TB, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// --- the backend ------------------------------------------------------------------------

func newBackend(t testing.TB) *receiver.Receiver {
	t.Helper()
	r, err := receiver.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// toBackend are the variables of a usual run: a token, our receiver, and no long wait for a batch to fill.
func toBackend(r *receiver.Receiver, more ...string) []string {
	return append([]string{
		"LUMIGO_TRACER_TOKEN=" + token,
		"LUMIGO_ENDPOINT=" + r.URL(),
		"OTEL_BSP_SCHEDULE_DELAY=100",
		"OTEL_SERVICE_NAME=e2e",
	}, more...)
}

// --- processes --------------------------------------------------------------------------

// program is what to start.
type program struct {
	argv  []string
	env   []string // added to a clean environment
	dir   string
	stdin *os.File // nothing if nil
	as    *syscall.Credential
}

// process is a program that was started. It is killed, with all it started, when its test ends.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	stdout *output
	stderr *output
	ended  chan struct{}
}

// exit is how a process ended.
type exit struct {
	Code   int            // -1 if a signal ended it
	Signal syscall.Signal // 0 if none
}

func (e exit) String() string {
	if e.Signal != 0 {
		return fmt.Sprintf("signal %d (%s)", int(e.Signal), e.Signal)
	}
	return fmt.Sprintf("status %d", e.Code)
}

// shell is the status a shell would show: 128+n for signals.
func (e exit) shell() int {
	if e.Signal != 0 {
		return 128 + int(e.Signal)
	}
	return e.Code
}

func start(t testing.TB, p program) *process {
	t.Helper()
	cmd := exec.Command(p.argv[0], p.argv[1:]...)
	cmd.Env = pythonenv.Environ(p.env...)
	cmd.Dir = p.dir
	if cmd.Dir == "" {
		cmd.Dir = t.TempDir()
	}
	if p.stdin != nil {
		cmd.Stdin = p.stdin
	}
	// A group of its own: it can be killed as a whole, and a terminal's signals do not reach it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: p.as}
	run := &process{t: t, cmd: cmd, ended: make(chan struct{})}
	run.stdout, run.stderr = newOutput(run.ended), newOutput(run.ended)
	cmd.Stdout, cmd.Stderr = run.stdout, run.stderr
	// Grandchildren that keep the pipes open must not hold up the test.
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		cmd.Wait()
		close(run.ended)
	}()
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-run.ended
		if t.Failed() || os.Getenv("LUMIGO_TEST_KEEP") != "" {
			t.Logf("%s\n--- stdout\n%s--- stderr\n%s", strings.Join(p.argv, " "), clip(run.stdout.String()), clip(run.stderr.String()))
		}
	})
	return run
}

func clip(s string) string {
	const most = 5000
	if len(s) <= most {
		return s
	}
	return s[:most/2] + "\n… clipped …\n" + s[len(s)-most/2:]
}

// pipe is an input for a program, and what closes it.
func pipe(t testing.TB) (input *os.File, end func()) {
	t.Helper()
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); out.Close() })
	return in, func() { out.Close() }
}

// wait returns how the process ended.
func (p *process) wait() exit {
	p.t.Helper()
	return p.waitAtMost(patience)
}

func (p *process) waitAtMost(limit time.Duration) exit {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(limit):
		p.t.Fatalf("%s still runs after %s", p.cmd.Args, limit)
	}
	status := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return exit{-1, status.Signal()}
	}
	return exit{Code: status.ExitStatus()}
}

// running reports whether the process has not ended yet.
func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// run starts a program, waits for its end and requires success.
func run(t testing.TB, p program) *process {
	t.Helper()
	started := start(t, p)
	if e := started.wait(); e.shell() != 0 {
		t.Errorf("%s ended with %s, want status 0", strings.Join(p.argv, " "), e)
	}
	return started
}

// output is what a process writes, readable while it writes.
type output struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	changed chan struct{}
	ended   <-chan struct{} // when there will be no more
}

func newOutput(ended <-chan struct{}) *output {
	return &output{changed: make(chan struct{}), ended: ended}
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.changed)
	o.changed = make(chan struct{})
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// match waits until the output matches and returns the groups of the match.
func (o *output) match(t testing.TB, pattern string) []string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	deadline := time.After(patience)
	for last := false; ; {
		o.mu.Lock()
		found, changed := re.FindStringSubmatch(o.buf.String()), o.changed
		o.mu.Unlock()
		if found != nil {
			return found
		}
		if last {
			t.Fatalf("nothing matches %q in the output, and the process has ended:\n%s", pattern, clip(o.String()))
		}
		select {
		case <-changed:
		case <-o.ended:
			last = true // look once more at what came before the end
		case <-deadline:
			t.Fatalf("nothing matches %q in the output:\n%s", pattern, clip(o.String()))
		}
	}
}

// --- the log of the distro --------------------------------------------------------------

type logLine struct{ level, text string }

var logPattern = regexp.MustCompile(`(?m)^#LUMIGO# - \d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - ([A-Z]+) - (.*)$`)

// logLines are the distro's own lines in what a program wrote to stderr.
func logLines(stderr string) []logLine {
	var lines []logLine
	for _, m := range logPattern.FindAllStringSubmatch(stderr, -1) {
		lines = append(lines, logLine{m[1], m[2]})
	}
	return lines
}

// atLevel are the texts of the lines of one level.
func atLevel(lines []logLine, level string) []string {
	var texts []string
	for _, l := range lines {
		if l.level == level {
			texts = append(texts, l.text)
		}
	}
	return texts
}

// without removes our own lines: what is left is the app's.
func withoutLog(stderr string) string {
	return logPattern.ReplaceAllStringFunc(stderr, func(string) string { return "\x00" })
}

func appStderr(stderr string) string {
	return strings.ReplaceAll(strings.ReplaceAll(withoutLog(stderr), "\x00\n", ""), "\x00", "")
}

// --- small things -----------------------------------------------------------------------

// eventually polls until ok returns true; what says what was waited for.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("in vain waited for %s", what)
		}
	}
}

// spansUntil waits for the backend to have spans that satisfy done, and returns them all.
func spansUntil(t testing.TB, r *receiver.Receiver, what string, done func([]receiver.Span) bool) []receiver.Span {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.Wait(ctx, done); err != nil {
		t.Fatalf("%s: %v\n%s", what, err, forest(r.Spans()))
	}
	return r.Spans()
}

// freePort is a TCP port that nobody listened on a moment ago.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// listening waits until the port accepts connections or the process ends.
func (p *process) listening(port int) {
	p.t.Helper()
	eventually(p.t, fmt.Sprintf("%s to listen on port %d", p.cmd.Args[0], port), func() bool {
		if !p.running() {
			p.t.Fatalf("%s ended with %s before it listened", strings.Join(p.cmd.Args, " "), p.wait())
		}
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return false
		}
		c.Close()
		return true
	})
}

// stub is the other service that apps call: it answers everything and remembers the trace headers it saw.
type stub struct {
	URL string

	mu   sync.Mutex
	seen map[string][]http.Header // by path
	say  map[string]string        // what to answer, by path
	gate chan struct{}            // closed to answer those that wait
}

// answer sets the JSON that a path answers with.
func (s *stub) answer(path, content string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say[path] = content
}

func newStub(t testing.TB) *stub {
	t.Helper()
	s := &stub{seen: map[string][]http.Header{}, say: map[string]string{}, gate: make(chan struct{})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: s}
	go server.Serve(l)
	s.URL = "http://" + l.Addr().String()
	t.Cleanup(func() { server.Close() })
	return s
}

// ServeHTTP answers by path: /status/<n> with that status, /text/<n> with n characters, /bytes with what is
// no UTF-8, /json with a secret among other things, /wait… when the gate is closed, all else with a small object.
func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.seen[r.URL.Path] = append(s.seen[r.URL.Path], r.Header.Clone())
	content, set := s.say[r.URL.Path]
	s.mu.Unlock()
	if set {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(content))
		return
	}
	var n int
	switch path := r.URL.Path; {
	case scan(path, "/status/%d", &n):
		w.WriteHeader(n)
	case scan(path, "/text/%d", &n):
		w.Write(bytes.Repeat([]byte("x"), n))
	case path == "/bytes":
		w.Header().Set("Content-Type", "text/plain")
		w.Write([]byte{0xc3, '(', 'a', 0})
	case path == "/utf8":
		w.Write([]byte("grüße"))
	case path == "/json":
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Set-Cookie", "session=hush")
		w.Write([]byte(`{"user": "ada", "password": "hush"}`))
	case strings.HasPrefix(path, "/wait"):
		select {
		case <-s.gate:
		case <-r.Context().Done():
		}
	default:
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"left": 7}`))
	}
}

func scan(path, format string, n *int) bool {
	found, err := fmt.Sscanf(path, format, n)
	return err == nil && found == 1
}

// headers are those of the requests to a path so far.
func (s *stub) headers(path string) []http.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen[path])
}

// calls is how many requests came to paths that start with prefix.
func (s *stub) calls(prefix string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for path, seen := range s.seen {
		if strings.HasPrefix(path, prefix) {
			n += len(seen)
		}
	}
	return n
}
