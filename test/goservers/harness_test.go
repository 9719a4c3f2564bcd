package goservers

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
	"github.com/lumigo-io/opentelemetry-distro/test/receiver"
	"github.com/lumigo-io/opentelemetry-distro/test/servers"
)

// A server is a program in testdata/servers.
type server struct {
	name     string // of its directory
	heavy    bool   // only with LUMIGO_TEST_FULL
	apart    bool   // what it requires would change other servers: only in modules of its own, with versions
	requests []request
	besides  string         // spans that belong to none of the requests; equal ones once, by name
	varies   *regexp.Regexp // what is never the same in two answers
	postgres bool           // it is told of a PostgreSQL server by DATABASE_URL
	versions []string       // of the library, to be tried besides that of go.mod: "module@version", with others that belong to it
}

// A request is one that is sent to a server, and the spans that come of it, drawn by [receiver.Tree]. As it names a
// parent, a trace and a span that the test has made up, these are all spans of that trace.
type request struct {
	ask    string // method and path
	header string // "Name: value", one a line
	body   string // if the server switches protocols, what is then sent in the other
	spans  string
	shows  map[string]any // some attributes of the server's span
	below  []attributes   // and of spans below it
	pinned bool           // other versions of the library answer otherwise
}

// attributes are some of those that each span of a kind and name is to have.
type attributes struct {
	kind, name string
	want       map[string]any
}

func TestMain(m *testing.M) {
	status := m.Run()
	pythonenv.Cleanup()
	os.Exit(status)
}

func TestServers(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	for _, s := range cases {
		t.Run(s.name, func(t *testing.T) {
			if s.heavy && os.Getenv("LUMIGO_TEST_FULL") == "" {
				t.Skip("it takes long to build; runs with LUMIGO_TEST_FULL=1")
			}
			t.Parallel()
			if !s.apart {
				try(t, s, filepath.Join("testdata", "servers"))
			}
			for _, versions := range s.versions {
				t.Run(strings.ReplaceAll(versions, "/", ":"), func(t *testing.T) {
					if os.Getenv("LUMIGO_TEST_FULL") == "" {
						t.Skip("runs with LUMIGO_TEST_FULL=1")
					}
					t.Parallel()
					s := s
					s.requests = slices.DeleteFunc(slices.Clone(s.requests), func(r request) bool { return r.pinned })
					try(t, s, moduleWith(t, s, strings.Fields(versions)))
				})
			}
		})
	}
}

// try compares a server of the module in dir, plain and woven.
func try(t *testing.T, s server, dir string) {
	download(t, s, dir)
	plain, woven := build(t, s, dir, false), build(t, s, dir, true)
	sameModules(t, plain, woven)

	var more []string
	if s.postgres {
		more = append(more, "DATABASE_URL="+postgres(t))
	}
	backend, err := receiver.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Close()
	want, wantEnd := play(t, s, plain, more...)
	got, gotEnd := play(t, s, woven, append(more, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+backend.URL())...)
	for n, r := range s.requests {
		if got[n] != want[n] {
			t.Errorf("%s: woven, it answers\n%s\nwhere it answers plain\n%s", r.ask, got[n], want[n])
		}
	}
	if gotEnd != wantEnd {
		t.Errorf("woven, it ends with %s, plain with %s", gotEnd, wantEnd)
	}
	checkSpans(t, s, backend.Spans())
}

// moduleWith makes a module of one server alone, with other versions of what it requires.
func moduleWith(t *testing.T, s server, versions []string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{s.name, "local"} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join("testdata", "servers", name))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/servers\n\ngo 1.24.0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{append([]string{"get"}, versions...), {"mod", "tidy"}} {
		cmd := exec.Command("go", args...)
		cmd.Dir, cmd.Env = dir, environ()
		if out, err := cmd.CombinedOutput(); err != nil {
			unavailable(t, err, string(out))
		}
	}
	return dir
}

// unavailable skips the test, as modules cannot be had.
func unavailable(t *testing.T, err error, why string) {
	t.Helper()
	if os.Getenv("LUMIGO_TEST_STRICT") != "" {
		t.Fatalf("the modules are not to be had: %v\n%s", err, why)
	}
	t.Skipf("the modules are not to be had: %v\n%s", err, why)
}

// postgres runs a PostgreSQL server until the end of the test, and returns its address.
func postgres(t *testing.T) string {
	t.Helper()
	server, err := servers.PostgreSQL.Start()
	if errors.Is(err, servers.ErrNotInstalled) {
		t.Skipf("SKIP: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres", server.Port)
}

// environ is that of the go command.
func environ() []string {
	e := append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	if toolchain := os.Getenv("LUMIGO_TEST_TOOLCHAIN"); toolchain != "" {
		e = append(e, "GOTOOLCHAIN="+toolchain)
	}
	return e
}

// download skips the test if the modules of a server cannot be had.
func download(t *testing.T, s server, dir string) {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "./"+s.name)
	cmd.Dir, cmd.Env = dir, environ()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		unavailable(t, err, stderr.String())
	}
}

func build(t *testing.T, s server, dir string, woven bool) string {
	t.Helper()
	lumigo, err := pythonenv.Lumigo()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), s.name)
	cmd := exec.Command("go", "build", "-o", binary, "./"+s.name)
	if woven {
		cmd = exec.Command(lumigo, "go", "--strict", "build", "-o", binary, "./"+s.name)
	}
	cmd.Dir, cmd.Env = dir, environ()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	return binary
}

// sameModules compares what two binaries are built from. The modules that are woven are reached by another way.
func sameModules(t *testing.T, plain, woven string) {
	t.Helper()
	describe := func(binary string) string {
		info, err := buildinfo.ReadFile(binary)
		if err != nil {
			t.Fatal(err)
		}
		info.Deps = slices.DeleteFunc(info.Deps, func(m *debug.Module) bool { return m.Path == "github.com/lumigo-io/opentelemetry-distro" })
		for _, m := range info.Deps {
			m.Sum = ""
			if m.Replace != nil && strings.HasSuffix(m.Replace.Path, m.Path+"@"+m.Version) {
				m.Replace = nil
			}
		}
		return info.String()
	}
	if want, got := describe(plain), describe(woven); got != want {
		t.Errorf("woven, it is built from\n%s\nplain from\n%s", got, want)
	}
}

// play starts a server, sends it its requests, and ends it. It returns what the server answers, and how it ends.
func play(t *testing.T, s server, binary string, environ ...string) (answers []string, end string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary)
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{"HOME=" + cmd.Dir, "PATH=" + os.Getenv("PATH"), "OTEL_SERVICE_NAME=" + s.name}, environ...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	defer func() {
		if t.Failed() {
			t.Logf("standard error of %s:\n%s", s.name, stderr.String())
		}
	}()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	base := ""
	lines := bufio.NewScanner(out)
	for base == "" && lines.Scan() {
		if where, ok := strings.CutPrefix(lines.Text(), "listening at "); ok {
			base = where
		}
	}
	if base == "" {
		t.Fatalf("%s does not listen", s.name)
	}
	transport := &http.Transport{
		DisableCompression: true,
		ForceAttemptHTTP2:  true,
		TLSClientConfig:    &tls.Config{InsecureSkipVerify: true}, // the server has made its certificate itself
	}
	scheme, address, _ := strings.Cut(base, "://")
	if scheme == "h2c" { // HTTP/2 without TLS, which the client must know
		base = "http://" + address
		transport.Protocols = new(http.Protocols)
		transport.Protocols.SetUnencryptedHTTP2(true)
	}
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	for n, r := range s.requests {
		answer, err := send(ctx, client, base, r, n)
		if err != nil {
			t.Errorf("%s: %v", r.ask, err)
		}
		answer = strings.ReplaceAll(answer, address, "ADDRESS")
		if s.varies != nil {
			answer = s.varies.ReplaceAllString(answer, "…")
		}
		answers = append(answers, answer)
	}
	cmd.Process.Signal(syscall.SIGTERM)
	io.Copy(io.Discard, out)
	cmd.Wait()
	return answers, cmd.ProcessState.String()
}

// traceID is that of the nth request.
func traceID(n int) string { return fmt.Sprintf("5e4f00000000000000000000%08x", n+1) }

const callerID = "00f067aa0ba902b7"

// send sends the nth request, and returns all that there is of the answer.
func send(ctx context.Context, client *http.Client, base string, r request, n int) (string, error) {
	method, path, _ := strings.Cut(r.ask, " ")
	req, err := http.NewRequestWithContext(ctx, method, base+path, strings.NewReader(r.body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Traceparent", "00-"+traceID(n)+"-"+callerID+"-01")
	for line := range strings.Lines(r.header) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			req.Header.Set(name, value)
		}
	}
	req.Host = req.Header.Get("Host")
	upgrades := req.Header.Get("Upgrade") != ""
	if r.body == "" || upgrades {
		req.Body, req.GetBody, req.ContentLength = nil, nil, 0
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		if _, err := io.WriteString(resp.Body.(io.Writer), r.body); err != nil {
			return "", err
		}
	}
	body, err := io.ReadAll(resp.Body)
	var b strings.Builder
	fmt.Fprintln(&b, resp.Proto, resp.Status, resp.TransferEncoding)
	resp.Header.Del("Date")
	for _, h := range []http.Header{resp.Header, resp.Trailer} {
		for _, name := range slices.Sorted(maps.Keys(h)) {
			fmt.Fprintf(&b, "%s: %q\n", name, h[name])
		}
		b.WriteByte('\n')
	}
	b.Write(body)
	return b.String(), err
}

// checkSpans compares the spans of each request with those expected, and each span of a server with itself.
func checkSpans(t *testing.T, s server, spans []receiver.Span) {
	t.Helper()
	byTrace := map[string][]receiver.Span{}
	for _, span := range spans {
		byTrace[span.TraceID] = append(byTrace[span.TraceID], span)
	}
	for n, r := range s.requests {
		own := byTrace[traceID(n)]
		delete(byTrace, traceID(n))
		if got := receiver.Tree(own); got != indented(r.spans) {
			t.Errorf("%s: the spans are\n%swhere one expects\n%s", r.ask, got, indented(r.spans))
		}
		known := map[string]bool{callerID: true}
		for _, span := range own {
			known[span.SpanID] = true
		}
		_, target, _ := strings.Cut(r.ask, " ")
		path, _, _ := strings.Cut(target, "?")
		for _, span := range own {
			if !known[span.ParentID] {
				t.Errorf("%s: %s has the parent %s, which nobody has made", r.ask, span.Name, span.ParentID)
			}
			if span.Kind == "SERVER" && span.ParentID == callerID {
				if span.Attributes["url.path"] != path {
					t.Errorf("%s: url.path = %v", r.ask, span.Attributes["url.path"])
				}
				for key, want := range r.shows {
					if got := span.Attributes[key]; got != want {
						t.Errorf("%s: %s = %v, want %v", r.ask, key, got, want)
					}
				}
			}
			for _, a := range r.below {
				if span.Kind != a.kind || span.Name != a.name {
					continue
				}
				for key, want := range a.want {
					if got := span.Attributes[key]; got != want {
						t.Errorf("%s: %s = %v of %s %s, want %v", r.ask, key, got, a.kind, a.name, want)
					}
				}
			}
			if span.Attributes["rpc.system"] != nil {
				continue
			}
			_, named, _ := strings.Cut(span.Name, " ")
			if route, _ := span.Attributes["http.route"].(string); span.Kind == "SERVER" && route != named {
				t.Errorf("%s: http.route = %q of the span %q", r.ask, route, span.Name)
			}
		}
	}
	others := map[string]bool{}
	for _, list := range byTrace {
		others[receiver.Tree(list)] = true
	}
	if got := strings.Join(slices.Sorted(maps.Keys(others)), ""); got != indented(s.besides) {
		t.Errorf("spans besides those of the requests are\n%swhere one expects\n%s", got, indented(s.besides))
	}
}

// indented is a tree as it is written in the table, among Go: the tabs before the lines go away.
func indented(tree string) string {
	var b strings.Builder
	for line := range strings.Lines(tree) {
		if line = strings.TrimLeft(line, "\t"); strings.TrimSpace(line) != "" {
			b.WriteString(strings.TrimRight(line, "\n") + "\n")
		}
	}
	return b.String()
}
