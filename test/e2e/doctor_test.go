package e2e

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
)

// finding is one of the doctor's, in JSON.
type finding struct {
	Group, Check, Status, Found, Remedy string
}

type diagnosis struct {
	Version  string
	Command  []string
	Traced   bool
	Findings []finding
}

// patient is what the doctor is shown.
type patient struct {
	command []string
	env     []string // added to a clean environment with a backend that takes everything
	dir     string   // a fresh one if empty, with an app.py in it
}

const backendVariable = "OTEL_EXPORTER_OTLP_ENDPOINT="

func examine(t *testing.T, p patient) diagnosis {
	t.Helper()
	if p.dir == "" {
		p.dir = t.TempDir()
		// If anybody ran it, the test would see.
		script(t, filepath.Join(p.dir, "app.py"), "open('ran', 'w')", 0o644)
	}
	cmd := exec.Command(lumigo(t), append([]string{"doctor", "--json", "--"}, p.command...)...)
	cmd.Dir = p.dir
	cmd.Env = pythonenv.Environ(append([]string{backendVariable + strings.TrimSuffix(newBackend(t).URL(), "/v1/traces"), "GOFLAGS="}, p.env...)...)
	out, err := cmd.Output()
	var d diagnosis
	if failed := json.Unmarshal(out, &d); failed != nil {
		t.Fatalf("%v: %v: %s", cmd.Args, err, out)
	}
	if status := cmd.ProcessState.ExitCode(); (status == 0) != d.Traced || status > 1 {
		t.Errorf("it exits with %d, and says that traced is %v", status, d.Traced)
	}
	if _, err := os.Stat(filepath.Join(p.dir, "ran")); err == nil {
		t.Errorf("the doctor has run the command")
	}
	return d
}

// script writes a file.
func script(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// bareVenv makes a virtual environment without anything in it.
func bareVenv(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "venv")
	if out, err := exec.Command(defaultPython(t).Path, "-m", "venv", "--without-pip", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

// sitePackages is where that environment has its packages.
func sitePackages(t *testing.T, venv string) string {
	t.Helper()
	found, _ := filepath.Glob(filepath.Join(venv, "lib", "python3.*", "site-packages"))
	if len(found) != 1 {
		t.Fatalf("site-packages of %s: %v", venv, found)
	}
	return found[0]
}

// installWheel puts the wheel where pip would.
func installWheel(t *testing.T, site string) {
	t.Helper()
	path, err := pythonenv.Wheel()
	if err != nil {
		t.Fatal(err)
	}
	wheel, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer wheel.Close()
	for _, f := range wheel.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		script(t, filepath.Join(site, f.Name), string(text), f.Mode())
	}
}

// installTarget lays out what lumigo install does, so far as Python processes need it.
func installTarget(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	installWheel(t, filepath.Join(dir, "python"))
	text, err := os.ReadFile(filepath.Join(repository(t), "python", "sitecustomize", "sitecustomize.py"))
	if err != nil {
		t.Fatal(err)
	}
	script(t, filepath.Join(dir, "python", "sitecustomize", "sitecustomize.py"), string(text), 0o644)
	return dir
}

// installed plants a distribution of that name, with one module.
func installed(t *testing.T, site, name, version, module string) {
	t.Helper()
	info := filepath.Join(site, fmt.Sprintf("%s-%s.dist-info", name, version))
	script(t, filepath.Join(info, "METADATA"), fmt.Sprintf("Name: %s\nVersion: %s\n", name, version), 0o644)
	script(t, filepath.Join(info, "top_level.txt"), module+"\n", 0o644)
	script(t, filepath.Join(site, module, "__init__.py"), "", 0o644)
}

// answers is a backend that answers every request alike.
func answers(t *testing.T, status int, header http.Header) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// goModule writes a module with a program, and returns its directory.
func goModule(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	script(t, filepath.Join(dir, "go.mod"), "module example.com/app\n\ngo 1.22\n", 0o644)
	for name, text := range files {
		script(t, filepath.Join(dir, name), text, 0o644)
	}
	return dir
}

const goMain = "package main\n\nimport \"net/http\"\n\nfunc main() { http.ListenAndServe(\"127.0.0.1:0\", nil) }\n"

// ginModule is a program with gin, or with what is woven of it.
func ginModule(t *testing.T) string {
	return goModule(t, map[string]string{
		"go.mod":     "module example.com/app\n\ngo 1.22\n\nrequire github.com/gin-gonic/gin v1.0.0\n\nreplace github.com/gin-gonic/gin => ./gin\n",
		"main.go":    "package main\n\nimport (\n\t\"net/http\"\n\n\t\"github.com/gin-gonic/gin\"\n)\n\nfunc main() { http.ListenAndServe(\"127.0.0.1:0\", new(gin.Engine)) }\n",
		"gin/go.mod": "module github.com/gin-gonic/gin\n\ngo 1.22\n",
		"gin/gin.go": `package gin

import "net/http"

type Engine struct{}

type Context struct{ Request *http.Request }

func (c *Context) FullPath() string { return "/" }

func (engine *Engine) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	engine.handleHTTPRequest(&Context{r})
}

func (engine *Engine) handleHTTPRequest(c *Context) {}
`,
	})
}

// Each row plants one fault for real, and says which finding must name it, and what the remedy must mention.
func TestDoctorFindsPlantedFaults(t *testing.T) {
	notShort(t)
	python := defaultPython(t).Path
	tests := []struct {
		name   string
		plant  func(t *testing.T) patient
		check  string // group/check
		status string
		found  string // regular expressions
		remedy string
	}{
		// The command.
		{"a flag in the command", func(t *testing.T) patient { return patient{command: []string{python, "-I", "app.py"}} },
			"python/flags", "problem", `with -I, Python ignores PYTHONPATH, by which tracing reaches it`, `leave the flag out, or install the wheel`},
		{"a flag in the first line of a script", func(t *testing.T) patient {
			name := filepath.Join(t.TempDir(), "gunicorn")
			script(t, name, "#!"+python+" -sE\n", 0o755)
			return patient{command: []string{name, "shop:app"}}
		}, "python/flags", "problem", `with -sE, Python ignores its environment`, `it is in the first line of .*/gunicorn`},
		{"no site module", func(t *testing.T) patient { return patient{command: []string{python, "-S", "app.py"}} },
			"python/flags", "problem", `with -S, Python leaves out its site module`, `leave the flag out`},
		{"an empty environment", func(t *testing.T) patient {
			return patient{command: []string{"env", "-i", python, "app.py"}}
		}, "command/environment", "problem", `env -i starts it in an environment of its own`, `env -i … lumigo run --`},
		{"another PYTHONPATH, in an entry point", func(t *testing.T) patient {
			name := filepath.Join(t.TempDir(), "entrypoint.sh")
			script(t, name, "#!/bin/sh\nset -e\nexport PYTHONPATH=/srv/src\nexec \"$@\"\n", 0o755)
			return patient{command: []string{name, python, "app.py"}}
		}, "command/environment", "problem", `PYTHONPATH=/srv/src takes away the PYTHONPATH`, `PYTHONPATH=…:\$PYTHONPATH`},
		{"a command that is not installed", func(t *testing.T) patient { return patient{command: []string{"guvicorn", "shop:app"}} },
			"command/command", "problem", `there is no command "guvicorn" on PATH`, `install it`},
		{"a script that is not there", func(t *testing.T) patient { return patient{command: []string{python, "ap.py"}} },
			"command/command", "problem", `would run ap.py, which is not there`, `check the path`},
		{"a virtual environment whose interpreter is gone", func(t *testing.T) patient {
			venv := bareVenv(t)
			for _, link := range []string{"python", "python3"} {
				os.Remove(filepath.Join(venv, "bin", link))
			}
			if err := os.Symlink("/opt/python/bin/python3.9", filepath.Join(venv, "bin", "python")); err != nil {
				t.Fatal(err)
			}
			return patient{command: []string{filepath.Join(venv, "bin", "python"), "app.py"}}
		}, "command/command", "problem", `is a link to /opt/python/bin/python3.9, which is gone`, `make the virtual environment again`},
		{"neither Python nor Go", func(t *testing.T) patient {
			name := filepath.Join(t.TempDir(), "node")
			text, err := os.ReadFile("/bin/true")
			if err != nil {
				t.Fatal(err)
			}
			script(t, name, string(text), 0o755)
			return patient{command: []string{name, "server.js"}}
		}, "command/command", "problem", `node is neither Python nor Go`, `lumigo run traces Python`},

		// The interpreter.
		{"an old interpreter", func(t *testing.T) patient {
			for _, version := range []string{"3.6", "2.7"} {
				if i, ok := pythonenv.Find(version); ok {
					return patient{command: []string{i.Path, "app.py"}}
				}
			}
			skip(t, "there is neither Python 3.6 nor 2.7 here")
			return patient{}
		}, "python/interpreter", "problem", `CPython (3\.6|2\.7)\.\d+ \(.*\) is not supported`, `CPython 3.7 to 3.14`},
		{"an interpreter that does not work", func(t *testing.T) patient {
			name := filepath.Join(t.TempDir(), "python3")
			script(t, name, "#!/bin/sh\necho 'cannot find libpython3.so' >&2\nexit 127\n", 0o755)
			return patient{command: []string{name, "app.py"}}
		}, "python/interpreter", "problem", `does not work: exit status 127: cannot find libpython3.so`, `python3 -c pass`},
		{"something that keeps tracing from starting", func(t *testing.T) patient {
			venv := bareVenv(t)
			script(t, filepath.Join(sitePackages(t, venv), "block.pth"), "import os; os.environ['LUMIGO_ENGINE'] = '0' * 32 + os.environ['LUMIGO_ENGINE'][32:]\n", 0o644)
			return patient{command: []string{filepath.Join(venv, "bin", "python"), "app.py"}}
		}, "python/trial", "problem", `started with tracing, it said: process \d+ does not know the engine's key`, `put right what it says`},
		{"the wheel is not installed", func(t *testing.T) patient {
			return patient{command: []string{filepath.Join(bareVenv(t), "bin", "python"), "app.py"}, env: []string{"AUTOWRAPT_BOOTSTRAP=lumigo_opentelemetry"}}
		}, "python/activation", "problem", `AUTOWRAPT_BOOTSTRAP asks for lumigo_opentelemetry, which is not installed for .*/venv/bin/python`, `/venv/bin/python -m pip install .*; or start the command with lumigo run`},
		{"the wheel cannot start, as it was not installed but put on the path", func(t *testing.T) patient {
			target := t.TempDir()
			installWheel(t, target)
			return patient{command: []string{python, "app.py"}, env: []string{"AUTOWRAPT_BOOTSTRAP=lumigo_opentelemetry", "PYTHONPATH=" + target}}
		}, "python/activation", "problem", `there is no lumigo_opentelemetry.pth that would start it`, `install it with pip`},
		{"the wheel's engine cannot be executed", func(t *testing.T) patient {
			venv := bareVenv(t)
			installWheel(t, sitePackages(t, venv))
			if err := os.Chmod(filepath.Join(sitePackages(t, venv), "lumigo_opentelemetry", "bin", "lumigo"), 0o644); err != nil {
				t.Fatal(err)
			}
			return patient{command: []string{filepath.Join(venv, "bin", "python"), "app.py"}, env: []string{"AUTOWRAPT_BOOTSTRAP=lumigo_opentelemetry"}}
		}, "python/activation", "problem", `whose engine in .* cannot be executed`, `install it where programs can be run`},
		{"the wheel of another version", func(t *testing.T) patient {
			venv := bareVenv(t)
			installWheel(t, sitePackages(t, venv))
			script(t, filepath.Join(sitePackages(t, venv), "lumigo_opentelemetry", "VERSION"), "0.0.9\n", 0o644)
			return patient{command: []string{filepath.Join(venv, "bin", "python"), "app.py"}, env: []string{"AUTOWRAPT_BOOTSTRAP=lumigo_opentelemetry"}}
		}, "python/activation", "warning", `the wheel is of version 0.0.9, this program of \d`, `install the wheel of this version`},
		{"a volume that is not mounted", func(t *testing.T) patient {
			return patient{command: []string{python, "app.py"}, env: []string{"LD_PRELOAD=/opt/nowhere/injector/lumigo_injector.so"}}
		}, "python/activation", "problem", `LD_PRELOAD names /opt/nowhere, but injector/lumigo_injector.so is not there`, `mount the volume`},
		{"a volume without execution", func(t *testing.T) patient {
			dir := installTarget(t)
			if err := os.Chmod(filepath.Join(dir, "python", "lumigo_opentelemetry", "bin", "lumigo"), 0o644); err != nil {
				t.Fatal(err)
			}
			return patient{command: []string{python, "app.py"}, env: []string{"PYTHONPATH=" + filepath.Join(dir, "python", "sitecustomize")}}
		}, "python/activation", "problem", `its engine, .*, cannot be executed`, `without noexec`},
		{"a volume of another version", func(t *testing.T) patient {
			dir := installTarget(t)
			script(t, filepath.Join(dir, "python", "lumigo_opentelemetry", "VERSION"), "0.0.9\n", 0o644)
			return patient{command: []string{python, "app.py"}, env: []string{"PYTHONPATH=" + filepath.Join(dir, "python", "sitecustomize")}}
		}, "python/activation", "warning", `is of version 0.0.9, this program of \d`, `lumigo install --target`},
		{"another tracer in the command", func(t *testing.T) patient {
			venv := bareVenv(t)
			installed(t, sitePackages(t, venv), "ddtrace", "2.9.0", "ddtrace")
			script(t, filepath.Join(venv, "bin", "ddtrace-run"), "#!"+venv+"/bin/python\n", 0o755)
			return patient{command: []string{filepath.Join(venv, "bin", "ddtrace-run"), filepath.Join(venv, "bin", "python"), "app.py"}}
		}, "python/tracers", "warning", `another tracer, by ddtrace-run: requests would be traced twice`, `leave ddtrace-run out`},
		{"another tracer on the path", func(t *testing.T) patient {
			site := t.TempDir()
			dir := filepath.Join(site, "opentelemetry", "instrumentation", "auto_instrumentation")
			script(t, filepath.Join(dir, "sitecustomize.py"), "", 0o644)
			return patient{command: []string{python, "app.py"}, env: []string{"PYTHONPATH=" + dir}}
		}, "python/tracers", "warning", `PYTHONPATH starts opentelemetry-python's automatic instrumentation`, `take it off PYTHONPATH`},
		{"a library that is disabled", func(t *testing.T) patient {
			venv := bareVenv(t)
			installed(t, sitePackages(t, venv), "Flask", "3.0.3", "flask")
			return patient{command: []string{filepath.Join(venv, "bin", "python"), "app.py"}, env: []string{"LUMIGO_DISABLE_INSTRUMENTATION=flask,sqlite"}}
		}, "python/libraries", "warning", `disabled: Flask 3.0.3, sqlite3`, `take them out of LUMIGO_DISABLE_INSTRUMENTATION`},
		{"a library of a Go build that is disabled", func(t *testing.T) patient {
			return patient{command: []string{"go", "build", "."}, dir: ginModule(t), env: []string{"LUMIGO_DISABLE_INSTRUMENTATION=gin,slog"}}
		}, "go/libraries", "warning", `disabled when it runs: github.com/gin-gonic/gin$`, `take them out of LUMIGO_DISABLE_INSTRUMENTATION`},
		{"a library that is not traced", func(t *testing.T) patient {
			venv := bareVenv(t)
			installed(t, sitePackages(t, venv), "agno", "1.0", "agno")
			return patient{command: []string{filepath.Join(venv, "bin", "python"), "app.py"}}
		}, "python/libraries", "warning", `installed, but not traced.*: agno 1.0`, `opentelemetry-api`},

		// Go.
		{"a program that was built by plain go", func(t *testing.T) patient {
			dir := goModule(t, map[string]string{"main.go": goMain})
			build := exec.Command("go", "build", "-o", "app", ".")
			build.Dir, build.Env = dir, append(os.Environ(), "GOFLAGS=", "GOWORK=off")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			return patient{command: []string{"./app"}, dir: dir}
		}, "go/binary", "problem", `it does not trace itself: example.com/app was built by the plain go command`, `build it with lumigo go build`},
		{"no program in the build", func(t *testing.T) patient {
			return patient{command: []string{"go", "build", "./..."}, dir: goModule(t, map[string]string{"lib.go": "package lib\n"})}
		}, "go/build", "warning", `there is no main package`, `go build ./cmd/`},
		{"no module", func(t *testing.T) patient {
			dir := t.TempDir()
			script(t, filepath.Join(dir, "main.go"), goMain, 0o644)
			return patient{command: []string{"go", "build", "."}, dir: dir, env: []string{"GO111MODULE=on"}}
		}, "go/build", "problem", `nothing would be woven: there is no go.mod file`, `go mod init`},
		{"modules that are not there", func(t *testing.T) patient {
			dir := goModule(t, map[string]string{"main.go": "package main\n\nimport _ \"example.com/nowhere\"\n\nfunc main() {}\n"})
			script(t, filepath.Join(dir, "go.mod"), "module example.com/app\n\ngo 1.22\n\nrequire example.com/nowhere v1.0.0\n", 0o644)
			const sum = "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
			script(t, filepath.Join(dir, "go.sum"), "example.com/nowhere v1.0.0 "+sum+"example.com/nowhere v1.0.0/go.mod "+sum, 0o644)
			return patient{command: []string{"go", "build", "."}, dir: dir}
		}, "go/build", "problem", `example.com/nowhere`, `go mod download; doctor itself downloads nothing`},
		{"an embedding of everything", func(t *testing.T) patient {
			return patient{command: []string{"go", "build", "."}, dir: goModule(t, map[string]string{
				"main.go": "package main\n\nimport \"embed\"\n\n//go:embed *\nvar all embed.FS\n\nfunc main() { _ = all }\n"})}
		}, "go/build", "problem", `not woven: example.com/app: go:embed \* would take in`, `docs/go.md`},
		{"an overlay that is gone", func(t *testing.T) patient {
			return patient{command: []string{"go", "build", "."}, dir: goModule(t, map[string]string{"main.go": goMain}), env: []string{"GOFLAGS=-overlay=/gone/overlay.json"}}
		}, "go/flags", "problem", `GOFLAGS names an overlay that is not there: /gone/overlay.json`, `eval "\$\(lumigo go env\)"`},

		// The configuration.
		{"switched off", func(t *testing.T) patient {
			return patient{command: []string{python, "app.py"}, env: []string{"LUMIGO_SWITCH_OFF=true"}}
		}, "configuration/switches", "problem", `LUMIGO_SWITCH_OFF=true turns everything off`, `unset LUMIGO_SWITCH_OFF`},
		{"switched off by the command", func(t *testing.T) patient {
			return patient{command: []string{"sh", "-c", "OTEL_SDK_DISABLED=true exec " + python + " app.py"}}
		}, "configuration/switches", "problem", `OTEL_SDK_DISABLED=true turns everything off`, `unset OTEL_SDK_DISABLED`},
		{"a value that cannot be used", func(t *testing.T) patient {
			return patient{command: []string{python, "app.py"}, env: []string{"OTEL_EXPORTER_OTLP_TIMEOUT=10s"}}
		}, "configuration/variables", "warning", `OTEL_EXPORTER_OTLP_TIMEOUT is "10s", which is not a whole number of milliseconds`, `Milliseconds that one attempt to send may take`},
		{"a sampler that keeps nothing", func(t *testing.T) patient {
			return patient{command: []string{python, "app.py"}, env: []string{"OTEL_TRACES_SAMPLER=always_off"}}
		}, "configuration/sampling", "problem", `always_off keeps no trace`, `unset OTEL_TRACES_SAMPLER`},

		// The way to the backend.
		{"nowhere to go", func(t *testing.T) patient {
			return patient{command: []string{python, "app.py"}, env: []string{backendVariable}}
		},
			"delivery/destination", "problem", `spans go nowhere`, `OTEL_EXPORTER_OTLP_ENDPOINT`},
		{"a token that is none", func(t *testing.T) patient {
			return patient{command: []string{python, "app.py"}, env: []string{"LUMIGO_TRACER_TOKEN=secret-but-no-token"}}
		}, "delivery/token", "warning", `LUMIGO_TRACER_TOKEN does not look like a token`, `copy it again`},
		{"nobody listens", func(t *testing.T) patient {
			return patient{command: []string{python, "app.py"}, env: []string{backendVariable + "http://127.0.0.1:9"}}
		}, "delivery/endpoint", "problem", `connection refused`, `start the backend`},
		{"a wrong path", func(t *testing.T) patient {
			return patient{command: []string{python, "app.py"}, env: []string{backendVariable + answers(t, 404, nil)}}
		}, "delivery/endpoint", "problem", `answers 404`, `check the path`},
		{"a token that is not known", func(t *testing.T) patient {
			return patient{command: []string{python, "app.py"}, env: []string{"LUMIGO_TRACER_TOKEN=" + token, "LUMIGO_ENDPOINT=" + answers(t, 401, nil)}}
		}, "delivery/endpoint", "problem", `answers 401`, `check LUMIGO_TRACER_TOKEN`},
		{"a proxy that is not there", func(t *testing.T) patient {
			return patient{command: []string{python, "app.py"}, env: []string{backendVariable + "http://collector.test:4318", "HTTP_PROXY=http://127.0.0.1:9"}}
		}, "delivery/endpoint", "problem", `the proxy cannot be reached`, `correct HTTPS_PROXY or HTTP_PROXY`},
		{"a clock that is wrong", func(t *testing.T) patient {
			backend := answers(t, 200, http.Header{"Date": {time.Now().Add(-2 * time.Hour).UTC().Format(http.TimeFormat)}})
			return patient{command: []string{python, "app.py"}, env: []string{backendVariable + backend}}
		}, "delivery/clock", "warning", `2h0m0s ahead of the backend's`, `NTP`},
		{"a dump that cannot be written", func(t *testing.T) patient {
			return patient{command: []string{python, "app.py"}, env: []string{"LUMIGO_DEBUG_SPANDUMP=/missing/spans.json"}}
		}, "delivery/span dump", "problem", `cannot write the span dump to "/missing/spans.json"`, `a directory that exists`},

		// The machine.
		{"a path too long for a socket", func(t *testing.T) patient {
			dir := filepath.Join(t.TempDir(), strings.Repeat("x", 100))
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			return patient{command: []string{python, "app.py"}, env: []string{"TMPDIR=" + dir}}
		}, "machine/sockets", "warning", `the path has \d+ bytes, and a socket's at most 107`, `set TMPDIR to a short path`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := examine(t, tt.plant(t))
			found, remedy := regexp.MustCompile(tt.found), regexp.MustCompile(tt.remedy)
			for _, f := range d.Findings {
				if f.Group+"/"+f.Check == tt.check && f.Status == tt.status && found.MatchString(f.Found) && remedy.MatchString(f.Remedy) {
					if strings.Contains(fmt.Sprint(d.Findings), token) {
						t.Errorf("the token is shown: %v", d.Findings)
					}
					return
				}
			}
			t.Errorf("no %s of %s that says %q and %q in\n%s", tt.status, tt.check, tt.found, tt.remedy, listing(d))
		})
	}
}

func listing(d diagnosis) string {
	var b strings.Builder
	for _, f := range d.Findings {
		fmt.Fprintf(&b, "%s/%s %s: %s → %s\n", f.Group, f.Check, f.Status, f.Found, f.Remedy)
	}
	return b.String()
}

// What is well is found to be well.
func TestDoctorFindsNothingWrong(t *testing.T) {
	notShort(t)
	python := defaultPython(t).Path
	tests := []struct {
		name    string
		healthy func(t *testing.T) patient
		says    string // in one of the findings
	}{
		{"an interpreter", func(t *testing.T) patient { return patient{command: []string{python, "app.py"}} }, "started with tracing, it reaches the engine"},
		{"behind a shell", func(t *testing.T) patient {
			return patient{command: []string{"sh", "-c", "cd . && exec nohup " + python + " app.py"}}
		}, "sh -c → nohup → "},
		{"a console script in a virtual environment", func(t *testing.T) patient {
			venv := bareVenv(t)
			installed(t, sitePackages(t, venv), "flask", "3.0.3", "flask")
			script(t, filepath.Join(venv, "bin", "flask"), "#!"+venv+"/bin/python\nfrom flask.cli import main\nmain()\n", 0o755)
			return patient{command: []string{filepath.Join(venv, "bin", "flask"), "run"}}
		}, "traced: flask 3.0.3, http.client, http.server, sqlite3, wsgiref"},
		{"the wheel, past -I", func(t *testing.T) patient {
			return patient{command: []string{wheelVenv(t, defaultPython(t)).Python, "-I", "app.py"}, env: []string{"AUTOWRAPT_BOOTSTRAP=lumigo_opentelemetry"}}
		}, "by AUTOWRAPT_BOOTSTRAP and the wheel"},
		{"a mounted volume", func(t *testing.T) patient {
			return patient{command: []string{python, "app.py"}, env: []string{"PYTHONPATH=" + filepath.Join(installTarget(t), "python", "sitecustomize")}}
		}, "by PYTHONPATH and what is in "},
		{"a Go build, asked for by nothing but its module", func(t *testing.T) patient {
			return patient{dir: goModule(t, map[string]string{"main.go": goMain})}
		}, "would trace themselves: example.com/app; woven: "},
		{"a Go build with a library", func(t *testing.T) patient {
			return patient{command: []string{"go", "build", "."}, dir: ginModule(t)}
		}, "traced: github.com/gin-gonic/gin, log, net/http"},
		{"a woven program", func(t *testing.T) patient {
			dir := goModule(t, map[string]string{"main.go": goMain})
			build := exec.Command(lumigo(t), "go", "build", "-o", "app", ".")
			build.Dir, build.Env = dir, append(os.Environ(), "GOFLAGS=", "GOWORK=off")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			return patient{command: []string{"./app"}, dir: dir}
		}, "it traces itself: it was built by lumigo go"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := examine(t, tt.healthy(t))
			said := false
			for _, f := range d.Findings {
				said = said || strings.Contains(f.Found, tt.says)
				// This may be a container with little memory, or an interpreter with other things installed.
				if f.Status == "problem" || f.Status == "warning" && f.Group != "machine" && f.Check != "libraries" {
					t.Errorf("%s/%s %s: %s", f.Group, f.Check, f.Status, f.Found)
				}
			}
			if !said {
				t.Errorf("nothing says %q in\n%s", tt.says, listing(d))
			}
		})
	}
}

// An interpreter that hangs, and all it has started, is ended; the rest of the report is there.
func TestDoctorDoesNotHang(t *testing.T) {
	notShort(t)
	dir := t.TempDir()
	script(t, filepath.Join(dir, "python3"), "#!/bin/sh\necho $$ > "+dir+"/pid\nsleep 600 &\nsleep 600\n", 0o755)
	d := examine(t, patient{command: []string{filepath.Join(dir, "python3"), "app.py"}})
	if !strings.Contains(listing(d), "does not work: no answer within") {
		t.Errorf("the report does not say so:\n%s", listing(d))
	}
	text, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	var group int
	fmt.Sscan(string(text), &group)
	eventually(t, "the end of what the interpreter has started", func() bool { return syscall.Kill(-group, 0) == syscall.ESRCH })
}
