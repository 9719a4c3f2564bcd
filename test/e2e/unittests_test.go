package e2e

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
)

// unitTestPython is an interpreter with the libraries that some of the tests need, or if they are not to be
// had the interpreter itself; the tests say which of them they skip.
func unitTestPython(t *testing.T, i pythonenv.Interpreter) string {
	e, err := pythonenv.Venv(i, pythonenv.UnitTests(i)...)
	if err != nil {
		t.Logf("without libraries: %v", err)
		return i.Path
	}
	return e.Python
}

// TestPythonUnitTests runs the Python part's own tests on each interpreter.
func TestPythonUnitTests(t *testing.T) {
	// Most of their time is spent waiting, so all interpreters go at once.
	pythons := supportedPythons(t)
	runs := make([]*process, len(pythons))
	for n, i := range pythons {
		runs[n] = start(t, program{
			argv: []string{unitTestPython(t, i), "-m", "unittest", "discover", "-s", filepath.Join("python", "tests")},
			env:  []string{"PYTHONDONTWRITEBYTECODE=1"},
			dir:  repository(t),
		})
	}
	for n, i := range pythons {
		t.Run(i.String(), func(t *testing.T) {
			if e := runs[n].waitAtMost(5 * time.Minute); e.shell() != 0 {
				t.Errorf("ended with %s:\n%s", e, clip(runs[n].stderr.String()))
			}
		})
	}
}
