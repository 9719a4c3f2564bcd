package viewer

import (
	"bufio"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
)

// startDemo runs `lumigo demo` until the end of the test, and returns the addresses that it prints: of its viewer, and
// the path of the trace that it shows there.
func startDemo(t testing.TB) (viewer, path string) {
	t.Helper()
	binary, err := pythonenv.Lumigo()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "demo", "--no-open")
	var said strings.Builder
	cmd.Stderr = &said
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGINT)
		io.Copy(io.Discard, output)
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Errorf("the demo ended with %v, and said:\n%s", err, said.String())
		}
	})
	for lines := bufio.NewScanner(output); lines.Scan(); {
		if m := regexp.MustCompile(`^This trace +(http://[^/]+)(/trace/[0-9a-f]{32})$`).FindStringSubmatch(lines.Text()); m != nil {
			viewer, path = m[1], m[2]
		}
		if strings.HasPrefix(lines.Text(), "The end ") {
			return viewer, path
		}
	}
	t.Fatal("the demo does not say where its trace is")
	return "", ""
}

// The first thing that a newcomer does: the README's command, and the page at the address that it prints.
func TestDemoIsSeenInTheBrowser(t *testing.T) {
	browser(t) // which may skip the test
	if _, err := pythonenv.Default(); err != nil {
		t.Skipf("SKIP: %v", err)
	}
	v, path := startDemo(t)
	for _, as := range []look{desktop, {"desktop-dark", 1360, 820, true}, {"narrow", 375, 740, false}, {"narrow-dark", 375, 740, true}} {
		t.Run(as.name, func(t *testing.T) {
			p := openAs(t, v, path, as)
			p.until("document.querySelectorAll('" + spanRows + "').length === 11")
			rows := strings.Join(p.texts(spanRows), "\n")
			for _, want := range []string{"web", "POST /checkout", "GET /items/cherry", "stock", "SELECT items", "orders", "POST /orders", "INSERT", "payments", "POST /charges", "UPDATE"} {
				if !strings.Contains(rows, want) {
					t.Errorf("no %s in the waterfall:\n%s", want, rows)
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
