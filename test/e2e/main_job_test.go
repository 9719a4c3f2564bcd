package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
	"github.com/lumigo-io/opentelemetry-distro/test/receiver"
)

// shopTraces is what the three orders of examples/python/shop look like.
var shopTraces = []string{
	`CLIENT POST
  SERVER POST
    CLIENT SELECT
    CLIENT GET
      SERVER GET
    CLIENT INSERT
`, `CLIENT POST ERROR
  SERVER POST
    CLIENT SELECT
    CLIENT GET
      SERVER GET
`, `CLIENT POST ERROR
  SERVER POST
    CLIENT SELECT
`,
}

// expectShop checks the spans of one run of the shop.
func expectShop(t *testing.T, spans []receiver.Span) {
	t.Helper()
	var orders [][]receiver.Span
	for _, trace := range byTrace(spans) {
		if trace[0].Name == "POST" || strings.HasPrefix(trace[0].Name, "POST ") {
			orders = append(orders, trace)
		}
	}
	if len(orders) != len(shopTraces) {
		t.Fatalf("got %d traces of orders, want %d:\n%s", len(orders), len(shopTraces), forest(spans))
	}
	for n, trace := range orders {
		brief := make([]receiver.Span, len(trace))
		for n, s := range trace {
			s.Name, _, _ = strings.Cut(s.Name, " ")
			brief[n] = s
		}
		if got := tree(brief); got != shopTraces[n] {
			t.Errorf("order %d: got\n%swant\n%s", n+1, got, shopTraces[n])
		}
	}
	first := orders[0]
	server := ofKind(first, "SERVER")[0]
	if got := attribute(server, "http.request.method") + " " + attribute(server, "url.path") + " " + attribute(server, "http.response.status_code"); got != "POST /orders 201" {
		t.Errorf("the server span says %q, want %q", got, "POST /orders 201")
	}
	if got := attribute(server, "http.request.body"); got != `{"item": "apple", "customer": "Ada", "password": "****"}` {
		t.Errorf("http.request.body = %s", got)
	}
	insert := theOnly(t, "INSERT", named(first, "INSERT"))
	if got := attribute(insert, "db.query.text"); !strings.HasPrefix(got, "INSERT INTO orders") {
		t.Errorf("db.query.text = %q", got)
	}
	for _, s := range spans {
		if s.Resource["service.name"] != "e2e" || s.Resource["telemetry.sdk.language"] != "python" {
			t.Fatalf("resource = %v", s.Resource)
		}
	}
}

func shop(t testing.TB) string {
	return filepath.Join(repository(t), "examples", "python", "shop", "app.py")
}

// TestMainJob is the command of the README, as it stands there.
func TestMainJob(t *testing.T) {
	python := defaultPython(t)
	plain := run(t, program{argv: []string{python.Path, shop(t)}})
	backend := newBackend(t)
	traced := run(t, program{
		argv: []string{"go", "run", "./cmd/lumigo", "run", "--", python.Path, "examples/python/shop/app.py"},
		dir:  repository(t),
		env:  toBackend(backend),
	})
	if got, want := traced.stdout.String(), plain.stdout.String(); got != want {
		t.Errorf("the app's output changed: got\n%swant\n%s", got, want)
	}
	if got := appStderr(traced.stderr.String()); got != "" {
		t.Errorf("stderr has more than the distro's log: %q", got)
	}
	expectShop(t, backend.Spans())
	noDuplicates(t, backend)
	for _, r := range backend.Requests() {
		if got := r.Header.Get("Authorization"); got != "LumigoToken "+token {
			t.Errorf("Authorization: %q", got)
		}
	}
}

// TestInterpreters runs the shop on each interpreter, activated in each way.
func TestInterpreters(t *testing.T) {
	for _, i := range supportedPythons(t) {
		t.Run(i.String(), func(t *testing.T) {
			want := run(t, program{argv: []string{i.Path, shop(t)}}).stdout.String()
			for _, way := range ways {
				t.Run(way.name, func(t *testing.T) {
					backend := newBackend(t)
					argv, env := way.prepare(t, i)
					p := run(t, program{argv: append(argv, shop(t)), env: append(env, toBackend(backend)...)})
					if got := p.stdout.String(); got != want {
						t.Errorf("the app's output changed: got\n%swant\n%s", got, want)
					}
					if got := appStderr(p.stderr.String()); got != "" {
						t.Errorf("stderr has more than the distro's log: %q", got)
					}
					spans := spansUntil(t, backend, "the last order's server span", func(spans []receiver.Span) bool {
						return len(named(ofKind(spans, "CLIENT"), "POST")) == 3
					})
					expectShop(t, spans)
					noDuplicates(t, backend)
					if got := spans[0].Resource["process.runtime.version"]; got != i.Full {
						t.Errorf("process.runtime.version = %v, want %s", got, i.Full)
					}
					loading := atLevel(logLines(p.stderr.String()), "INFO")
					if len(loading) == 0 || !strings.HasPrefix(loading[0], "Loading the Lumigo OpenTelemetry distribution v") ||
						!strings.HasSuffix(loading[0], "(injection mode: "+way.mode+")") {
						t.Errorf("the first INFO line is not the loading line with mode %q: %q", way.mode, loading)
					}
				})
			}
		})
	}
}

// ways are the three ways to activate. prepare returns what comes before the path of the script.
var ways = []struct {
	name, mode string
	prepare    func(testing.TB, pythonenv.Interpreter) (argv, env []string)
}{
	{"launcher", "automatic injection", func(t testing.TB, i pythonenv.Interpreter) ([]string, []string) {
		return []string{lumigo(t), "run", "--", i.Path}, nil
	}},
	{"environment", "automatic injection", func(t testing.TB, i pythonenv.Interpreter) ([]string, []string) {
		return []string{wheelVenv(t, i).Python}, []string{"AUTOWRAPT_BOOTSTRAP=lumigo_opentelemetry"}
	}},
	{"import", "import", func(t testing.TB, i pythonenv.Interpreter) ([]string, []string) {
		return []string{wheelVenv(t, i).Python, testdata(t, "imported.py")}, nil
	}},
}

// TestOldInterpretersAreUnharmed: Python 2.7 and 3.6 inherit the injection and must not notice.
func TestOldInterpretersAreUnharmed(t *testing.T) {
	notShort(t)
	for _, short := range []string{"2.7", "3.6"} {
		t.Run("python"+short, func(t *testing.T) {
			i, ok := pythonenv.Find(short)
			if !ok {
				skip(t, "no Python %s here", short)
			}
			want := run(t, program{argv: []string{i.Path, testdata(t, "old.py")}})
			backend := newBackend(t)
			got := run(t, program{argv: []string{lumigo(t), "run", "--", i.Path, testdata(t, "old.py")}, env: toBackend(backend)})
			if got.stdout.String() != want.stdout.String() {
				t.Errorf("the app's output changed: got %q, want %q", got.stdout, want.stdout)
			}
			if rest := appStderr(got.stderr.String()); rest != want.stderr.String() {
				t.Errorf("stderr: got %q, want %q", rest, want.stderr)
			}
			warnings := atLevel(logLines(got.stderr.String()), "WARNING")
			wanted := "Unsupported Python version " + short + "; only Python 3.7 to 3.14 are supported."
			if len(warnings) == 0 || warnings[0] != wanted {
				t.Errorf("A11: warnings %q, want %q", warnings, wanted)
			}
		})
	}
}
