package detached

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// An engine cannot be detached from the process that tests it, so this test binary is, as "app N", the
// application that starts one on its descriptor N, and, as "engine", that engine.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "app":
			fd, _ := strconv.Atoi(os.Args[2])
			if err := Start(fd, "engine"); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		case "engine":
			if Serve(Options{Environ: os.Environ(), Version: "1.2.3", Idle: 100 * time.Millisecond, FlushTimeout: time.Second}) != nil {
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

// An app is an application whose engine has been started. The engine, having lost its parent, has become our
// child, so that we see its end.
type app struct {
	t      *testing.T
	socket string
	engine int
	err    *os.File // the reader of its standard error, a pipe
	writer int      // one more writer of that pipe, until it is closed
}

func startEngine(t *testing.T, environ ...string) *app {
	t.Helper()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Skipf("SKIP: cannot become the parent of an orphan: %v", err)
	}
	root, err := os.MkdirTemp("/tmp", "lumigo-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	dir := filepath.Join(root, "lumigo-socket")
	if err := os.Mkdir(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	a := &app{t: t, socket: dir + "/engine"}
	listener, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(listener)
	if err := unix.Bind(listener, &unix.SockaddrUnix{Name: a.socket}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(listener, 8); err != nil {
		t.Fatal(err)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close() })
	reader.SetReadDeadline(time.Now().Add(20 * time.Second))
	secret, other, err := os.Pipe() // a file of the application
	if err != nil {
		t.Fatal(err)
	}
	defer secret.Close()
	defer other.Close()
	environ = append(environ, "LUMIGO_ENGINE=0123456789abcdef0123456789abcdef@", // of two, the first counts
		"GORACE=atexit_sleep_ms=0") // or the engine would give up before anybody connects
	pid, err := syscall.ForkExec(os.Args[0], []string{"lumigo", "app", "5"}, &syscall.ProcAttr{
		Env:   append(environ, os.Environ()...),
		Files: []uintptr{0, writer.Fd(), writer.Fd(), other.Fd(), secret.Fd(), uintptr(listener)},
	})
	if err != nil {
		t.Fatal(err)
	}
	a.err = reader
	if a.writer, err = unix.FcntlInt(writer.Fd(), unix.F_DUPFD_CLOEXEC, 0); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil || status.ExitStatus() != 0 {
		text, _ := io.ReadAll(reader)
		t.Fatalf("the engine was not started: %v, status %d\n%s", err, status.ExitStatus(), text)
	}
	a.engine = onlyChild(t)
	return a
}

// onlyChild finds the process whose parent we have become.
func onlyChild(t *testing.T) int {
	t.Helper()
	children, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	var pids []string
	for _, name := range children {
		content, _ := os.ReadFile(name)
		pids = append(pids, strings.Fields(string(content))...)
	}
	if len(pids) != 1 {
		t.Fatalf("children %q, want the engine", pids)
	}
	pid, _ := strconv.Atoi(pids[0])
	return pid
}

func (a *app) connect() (disconnect func()) {
	a.t.Helper()
	_, disconnect = a.dial()
	return disconnect
}

func (a *app) dial() (fd int, disconnect func()) {
	a.t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.Connect(fd, &unix.SockaddrUnix{Name: a.socket})
	}
	if err != nil {
		a.t.Fatal(err)
	}
	return fd, func() { unix.Close(fd) }
}

// wait returns the engine's exit status.
func (a *app) wait() int {
	a.t.Helper()
	var status syscall.WaitStatus
	for {
		if _, err := syscall.Wait4(a.engine, &status, 0, nil); err != syscall.EINTR {
			if err != nil {
				a.t.Fatal(err)
			}
			return status.ExitStatus()
		}
	}
}

func within(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// handles tells what each descriptor of the engine is, once it serves.
func (a *app) handles() map[int]string {
	handles := map[int]string{}
	dir := fmt.Sprintf("/proc/%d/fd", a.engine)
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		fd, _ := strconv.Atoi(entry.Name())
		handles[fd], _ = os.Readlink(filepath.Join(dir, entry.Name()))
	}
	return handles
}

func TestEngineHoldsNothingOfTheApp(t *testing.T) {
	a := startEngine(t)
	disconnect := a.connect()
	defer a.wait()
	defer disconnect()
	within(t, "the engine to serve", func() bool {
		for _, what := range a.handles() {
			if what == "anon_inode:[eventpoll]" {
				return true
			}
		}
		return false
	})
	var pipes []int
	for fd, what := range a.handles() {
		if strings.HasPrefix(what, "pipe:") {
			pipes = append(pipes, fd)
		}
	}
	if len(pipes) != 2 {
		t.Errorf("the engine has pipes at %d, want them at 1 and 2 alone; all: %v", pipes, a.handles())
	}
	if input := a.handles()[0]; input != "/dev/null" {
		t.Errorf("its input is %s", input)
	}
	if dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", a.engine)); dir != "/" {
		t.Errorf("its directory is %s, %v", dir, err)
	}
	if session, err := unix.Getsid(a.engine); session != a.engine {
		t.Errorf("it is in session %d, %v; want its own, %d", session, err, a.engine)
	}
}

func TestReaderOfTheAppsErrorsDoesNotWaitForTheEngine(t *testing.T) {
	a := startEngine(t)
	disconnect := a.connect()
	defer a.wait()
	defer disconnect()
	unix.Close(a.writer)
	// The app has ended, the engine serves on.
	if text, err := io.ReadAll(a.err); err != nil {
		t.Errorf("read %q, %v", text, err)
	}
}

func TestEngineWritesToTheAppsErrors(t *testing.T) {
	a := startEngine(t)
	defer unix.Close(a.writer)
	fd, disconnect := a.dial()
	unix.Write(fd, []byte("no frame"))
	line, err := bufio.NewReader(a.err).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "#LUMIGO# - ") {
		t.Errorf("read %q, %v; want a log line", line, err)
	}
	disconnect()
	a.wait()
}

func TestEngineEndsWhenAllAreGone(t *testing.T) {
	a := startEngine(t)
	first, second := a.connect(), a.connect()
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT} {
		within(t, "the engine to ignore "+s.String(), func() bool {
			status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", a.engine))
			_, ignored, _ := strings.Cut(string(status), "SigIgn:\t")
			ignored, _, _ = strings.Cut(ignored, "\n")
			mask, _ := strconv.ParseUint(ignored, 16, 64)
			return mask&(1<<(s-1)) != 0
		})
		syscall.Kill(a.engine, s)
	}
	first()
	third := a.connect()
	second()
	third()
	if status := a.wait(); status != 0 {
		t.Errorf("status %d", status)
	}
	if _, err := os.Stat(filepath.Dir(a.socket)); !os.IsNotExist(err) {
		t.Errorf("the socket's directory was left behind: %v", err)
	}
}

func TestEngineEndsWhenNobodyComes(t *testing.T) {
	if status := startEngine(t).wait(); status != 0 {
		t.Errorf("status %d", status)
	}
}

func TestEngineWithoutAKeyDoesNotServe(t *testing.T) {
	a := startEngine(t, "LUMIGO_ENGINE=")
	if status := a.wait(); status == 0 {
		t.Error("an engine without a key should not serve, as everybody would be refused")
	}
}

func TestStartRefusesWhatIsNoSocket(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	defer writer.Close()
	stream, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(stream[0])
	defer unix.Close(stream[1])
	for name, fd := range map[string]int{"a pipe": int(reader.Fd()), "a stream socket": stream[0], "nothing": 9999} {
		want := fmt.Sprintf("descriptor %d is not a listening SOCK_SEQPACKET socket", fd)
		if err := Start(fd, "engine"); err == nil || err.Error() != want {
			t.Errorf("%s: error %v, want %q", name, err, want)
		}
	}
}
