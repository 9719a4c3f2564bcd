package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
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

// server is a way to serve one of the apps in testdata/servers.
type server struct {
	name  string
	pins  func(pythonenv.Interpreter) []string
	argv  func(e *pythonenv.Env, port string) []string
	env   []string
	route string // of an order, as http.route says it; "" if there is no framework that has routes
	stop  syscall.Signal
	ready string // what it says on stderr when every worker has loaded the app; "" if it listens no earlier
	heavy bool   // only with LUMIGO_TEST_FULL
}

var servers = []server{
	gunicorn("gunicorn prefork, Flask", "flask_app:app", "/orders/<number>", "--workers=2"),
	gunicorn("gunicorn preload, Flask", "flask_app:app", "/orders/<number>", "--workers=2", "--preload"),
	gunicorn("gunicorn threads, Flask", "flask_app:app", "/orders/<number>", "--workers=2", "--threads=4"),
	gunicorn("gunicorn preload and threads, Flask", "flask_app:app", "/orders/<number>", "--workers=2", "--threads=4", "--preload").onlyFull(),
	gunicorn("gunicorn gevent, Flask", "flask_app:app", "/orders/<number>", "--workers=2", "--worker-class=gevent"),
	gunicorn("gunicorn prefork, Django", "django_app:application", "orders/<str:number>", "--workers=2"),
	gunicorn("gunicorn prefork, no framework", "plain_app:application", "", "--workers=2").onlyFull(),
	uvicorn("uvicorn one process, FastAPI", "fastapi_app:app", "/orders/{number}"),
	uvicorn("uvicorn two workers, FastAPI", "fastapi_app:app", "/orders/{number}", "--workers=2"),
	uvicorn("uvicorn one process, Django", "django_app:application", "orders/<str:number>").with("ASGI=1").onlyFull(),
	{
		name: "uWSGI prefork, Flask", ready: "spawned uWSGI worker 2", pins: pythonenv.UWSGI, route: "/orders/<number>", stop: syscall.SIGINT,
		argv: uwsgi("flask_app:app", "--processes=2"),
	},
	{
		name: "uWSGI lazy apps and threads, Flask", ready: "(?s)WSGI app 0.* ready.*WSGI app 0.* ready", pins: pythonenv.UWSGI, route: "/orders/<number>", stop: syscall.SIGINT,
		argv: uwsgi("flask_app:app", "--processes=2", "--threads=4", "--enable-threads", "--lazy-apps"),
	},
	{
		name: "uWSGI prefork, an object", ready: "spawned uWSGI worker 2", pins: pythonenv.UWSGI, stop: syscall.SIGINT,
		argv: uwsgi("plain_app:service", "--processes=2"),
	},
	{
		name: "uWSGI prefork, an object in a file", ready: "spawned uWSGI worker 2", pins: pythonenv.UWSGI, stop: syscall.SIGINT,
		argv: uwsgi("", "--processes=2", "--wsgi-file=plain_app.py", "--callable=service"), heavy: true,
	},
	{
		name: "uWSGI prefork, a function", ready: "spawned uWSGI worker 2", pins: pythonenv.UWSGI, stop: syscall.SIGINT,
		argv: uwsgi("plain_app:application", "--processes=2"), heavy: true,
	},
	{
		name: "waitress, Flask", pins: pythonenv.Servers, route: "/orders/<number>", stop: syscall.SIGINT,
		argv: func(e *pythonenv.Env, port string) []string {
			return []string{e.Bin("waitress-serve"), "--listen=127.0.0.1:" + port, "--threads=4", "flask_app:app"}
		},
	},
	{
		name: "Werkzeug's server, Flask", pins: pythonenv.Servers, route: "/orders/<number>", stop: syscall.SIGINT,
		argv: func(e *pythonenv.Env, port string) []string {
			return []string{e.Bin("flask"), "--app=flask_app", "run", "--port=" + port}
		},
	},
	{
		name: "hypercorn, FastAPI", pins: pythonenv.Servers, route: "/orders/{number}", stop: syscall.SIGTERM, heavy: true,
		argv: func(e *pythonenv.Env, port string) []string {
			return []string{e.Bin("hypercorn"), "--bind=127.0.0.1:" + port, "--workers=2", "fastapi_app:app"}
		},
	},
	{
		name: "wsgiref, no framework", pins: func(pythonenv.Interpreter) []string { return nil }, stop: syscall.SIGTERM,
		argv: func(e *pythonenv.Env, port string) []string { return []string{e.Python, "plain_app.py", port} },
	},
}

func gunicorn(name, app, route string, args ...string) server {
	return server{name: name, pins: pythonenv.Servers, route: route, stop: syscall.SIGTERM,
		argv: func(e *pythonenv.Env, port string) []string {
			return append([]string{e.Bin("gunicorn"), "--bind=127.0.0.1:" + port, "--graceful-timeout=10", app}, args...)
		}}
}

func uvicorn(name, app, route string, args ...string) server {
	return server{name: name, pins: pythonenv.Servers, route: route, stop: syscall.SIGTERM,
		argv: func(e *pythonenv.Env, port string) []string {
			return append([]string{e.Bin("uvicorn"), "--port=" + port, "--log-level=warning", app}, args...)
		}}
}

func uwsgi(module string, args ...string) func(*pythonenv.Env, string) []string {
	if module != "" {
		args = append(args, "--module="+module)
	}
	return func(e *pythonenv.Env, port string) []string {
		return append([]string{e.Bin("uwsgi"), "--http-socket=127.0.0.1:" + port, "--master", "--die-on-term",
			"--need-app",
			"--worker-reload-mercy=3", // a worker with threads may fail to end by itself, traced or not
			"--virtualenv=" + e.Dir}, args...)
	}
}

func (s server) onlyFull() server { s.heavy = true; return s }

func (s server) with(env ...string) server { s.env = append(s.env, env...); return s }

// start starts the server, behind the words of prefix if there are any.
func (s server) start(t testing.TB, e *pythonenv.Env, other *stub, prefix, env []string) (p *process, base string) {
	t.Helper()
	port := freePort(t)
	p = start(t, program{
		argv: append(append([]string{}, prefix...), s.argv(e, strconv.Itoa(port))...),
		dir:  testdata(t, "servers"),
		env: append(append([]string{"STUB=" + other.URL, "PYTHONPATH=" + testdata(t, "servers"), "PYTHONDONTWRITEBYTECODE=1",
			"PATH=" + filepath.Dir(e.Python) + string(os.PathListSeparator) + os.Getenv("PATH")}, s.env...), env...),
	})
	p.listening(port)
	p.stderr.match(t, s.ready)
	return p, fmt.Sprintf("http://127.0.0.1:%d", port)
}

// TestServers drives each real server and requires of every request exactly one server span, with the right
// parent and children, and of the server the same end as without us.
func TestServers(t *testing.T) {
	notShort(t)
	pythons := []pythonenv.Interpreter{defaultPython(t)}
	if full() {
		pythons = supportedPythons(t)
	}
	for _, i := range pythons {
		t.Run(i.String(), func(t *testing.T) {
			for _, s := range servers {
				t.Run(s.name, func(t *testing.T) {
					if s.heavy {
						heavy(t, "one server more of a kind that is tested anyway")
					}
					testServer(t, s, venv(t, i, s.pins(i)...))
				})
			}
		})
	}
}

func testServer(t *testing.T, s server, e *pythonenv.Env) {
	other, backend := newStub(t), newBackend(t)

	// How it ends untraced is how it must end traced.
	control, base := s.start(t, e, other, nil, nil)
	call(t, base, "GET", "/", "") // listening is not yet to be ready
	client.CloseIdleConnections()
	control.signal(s.stop)
	want := control.wait()

	p, base := s.start(t, e, other, []string{lumigo(t), "run", "--"}, toBackend(backend))
	requests := drive(t, base, 60, 6)
	special := []request{
		call(t, base, "GET", "/stream/50", ""),
		call(t, base, "POST", "/echo", `{"password": "hush", "n": 1}`),
		call(t, base, "GET", "/boom", ""),
	}
	if s.stop == syscall.SIGINT {
		// It does not let workers finish what comes after the response, so let them before.
		spansUntil(t, backend, "all server spans", func(spans []receiver.Span) bool {
			return len(ofKind(spans, "SERVER")) >= len(requests)+len(special)
		})
	}
	p.signal(s.stop)
	if got := p.wait(); got.shell() != want.shell() {
		t.Errorf("the server ended with %s, untraced with %s", got, want)
	}

	spans := backend.Spans()
	noDuplicates(t, backend)
	traces := map[string][]receiver.Span{}
	for _, s := range spans {
		traces[s.TraceID] = append(traces[s.TraceID], s)
	}
	for _, r := range append(requests, special...) {
		servers := ofKind(traces[r.trace], "SERVER")
		if len(servers) != 1 {
			t.Fatalf("%s %s has %d server spans, want 1:\n%s", r.method, r.path, len(servers), tree(traces[r.trace]))
		}
		if servers[0].ParentID != r.span {
			t.Errorf("%s: the parent of the server span is %q, want the caller's %q", r.path, servers[0].ParentID, r.span)
		}
		status := r.status
		if status == 0 { // uWSGI closes the connection where an application raises
			status = 500
		}
		if got := attribute(servers[0], "http.response.status_code"); got != strconv.Itoa(status) {
			t.Errorf("%s: http.response.status_code = %q, want %d", r.path, got, status)
		}
	}
	if n := len(ofKind(spans, "SERVER")); n != len(requests)+len(special) {
		t.Errorf("%d server spans for %d requests", n, len(requests)+len(special))
	}
	for _, r := range requests {
		trace := traces[r.trace]
		server := ofKind(trace, "SERVER")[0]
		if got := attribute(server, "http.route"); strings.TrimPrefix(got, "/") != strings.TrimPrefix(s.route, "/") {
			t.Errorf("%s: http.route = %q, want %q", r.path, got, s.route)
		}
		if s.route != "" && server.Name != "GET "+attribute(server, "http.route") {
			t.Errorf("%s: the server span is called %q", r.path, server.Name)
		}
		sql := theOnly(t, r.path+": SQL", named(trace, "SELECT"))
		out := theOnly(t, r.path+": outgoing call", named(ofKind(trace, "CLIENT"), "GET"))
		if sql.ParentID != server.SpanID || out.ParentID != server.SpanID {
			t.Errorf("%s: the children stand elsewhere:\n%s", r.path, tree(trace))
		}
		number := strings.TrimPrefix(r.path, "/orders/")
		seen := other.headers("/stock/" + number)
		if len(seen) != 1 || seen[0].Get("traceparent") != "00-"+r.trace+"-"+out.SpanID+"-01" {
			t.Errorf("%s: the other service saw %v, want the trace %s and the span %s", r.path, seen, r.trace, out.SpanID)
		}
	}
	if echo := theOnly(t, "echo", traces[special[1].trace]); true {
		const masked = `{"password": "****", "n": 1}`
		if in, out := attribute(echo, "http.request.body"), attribute(echo, "http.response.body"); in != masked || out != masked {
			t.Errorf("bodies: request %s, response %s, want %s", in, out, masked)
		}
	}
	if boom := theOnly(t, "boom", traces[special[2].trace]); boom.Status != "ERROR" {
		t.Errorf("a request that failed has status %s", boom.Status)
	}
}

// request is one request that was made and answered.
type request struct {
	method, path string
	trace, span  string // what its traceparent said
	status       int
	body         string
}

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}, Timeout: patience}

// call makes a request with a traceparent of its own. A status of 0 says that there was no answer.
func call(t testing.TB, base, method, path, body string) request {
	t.Helper()
	r := request{method: method, path: path, trace: randomHex(16), span: randomHex(8)}
	req, err := http.NewRequest(method, base+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("traceparent", "00-"+r.trace+"-"+r.span+"-01")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	response, err := client.Do(req)
	if err != nil {
		r.body = err.Error()
		return r
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	r.body = string(content)
	if err == nil {
		r.status = response.StatusCode
	}
	return r
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// drive orders numbers 1 to n, so many at once, and requires the right answer to each.
func drive(t *testing.T, base string, n, atOnce int) []request {
	t.Helper()
	numbers := make(chan int)
	var mu sync.Mutex
	var all []request
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for number := range numbers {
				if t.Failed() {
					continue // one failure tells enough
				}
				r := call(t, base, "GET", fmt.Sprintf("/orders/%d", number), "")
				if !strings.Contains(strings.ReplaceAll(r.body, " ", ""), fmt.Sprintf(`"doubled":%d`, 2*number)) {
					t.Errorf("order %d: got status %d, %q", number, r.status, r.body)
				}
				mu.Lock()
				all = append(all, r)
				mu.Unlock()
			}
		})
	}
	began := time.Now()
	for number := 1; number <= n; number++ {
		numbers <- number
	}
	close(numbers)
	workers.Wait()
	client.CloseIdleConnections() // servers wait for these when they are told to end
	t.Logf("%d requests in %s", n, time.Since(began).Round(time.Millisecond))
	return all
}
