package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
)

// The wheel as pip's users meet it. TestInterpreters has it in an environment of every interpreter.

const byEnvironment = "AUTOWRAPT_BOOTSTRAP=lumigo_opentelemetry"

// endPythons are the oldest and the newest interpreter that are supported, with their two very different pips.
func endPythons(t testing.TB) []pythonenv.Interpreter {
	t.Helper()
	all := supportedPythons(t)
	return slices.Compact([]pythonenv.Interpreter{all[0], all[len(all)-1]})
}

func wheelFile(t testing.TB) string {
	t.Helper()
	path, err := pythonenv.Wheel()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// freshVenv is an environment of a test's own, as python -m venv makes it.
func freshVenv(t testing.TB, i pythonenv.Interpreter) (dir, python string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "venv")
	run(t, program{argv: []string{i.Path, "-m", "venv", dir}})
	return dir, filepath.Join(dir, "bin", "python")
}

func pip(t testing.TB, python string, env []string, args ...string) {
	t.Helper()
	run(t, program{argv: append([]string{python, "-m", "pip", "--disable-pip-version-check"}, args...), env: env})
}

// expectTraced runs a program of one SQL statement and expects its span.
func expectTraced(t testing.TB, python string, env ...string) {
	t.Helper()
	backend := newBackend(t)
	run(t, program{argv: []string{python, testdata(t, "app.py"), "sql"}, env: append(env, toBackend(backend)...)})
	theOnly(t, "SELECT", backend.Spans())
}

func filesIn(t testing.TB, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		names = append(names, strings.TrimPrefix(path, dir))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestWheelComesAndGoesWithoutATrace(t *testing.T) {
	notShort(t)
	for _, i := range endPythons(t) {
		t.Run(i.String(), func(t *testing.T) {
			dir, python := freshVenv(t, i)
			pip(t, python, nil, "uninstall", "--quiet", "--yes", "setuptools")
			before := filesIn(t, dir)
			pip(t, python, nil, "install", "--quiet", "--no-index", wheelFile(t))
			expectTraced(t, python, byEnvironment)
			pip(t, python, nil, "install", "--quiet", "--no-index", "--force-reinstall", wheelFile(t))
			expectTraced(t, python, byEnvironment)
			pip(t, python, nil, "check")
			pip(t, python, nil, "uninstall", "--quiet", "--yes", "lumigo_opentelemetry")
			after := slices.DeleteFunc(filesIn(t, dir), func(name string) bool { return slices.Contains(before, name) })
			after = slices.DeleteFunc(after, func(name string) bool { return strings.Contains(name, "/pip/") }) // what pip compiles of itself
			if len(after) > 0 {
				t.Errorf("left behind: %q", after)
			}
			run(t, program{argv: []string{python, "-c", "import sqlite3"}, env: []string{byEnvironment}})
		})
	}
}

func TestWheelForAUser(t *testing.T) {
	notShort(t)
	for _, i := range endPythons(t) {
		t.Run(i.String(), func(t *testing.T) {
			base := "PYTHONUSERBASE=" + t.TempDir()
			pip(t, i.Path, []string{base}, "install", "--quiet", "--no-index", "--user", wheelFile(t))
			expectTraced(t, i.Path, base, byEnvironment)
		})
	}
}

// TestWheelInADirectory: as for an AWS Lambda or a zip file. Python reads no .pth file there, so that it takes an
// import.
func TestWheelInADirectory(t *testing.T) {
	notShort(t)
	for _, i := range endPythons(t) {
		t.Run(i.String(), func(t *testing.T) {
			dir := t.TempDir()
			pip(t, i.Path, nil, "install", "--quiet", "--no-index", "--target", dir, wheelFile(t))
			backend := newBackend(t)
			run(t, program{
				argv: []string{i.Path, "-c", "import lumigo_opentelemetry, sqlite3; sqlite3.connect(':memory:').execute('SELECT 1').fetchall()"},
				env:  toBackend(backend, "PYTHONPATH="+dir),
			})
			theOnly(t, "SELECT", backend.Spans())
		})
	}
}

// TestWheelBesideEditablePackages: they are on the path by .pth files too, which Python reads by their names,
// one before ours and one after.
func TestWheelBesideEditablePackages(t *testing.T) {
	notShort(t)
	for _, i := range endPythons(t) {
		t.Run(i.String(), func(t *testing.T) {
			available(t)(pythonenv.Venv(i, "flit_core==3.9.0")) // or skip
			_, python := freshVenv(t, i)
			pip(t, python, nil, "install", "--quiet", "flit_core==3.9.0")
			pip(t, python, nil, "install", "--quiet", "--no-index", wheelFile(t))
			for _, name := range []string{"a_neighbour", "z_neighbour"} {
				dir := t.TempDir()
				for file, content := range map[string]string{
					"pyproject.toml": "[build-system]\nrequires = [\"flit_core\"]\nbuild-backend = \"flit_core.buildapi\"\n" +
						"[project]\nname = \"" + name + "\"\nversion = \"1\"\ndescription = \"one\"\n",
					name + ".py": "import sqlite3\ndef work(): sqlite3.connect(':memory:').execute('SELECT 1').fetchall()\n",
				} {
					if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				pip(t, python, nil, "install", "--quiet", "--no-index", "--no-build-isolation", "--editable", dir)
			}
			backend := newBackend(t)
			run(t, program{
				argv: []string{python, "-c", "import a_neighbour, z_neighbour; a_neighbour.work(); z_neighbour.work()"},
				env:  toBackend(backend, byEnvironment),
			})
			if got := len(named(backend.Spans(), "SELECT")); got != 2 {
				t.Errorf("%d spans of two packages:\n%s", got, forest(backend.Spans()))
			}
		})
	}
}
