package launcher

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
	"github.com/lumigo-io/opentelemetry-distro/internal/engine"
)

// The launcher takes over the process it runs in, so each test runs it in one of its own: this test binary,
// started again as "launch COMMAND...". "child" is a command that tells which signals reach it.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "launch":
			os.Exit(launchMain(os.Args[2:]))
		case "child":
			os.Exit(childMain(os.Args[2:]))
		}
	}
	// Signals that are caught here begin with their default in the programs under test, also where whoever runs
	// the tests has SIGHUP ignored, as nohup does.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	os.Exit(m.Run())
}

var pythonPart = fstest.MapFS{
	"sitecustomize/sitecustomize.py":   {Data: []byte("# starts the package\n")},
	"lumigo_opentelemetry/__init__.py": {Data: []byte("# the package\n")},
}

// launchMain runs a command with an engine that does what ENGINE says, and writes down in the file JOURNAL
// what it is told.
func launchMain(command []string) int {
	timeout, err := time.ParseDuration(os.Getenv("FLUSH_TIMEOUT"))
	if err != nil {
		timeout = 5 * time.Second
	}
	var stay func()
	if os.Getenv("STAY") != "" {
		stay = func() { journal("staying\n") }
	}
	status, err := Run(Options{
		Stay:         stay,
		Command:      command,
		Environ:      os.Environ(),
		Python:       pythonPart,
		FlushTimeout: timeout,
		Listen: func(string, *diag.Logger) (Engine, error) {
			switch os.Getenv("ENGINE") {
			case "cannot listen":
				return nil, errors.New("no socket: the disk is full")
			case "panics in listen":
				panic("listen")
			}
			return scripted(os.Getenv("ENGINE")), nil
		},
	})
	if err != nil {
		e := new(Error)
		errors.As(err, &e)
		fmt.Fprintf(os.Stderr, "error: %v\nhint: %s\n", err, e.Hint)
		return e.Status
	}
	return status
}

type scripted string

func (scripted) Environment() []string {
	return []string{"LUMIGO_ENGINE=key@/socket"}
}

func (s scripted) Serve() error {
	switch s {
	case "panics in serve":
		panic("serve")
	case "fails in serve":
		return errors.New("no poller")
	}
	return nil
}

func (s scripted) Exited(pid int, description string) {
	journal("%d %s\n", pid, description)
	if s == "panics in exited" {
		panic("exited")
	}
}

func (s scripted) Close(ctx context.Context) engine.Summary {
	switch s {
	case "panics in close":
		panic("close")
	case "cannot flush":
		journal("closing\n")
		<-ctx.Done()
		journal("closed: %v\n", context.Cause(ctx))
	}
	return engine.Summary{Processes: len(os.Getenv("HELLO")), Made: 2}
}

func journal(format string, args ...any) {
	if name := os.Getenv("JOURNAL"); name != "" {
		f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err == nil {
			fmt.Fprintf(f, format, args...)
			f.Close()
		}
	}
}

// childMain prints the signals it gets, and obeys the lines it reads: "exit N", or "stop" as Ctrl-Z does to
// a program that minds it.
func childMain([]string) int {
	signals := make(chan os.Signal, 100)
	for s := syscall.Signal(1); s <= 64; s++ {
		switch s {
		case unix.SIGURG, unix.SIGCHLD, unix.SIGTSTP, unix.SIGCONT, unix.SIGPIPE:
		default:
			if !signal.Ignored(s) {
				signal.Notify(signals, s)
			}
		}
	}
	lines := make(chan string)
	go func() {
		in := bufio.NewScanner(os.Stdin)
		for in.Scan() {
			lines <- in.Text()
		}
		close(lines)
	}()
	fmt.Printf("ready %d\n", os.Getpid())
	for {
		select {
		case s := <-signals:
			name := unix.SignalName(s.(syscall.Signal))
			if name == "" {
				name = fmt.Sprintf("signal %d", s)
			}
			fmt.Printf("got %s\n", name)
		case line, open := <-lines:
			if !open {
				return 0
			}
			status, _ := strconv.Atoi(strings.TrimPrefix(line, "exit "))
			return status
		}
	}
}

// A running is a launcher, started by a test that talks with its command.
type running struct {
	t       *testing.T
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     chan string // lines of standard output; closed at its end
	errors  *strings.Builder
	journal string
	child   int // pid of the command, once it is ready
}

func launcherCommand(t *testing.T, env []string, command ...string) (*exec.Cmd, string) {
	t.Helper()
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], append([]string{"launch"}, command...)...)
	cmd.WaitDelay = time.Second
	journal := filepath.Join(dir, "journal")
	cmd.Env = append(os.Environ(), append([]string{"TMPDIR=" + dir, "XDG_CACHE_HOME=", "PYTHONPATH=", "LUMIGO_SWITCH_OFF=", "GORACE=atexit_sleep_ms=0", "JOURNAL=" + journal}, env...)...)
	return cmd, journal
}

// start starts "child" under a launcher, and waits until it is ready.
func start(t *testing.T, env ...string) *running {
	t.Helper()
	cmd, journal := launcherCommand(t, env, os.Args[0], "child")
	r := &running{t: t, cmd: cmd, journal: journal, errors: new(strings.Builder)}
	r.cmd.Stderr = r.errors
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.attach(in, out)
	return r
}

func (r *running) attach(in io.WriteCloser, out io.Reader) {
	r.t.Helper()
	r.in, r.out = in, make(chan string, 100)
	r.t.Cleanup(func() { r.cmd.Process.Kill() })
	go func() {
		defer close(r.out)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			r.out <- strings.TrimRight(lines.Text(), "\r")
		}
	}()
	ready := r.expect("ready ")
	r.child, _ = strconv.Atoi(strings.TrimPrefix(ready, "ready "))
}

// expect returns the next line of output, which must begin with want.
func (r *running) expect(want string) string {
	r.t.Helper()
	select {
	case line, open := <-r.out:
		if !open || !strings.HasPrefix(line, want) {
			r.t.Fatalf("output %q (more to come: %v), want %q\n%s", line, open, want, r.errors)
		}
		return line
	case <-time.After(20 * time.Second):
		r.t.Fatalf("no output, want %q\n%s", want, r.errors)
	}
	return ""
}

func (r *running) say(line string) {
	r.t.Helper()
	if _, err := io.WriteString(r.in, line+"\n"); err != nil {
		r.t.Fatal(err)
	}
}

func (r *running) signal(s syscall.Signal) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.t.Fatal(err)
	}
}

// wait returns the launcher's exit status; -1 if a signal ended it.
func (r *running) wait() int {
	r.t.Helper()
	within(r.t, "the launcher's end", func() bool { // not Wait at once: it closes the pipe we still read
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, r.cmd.Process.Pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		return err != nil || info.Signo != 0
	})
	r.cmd.Wait()
	return r.cmd.ProcessState.ExitCode()
}

func within(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(content)
}

// runLauncher runs a command to its end.
func runLauncher(t *testing.T, env []string, stdin string, command ...string) (status int, stdout, stderr, journal string) {
	t.Helper()
	cmd, name := launcherCommand(t, env, command...)
	var out, err strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &err
	if e := cmd.Run(); e != nil && cmd.ProcessState == nil {
		t.Fatal(e)
	}
	return cmd.ProcessState.ExitCode(), out.String(), err.String(), readFile(t, name)
}
