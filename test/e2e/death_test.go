package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
	"github.com/lumigo-io/opentelemetry-distro/test/receiver"
)

// TestDeath: an app that dies under load leaves all its spans. Requests that were answered have one server
// span; those that were open have one as well, with status ERROR; and the launcher ends as a shell would.
func TestDeath(t *testing.T) {
	notShort(t)
	python := defaultPython(t)
	e := venv(t, python, pythonenv.Servers(python)...)
	waitress := server{argv: func(e *pythonenv.Env, port string) []string {
		return []string{e.Bin("waitress-serve"), "--listen=127.0.0.1:" + port, "--threads=8", "flask_app:app"}
	}}
	for _, row := range []struct {
		story  string
		prefix func(t *testing.T) []string // words before the server's
		kill   func(t *testing.T, launcher *process, base string)
		want   syscall.Signal
	}{
		{
			story: "SIGKILL", want: syscall.SIGKILL,
			kill: func(t *testing.T, launcher *process, _ string) {
				if err := syscall.Kill(theChild(t, launcher.cmd.Process.Pid), syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
			},
		},
		{
			story: "segmentation fault", want: syscall.SIGSEGV,
			kill: func(t *testing.T, _ *process, base string) { call(t, base, "GET", "/crash", "") },
		},
		{
			story: "out of memory", want: syscall.SIGKILL,
			prefix: func(t *testing.T) []string {
				procs := memoryGroup(t, 256<<20)
				return []string{"sh", "-c", `echo $$ > "$0" && exec "$@"`, procs}
			},
			kill: func(t *testing.T, _ *process, base string) { call(t, base, "GET", "/hog", "") },
		},
	} {
		t.Run(row.story, func(t *testing.T) {
			other, backend := newStub(t), newBackend(t)
			prefix := []string{lumigo(t), "run", "--"}
			if row.prefix != nil {
				prefix = append(prefix, row.prefix(t)...)
			}
			p, base := waitress.start(t, e, other, prefix, toBackend(backend))

			// Three requests are open, three clients never rest.
			var clients sync.WaitGroup
			var open [3]request
			for n := range open {
				clients.Go(func() { open[n] = call(t, base, "GET", fmt.Sprintf("/wait/%d", n), "") })
			}
			var mu sync.Mutex
			var answered []request
			for c := range 3 {
				clients.Go(func() {
					for n := 0; ; n++ {
						r := call(t, base, "GET", fmt.Sprintf("/orders/%d", 1000*c+n), "")
						if r.status != 200 {
							return
						}
						mu.Lock()
						answered = append(answered, r)
						mu.Unlock()
					}
				})
			}
			eventually(t, "load", func() bool {
				mu.Lock()
				defer mu.Unlock()
				return other.calls("/wait") == 3 && len(answered) >= 100
			})
			row.kill(t, p, base)
			if got := p.wait(); got.Code != 128+int(row.want) {
				t.Errorf("ended with %s, want status %d", got, 128+int(row.want))
			}
			client.CloseIdleConnections()
			clients.Wait()

			noDuplicates(t, backend)
			servers := map[string][]receiver.Span{}
			for _, s := range ofKind(backend.Spans(), "SERVER") {
				servers[s.TraceID] = append(servers[s.TraceID], s)
			}
			cutShort := 0
			for _, r := range answered {
				s := theOnly(t, "an answered request", servers[r.trace])
				if s.Status == "ERROR" {
					cutShort++ // answered, but killed before the span's end
				}
			}
			if cutShort > 3 {
				t.Errorf("%d requests that were answered arrived as errors; no more than the clients' number can have been open", cutShort)
			}
			for _, r := range open {
				if s := theOnly(t, "an open request", servers[r.trace]); s.Status != "ERROR" {
					t.Errorf("an open request has status %s", s.Status)
				}
			}
			t.Logf("%d requests were answered, %d of their spans ended by the death", len(answered), cutShort)
		})
	}
}

// theChild is the process that the launcher started.
func theChild(t *testing.T, parent int) int {
	t.Helper()
	children := childrenOf(parent)
	if len(children) != 1 {
		t.Fatalf("process %d has the children %v, want one", parent, children)
	}
	return children[0]
}

func childrenOf(parent int) []int {
	var pids []int
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent))
	for _, list := range lists {
		content, _ := os.ReadFile(list)
		for _, field := range strings.Fields(string(content)) {
			if pid, err := strconv.Atoi(field); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// memoryGroup makes a control group with a limit, of version 1 or 2, and returns the file that takes its
// processes.
func memoryGroup(t *testing.T, limit int) (procs string) {
	t.Helper()
	for _, kind := range []struct{ at, limit string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"},
		{"/sys/fs/cgroup", "memory.max"},
	} {
		group := filepath.Join(kind.at, fmt.Sprintf("lumigo-e2e-%d", time.Now().UnixNano()))
		if os.Mkdir(group, 0o755) != nil {
			continue
		}
		t.Cleanup(func() { os.Remove(group) })
		if os.WriteFile(filepath.Join(group, kind.limit), []byte(strconv.Itoa(limit)), 0o644) == nil {
			return filepath.Join(group, "cgroup.procs")
		}
	}
	skip(t, "no control group with a memory limit can be made here")
	return ""
}

// TestExitStatus: the launcher ends as the app does.
func TestExitStatus(t *testing.T) {
	notShort(t)
	for _, row := range []struct {
		story, code string
		want        int
	}{
		{"success", "pass", 0},
		{"an exit status", "raise SystemExit(3)", 3},
		{"an exception", "raise ValueError", 1},
		{"abort", "import os; os.abort()", 128 + int(syscall.SIGABRT)},
		{"its own SIGTERM", "import os; os.kill(os.getpid(), 15)", 128 + 15},
		{"_exit in a hurry", "import os; os._exit(7)", 7},
	} {
		t.Run(row.story, func(t *testing.T) {
			backend := newBackend(t)
			code := "import sqlite3; sqlite3.connect(':memory:').execute('SELECT 1').fetchall(); " + row.code
			p := start(t, program{argv: []string{lumigo(t), "run", "--", defaultPython(t).Path, "-c", code}, env: toBackend(backend)})
			if got := p.wait().shell(); got != row.want {
				t.Errorf("status %d, want %d", got, row.want)
			}
			theOnly(t, "SQL", backend.Spans())
		})
	}
}

// TestSignalsAreForwarded: what the launcher is sent reaches the app, which decides.
func TestSignalsAreForwarded(t *testing.T) {
	notShort(t)
	const code = `
import os, signal, sys, time
caught = []
for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
    signal.signal(s, lambda number, frame: (caught.append(number), os.write(1, b"caught %d\n" % number)))
os.write(1, b"ready\n")
while signal.SIGTERM not in caught:
    time.sleep(0.01)
sys.exit(5)
`
	p := start(t, program{argv: []string{lumigo(t), "run", "--", defaultPython(t).Path, "-c", code}, env: toBackend(newBackend(t))})
	p.stdout.match(t, "ready")
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTERM} {
		p.signal(s)
		p.stdout.match(t, fmt.Sprintf("caught %d\n", int(s)))
	}
	if e := p.wait(); e.Code != 5 {
		t.Errorf("ended with %s, want status 5", e)
	}
}
