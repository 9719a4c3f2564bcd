package viewer

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
)

// demo is the command `lumigo demo`.
func demo(t testing.TB) *exec.Cmd {
	t.Helper()
	binary, err := pythonenv.Lumigo()
	if err != nil {
		t.Fatal(err)
	}
	return exec.Command(binary, "demo", "--no-open")
}

// startDemo runs a command that is a demo until stop is called, and returns the addresses that it prints: of its viewer,
// and the path of the trace that it shows there.
func startDemo(t testing.TB, cmd *exec.Cmd) (viewer, path string, stop func()) {
	t.Helper()
	var said strings.Builder
	cmd.Stderr = &said
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) // as a terminal does
		io.Copy(io.Discard, output)
		if err := cmd.Wait(); err != nil && cmd.Args[0] != "go" { // which ends with 1 if it is interrupted
			t.Errorf("the demo ended with %v, and said:\n%s", err, said.String())
		}
	}
	for lines := bufio.NewScanner(output); lines.Scan(); {
		if m := regexp.MustCompile(`^This trace +(http://[^/]+)(/trace/[0-9a-f]{32})$`).FindStringSubmatch(lines.Text()); m != nil {
			viewer, path = m[1], m[2]
		}
		if strings.HasPrefix(lines.Text(), "The end ") {
			return viewer, path, stop
		}
	}
	stop()
	t.Fatalf("the demo does not say where its trace is, but\n%s", said.String())
	return "", "", nil
}

// The first thing that a newcomer does: the README's command, and the page at the address that it prints.
func TestDemoIsSeenInTheBrowser(t *testing.T) {
	browser(t) // which may skip the test
	if _, err := pythonenv.Default(); err != nil {
		t.Skipf("SKIP: %v", err)
	}
	v, path, stop := startDemo(t, demo(t))
	defer stop()
	for _, as := range []look{desktop, {"desktop-dark", 1360, 820, true}, {"narrow", 375, 740, false}, {"narrow-dark", 375, 740, true}} {
		t.Run(as.name, func(t *testing.T) {
			p := openAs(t, v, path, as)
			p.until("document.querySelectorAll('" + spanRows + "').length === 11")
			rows := strings.Join(strings.Fields(strings.Join(p.texts(spanRows), "\n")), " ")
			for _, want := range []string{"web POST", "stock GET", "SELECT items", "orders POST /orders", "INSERT", "payments POST /charges", "UPDATE"} {
				if !strings.Contains(rows, want) {
					t.Errorf("no %s in the waterfall: %s", want, rows)
				}
			}
			p.keep("demo-trace-" + as.name)
			p.goTo("/")
			p.until("document.querySelector('" + traceRows + "')")
			p.keep("demo-list-" + as.name)
			p.goTo("/map")
			for _, service := range []string{"web", "stock", "orders", "payments"} {
				p.until("[...document.querySelectorAll('.node')].some((e) => e.textContent.includes(" + quote(service) + "))")
			}
			p.keep("demo-map-" + as.name)
		})
	}
}

// BenchmarkDemo measures how long it takes from the README's first command until the trace is drawn in the browser, which
// runs already. The command builds and starts four services, which make a trace: once with what an earlier one has left
// in Go's cache, and once in a fresh clone with an empty one, where it also builds itself.
//
//	LUMIGO_TEST_BROWSER=1 go test -run='^$' -bench=Demo -benchtime=1x ./test/viewer
func BenchmarkDemo(b *testing.B) {
	browser(b)
	root, err := pythonenv.Root()
	if err != nil {
		b.Fatal(err)
	}
	if _, err := pythonenv.Lumigo(); err != nil {
		b.Fatal(err)
	}
	measure := func(b *testing.B, command func(testing.TB) *exec.Cmd) {
		for range b.N {
			b.StopTimer()
			cmd := command(b)
			b.StartTimer()
			v, path, stop := startDemo(b, cmd)
			p := open(b, v, path)
			p.until("document.querySelectorAll('" + spanRows + "').length === 11")
			b.StopTimer()
			stop()
		}
		b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/demo")
		b.ReportMetric(0, "ns/op")
	}
	b.Run("again", func(b *testing.B) { measure(b, demo) })
	b.Run("fresh clone", func(b *testing.B) {
		measure(b, func(b testing.TB) *exec.Cmd {
			clone := filepath.Join(b.TempDir(), "clone")
			if out, err := exec.Command("git", "clone", "--quiet", root, clone).CombinedOutput(); err != nil {
				b.Skipf("SKIP: %v: %s", err, out)
			}
			cmd := exec.Command("go", "run", "./cmd/lumigo", "demo", "--no-open")
			cmd.Dir, cmd.Env = clone, append(os.Environ(), "GOCACHE="+b.TempDir())
			return cmd
		})
	})
}
