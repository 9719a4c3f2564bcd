package pythonenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Interpreter is one CPython on this machine.
type Interpreter struct {
	Path  string // the real executable, never a shim
	Full  string // "3.11.7"
	Major int
	Minor int
}

// Short is the version as people say it: "3.11".
func (i Interpreter) Short() string { return fmt.Sprintf("%d.%d", i.Major, i.Minor) }

// String is the version, so that subtests and logs read well.
func (i Interpreter) String() string { return "python" + i.Short() }

// AtLeast reports whether the interpreter is of version major.minor or later.
func (i Interpreter) AtLeast(major, minor int) bool {
	return i.Major > major || i.Major == major && i.Minor >= minor
}

// Supported reports whether the distro traces this interpreter: CPython 3.7 to 3.14.
func (i Interpreter) Supported() bool { return i.AtLeast(3, 7) && !i.AtLeast(3, 15) }

// Interpreters lists the CPython interpreters found on PATH and among pyenv's versions, one for each minor
// version (pyenv's before PATH's, the latest patch first), oldest first. The answer is computed once.
func Interpreters() []Interpreter { return found() }

// Find returns the interpreter of the wanted version ("3.11"); ok is false when there is none.
func Find(short string) (i Interpreter, ok bool) {
	for _, i := range Interpreters() {
		if i.Short() == short {
			return i, true
		}
	}
	return Interpreter{}, false
}

// Default is the interpreter that single-interpreter tests use: LUMIGO_TEST_PYTHON ("3.12") if set, else
// 3.11 because most measurements were made on it, else the newest one that the distro supports.
func Default() (Interpreter, error) {
	if want := os.Getenv("LUMIGO_TEST_PYTHON"); want != "" {
		i, ok := Find(want)
		if !ok {
			return i, fmt.Errorf("LUMIGO_TEST_PYTHON is %q, but no such interpreter was found", want)
		}
		return i, nil
	}
	if i, ok := Find("3.11"); ok {
		return i, nil
	}
	for _, i := range slices.Backward(Interpreters()) {
		if i.Supported() {
			return i, nil
		}
	}
	return Interpreter{}, errors.New("no CPython from 3.7 to 3.14 on PATH or among pyenv's versions")
}

var found = sync.OnceValue(func() []Interpreter {
	byMinor := map[string]Interpreter{}
	for _, path := range candidates() {
		i, err := probe(path)
		if err != nil {
			continue
		}
		if _, known := byMinor[i.Short()]; !known {
			byMinor[i.Short()] = i
		}
	}
	all := make([]Interpreter, 0, len(byMinor))
	for _, i := range byMinor {
		all = append(all, i)
	}
	slices.SortFunc(all, func(a, b Interpreter) int {
		if a.Major != b.Major {
			return a.Major - b.Major
		}
		return a.Minor - b.Minor
	})
	return all
})

func candidates() []string {
	var paths []string
	pyenv := os.Getenv("PYENV_ROOT")
	if pyenv == "" {
		if home, err := os.UserHomeDir(); err == nil {
			pyenv = filepath.Join(home, ".pyenv")
		}
	}
	versions, _ := filepath.Glob(filepath.Join(pyenv, "versions", "*", "bin", "python"))
	slices.SortFunc(versions, func(a, b string) int { return compareVersions(versionOf(b), versionOf(a)) })
	paths = append(paths, versions...)
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if filepath.Base(dir) == "shims" { // pyenv's shims answer for whatever is selected, or fail
			continue
		}
		for minor := 7; minor <= 14; minor++ {
			paths = append(paths, filepath.Join(dir, "python3."+strconv.Itoa(minor)))
		}
		paths = append(paths, filepath.Join(dir, "python3"), filepath.Join(dir, "python2.7"))
	}
	return paths
}

func versionOf(python string) string { return filepath.Base(filepath.Dir(filepath.Dir(python))) }

// compareVersions orders dotted numbers; whatever is not a number counts as zero.
func compareVersions(a, b string) int {
	return slices.Compare(numbers(a), numbers(b))
}

func numbers(version string) []int {
	var n []int
	for _, part := range strings.Split(version, ".") {
		v, _ := strconv.Atoi(part)
		n = append(n, v)
	}
	return n
}

// probe asks the interpreter itself, in isolation from whatever the environment would inject into it.
func probe(path string) (Interpreter, error) {
	if _, err := os.Stat(path); err != nil {
		return Interpreter{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	const question = "import platform,sys;sys.stdout.write(' '.join((platform.python_implementation(),platform.python_version(),sys.executable)))"
	out, err := exec.CommandContext(ctx, path, "-E", "-c", question).Output()
	if err != nil {
		return Interpreter{}, err
	}
	fields := strings.SplitN(string(out), " ", 3)
	if len(fields) != 3 || fields[0] != "CPython" {
		return Interpreter{}, fmt.Errorf("%s is not a CPython", path)
	}
	n := numbers(fields[1])
	if len(n) < 2 {
		return Interpreter{}, fmt.Errorf("%s has an odd version %q", path, fields[1])
	}
	return Interpreter{Path: fields[2], Full: fields[1], Major: n[0], Minor: n[1]}, nil
}
