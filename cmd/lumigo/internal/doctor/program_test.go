package doctor

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// tree has what the commands of TestResolve are. A file with a first line, or in a bin, can be executed; none of them
// ever is.
const tree = `
-- bin/python3 --
ELF
-- bin/python3.11 --
ELF
-- bin/nohup --
ELF
-- bin/timeout --
ELF
-- bin/sudo --
ELF
-- bin/env --
ELF
-- bin/sh --
ELF
-- bin/bash --
ELF
-- bin/node --
ELF
-- bin/go --
ELF
-- bin/lumigo --
ELF
-- bin/tini --
ELF
-- bin/poetry --
#!bin/python3
-- bin/gunicorn --
#!bin/python3
-- bin/isolated --
#!bin/python3 -sE
-- bin/by-env --
#!bin/env python3
-- bin/by-env-with-flags --
#!bin/env -S python3 -I
-- bin/far-away --
#!/bin/sh
'''exec' "bin/python3" -S "$0" "$@"
' '''
import sys
-- bin/ddtrace-run --
#!bin/python3
-- bin/opentelemetry-instrument --
#!bin/python3
-- bin/newrelic-admin --
#!bin/python3
-- venv/bin/python3 --
ELF
-- venv/bin/flask --
#!venv/bin/python3
-- entrypoint.sh --
#!bin/sh
set -e
python3 manage.py migrate
[ -z "$WORKERS" ] && WORKERS=$(nproc)
exec "$@" --workers $WORKERS
-- last.sh --
#!bin/sh
python3 manage.py migrate &&
  gunicorn shop:app
-- new-path.sh --
#!bin/bash
export PYTHONPATH=/srv/src
exec python3 app.py
-- longer-path.sh --
#!bin/bash
export PYTHONPATH=/srv/src:$PYTHONPATH
exec python3 app.py
-- activate.sh --
#!bin/sh
. venv/bin/activate
cd sub
flask run
-- venv/bin/activate --
no script that is read
-- wait-for-it.sh --
#!bin/bash
CLI=("${@:3}")
exec "${CLI[@]}"
-- endless.sh --
#!./endless.sh
-- neither.sh --
#!bin/sh
true
-- no-first-line.py --
print()
`

func TestResolve(t *testing.T) {
	tests := []struct {
		name    string
		command string // split at "|"
		want    string // kind, path, flags, subject
		route   string
		extra   string // what clears, replaces, or comes before it
	}{
		{name: "an interpreter", command: "python3|app.py", want: "python bin/python3 app.py"},
		{name: "its flags", command: "python3.11|-u|-X|dev|-Wignore|-I|app.py|-S", want: "python bin/python3.11 -u -X dev -Wignore -I app.py"},
		{name: "a module", command: "python3|-Em|flask|run", want: "python bin/python3 -E -m flask"},
		{name: "a text", command: "python3|-Ic|import app", want: "python bin/python3 -I -c …"},
		{name: "one by its path", command: "venv/bin/python3|app.py", want: "python venv/bin/python3 app.py"},
		{name: "a console script", command: "gunicorn|shop:app", want: "python bin/python3 bin/gunicorn", route: "gunicorn"},
		{name: "flags in its first line", command: "isolated", want: "python bin/python3 -sE bin/isolated", route: "isolated"},
		{name: "found by env", command: "by-env", want: "python bin/python3 bin/by-env", route: "by-env"},
		{name: "with flags", command: "by-env-with-flags", want: "python bin/python3 -I bin/by-env-with-flags", route: "by-env-with-flags"},
		{name: "a path too long for the first line", command: "far-away|x", want: "python bin/python3 -S bin/far-away", route: "far-away"},

		{name: "wrappers", command: "nohup|timeout|-k|5|--signal=TERM|60|python3|app.py", want: "python bin/python3 app.py", route: "nohup → timeout"},
		{name: "an init", command: "tini|-g|--|gunicorn|shop:app", want: "python bin/python3 bin/gunicorn", route: "tini → gunicorn"},
		{name: "lumigo run itself", command: "lumigo|run|--flush-timeout|1s|--|python3|app.py", want: "python bin/python3 app.py", route: "lumigo run"},
		{name: "with the viewer", command: "lumigo|run|--view=127.0.0.1:0|--|python3|app.py", want: "python bin/python3 app.py", route: "lumigo run", extra: "viewed"},
		{name: "other tracers", command: "ddtrace-run|newrelic-admin|run-program|opentelemetry-instrument|--service_name|x|python3|app.py", want: "python bin/python3 app.py", route: "ddtrace-run → newrelic-admin → opentelemetry-instrument", extra: "tracers ddtrace-run newrelic-admin opentelemetry-instrument"},

		{name: "variables by env", command: "env|-u|X|A=1|B=2|python3|app.py", want: "python bin/python3 app.py", route: "env with variables"},
		{name: "an empty environment", command: "env|-i|A=1|python3|app.py", want: "python bin/python3 app.py", extra: "clears env -i", route: "env -i"},
		{name: "another PYTHONPATH", command: "env|PYTHONPATH=src|python3|app.py", want: "python bin/python3 app.py", route: "env with variables", extra: "replaces env PYTHONPATH=src"},
		{name: "no PYTHONPATH", command: "env|-uPYTHONPATH|python3|app.py", want: "python bin/python3 app.py", route: "", extra: "replaces env -u PYTHONPATH"},
		{name: "sudo", command: "sudo|-u|www|python3|app.py", want: "python bin/python3 app.py", route: "sudo", extra: "clears sudo"},

		{name: "a shell's text", command: "sh|-ec|cd sub && PORT=1 exec python3 -E app.py", want: "python bin/python3 -E app.py", route: "sh -c"},
		{name: "its arguments", command: "bash|-o|pipefail|-c|exec \"$@\"|zero|gunicorn|shop:app", want: "python bin/python3 bin/gunicorn", route: "bash -c → gunicorn"},
		{name: "a variable in front", command: "sh|-c|PYTHONPATH=src python3 app.py", want: "python bin/python3 app.py", route: "sh -c", extra: "replaces the shell, by PYTHONPATH=src"},
		{name: "unset", command: "sh|-c|unset PYTHONPATH; python3 app.py", want: "python bin/python3 app.py", route: "sh -c", extra: "replaces the shell, by unset PYTHONPATH"},
		{name: "an entry point that runs its arguments", command: "./entrypoint.sh|gunicorn|shop:app", want: "python bin/python3 bin/gunicorn", route: "shell script entrypoint.sh → gunicorn"},
		{name: "the last of several", command: "sh|last.sh", want: "python bin/python3 bin/gunicorn", route: "shell script last.sh → gunicorn"},
		{name: "a script with another PYTHONPATH", command: "./new-path.sh", want: "python bin/python3 app.py", route: "shell script new-path.sh", extra: "replaces the shell, by PYTHONPATH=/srv/src"},
		{name: "a script with a longer PYTHONPATH", command: "./longer-path.sh", want: "python bin/python3 app.py", route: "shell script longer-path.sh"},
		{name: "an activated environment", command: "./activate.sh", want: "python venv/bin/python3 venv/bin/flask", route: "shell script activate.sh → flask"},
		{name: "what comes after dashes", command: "./wait-for-it.sh|db:5432|--|python3|app.py", want: "python bin/python3 app.py", route: "shell script wait-for-it.sh"},

		{name: "a go command", command: "go|build|./...", want: "go build ./..."},
		{name: "lumigo go", command: "lumigo|go|run|.", want: "go run ."},

		{name: "another runtime", command: "node|server.js", want: "foreign: node is neither Python nor Go"},
		{name: "an environment manager", command: "poetry|run|python3|app.py", want: "unknown: poetry runs it in a Python environment that it chooses itself; examine it from there: poetry run lumigo doctor -- python3 app.py"},
		{name: "a shell that runs neither", command: "./neither.sh", want: "unknown: no command of it is known to be Python or Go; examine the command that starts your application", route: "shell script neither.sh"},
		{name: "a shell's mistake", command: "sh|-c|if", want: "unknown: the shell's commands cannot be read: 1:1: `if` must be followed by a statement list", route: "sh -c"},
		{name: "no end", command: "./endless.sh", want: "unknown: each command runs another, and there is no end to it", route: strings.TrimSuffix(strings.Repeat("endless.sh → ", deepest), " → ")},

		{name: "nothing of that name", command: "guvicorn|shop:app", want: "not started"},
		{name: "a file that is no command", command: "./no-first-line.py", want: "not started: ./no-first-line.py: it is not executable; start it with its interpreter: python3 ./no-first-line.py"},
		{name: "a file that is not there", command: "./missing", want: "not started: ./missing: file does not exist; check the path"},
	}
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(tree)).Files {
		name := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o644)
		if filepath.Base(filepath.Dir(name)) == "bin" || strings.HasPrefix(string(f.Data), "#!") {
			mode = 0o755
		}
		text := strings.ReplaceAll(string(f.Data), "#!bin/", "#!"+dir+"/bin/")
		text = strings.ReplaceAll(text, `"bin/`, `"`+dir+`/bin/`)
		text = strings.ReplaceAll(text, "#!venv/", "#!"+dir+"/venv/")
		text = strings.Replace(text, "ELF\n", "\x7fELF", 1)
		if err := os.WriteFile(name, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := resolve(context.Background(), strings.Split(tt.command, "|"), []string{"PATH=" + dir + "/bin"}, dir)
			got := strings.ReplaceAll(describe(p), dir+"/", "")
			if !strings.HasPrefix(got, tt.want) || tt.want != "not started" && got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if route := strings.Join(p.route, " → "); route != tt.route && p.kind != notStarted {
				t.Errorf("its route is %q, want %q", route, tt.route)
			}
			extra := ""
			switch {
			case p.clears != "":
				extra = "clears " + p.clears
			case p.replaces != "":
				extra = "replaces " + p.replaces
			case p.viewed:
				extra = "viewed"
			case p.tracers != nil:
				extra = "tracers " + strings.Join(p.tracers, " ")
			}
			if extra != tt.extra {
				t.Errorf("besides: %q, want %q", extra, tt.extra)
			}
			if strings.Contains(strings.Join(p.environ.entries(), " "), injected) {
				t.Errorf("the marker is left in the environment: %q", p.environ.entries())
			}
		})
	}
}

func describe(p *program) string {
	because := p.why
	if p.remedy != "" {
		because += "; " + p.remedy
	}
	switch p.kind {
	case python:
		return strings.Join(append(append([]string{"python", p.path}, p.flags...), p.subject()), " ")
	case goCommand:
		return "go " + strings.Join(p.args, " ")
	case foreign:
		return "foreign: " + because
	case notStarted:
		return "not started: " + because
	}
	return "unknown: " + because
}
