package e2e

import (
	"path/filepath"
	"testing"
	"time"
)

// TestPythonUnitTests runs the Python part's own tests on each interpreter.
func TestPythonUnitTests(t *testing.T) {
	python := filepath.Join(repository(t), "python")
	if tests, _ := filepath.Glob(filepath.Join(python, "tests", "test_*.py")); len(tests) == 0 {
		skip(t, "python/tests has no tests")
	}
	// Most of their time is spent waiting, so all interpreters go at once.
	pythons := supportedPythons(t)
	runs := make([]*process, len(pythons))
	for n, i := range pythons {
		runs[n] = start(t, program{
			argv: []string{i.Path, "-m", "unittest", "discover", "-s", "tests"},
			env:  []string{"PYTHONDONTWRITEBYTECODE=1"},
			dir:  python,
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
