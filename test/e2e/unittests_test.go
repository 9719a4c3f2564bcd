package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// TestPythonUnitTests runs the Python part's own tests on each interpreter.
func TestPythonUnitTests(t *testing.T) {
	python := filepath.Join(repository(t), "python")
	if tests, _ := filepath.Glob(filepath.Join(python, "tests", "test_*.py")); len(tests) == 0 {
		skip(t, "python/tests has no tests")
	}
	for _, i := range supportedPythons(t) {
		t.Run(i.String(), func(t *testing.T) {
			p := start(t, program{
				argv: []string{i.Path, "-m", "unittest", "discover", "-s", filepath.Join(python, "tests"), "-t", python},
				env:  []string{"PYTHONDONTWRITEBYTECODE=1", "TMPDIR=" + os.TempDir()},
				dir:  python,
			})
			if e := p.wait(); e.shell() != 0 {
				t.Errorf("ended with %s", e)
			}
		})
	}
}
