package pythonenv

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

// ErrUnavailable says that packages could not be installed, as on a machine without a package index.
// Tests skip on it and say so.
var ErrUnavailable = errors.New("packages are not available")

// Env is a virtual environment.
type Env struct {
	Interpreter Interpreter
	Dir         string
	Python      string // its interpreter
}

// Bin is the path of a program that the environment's packages installed.
func (e *Env) Bin(name string) string { return filepath.Join(e.Dir, "bin", name) }

// CacheDir is where virtual environments are kept.
func CacheDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(base, "lumigo-opentelemetry-tests")
	return dir, os.MkdirAll(dir, 0o755)
}

// Venv returns an environment with exactly the pinned requirements ("flask==3.0.3") and what they depend
// on. It has pip, but no setuptools unless they are required, as every
// environment from Python 3.12 on. Safe for concurrent use, also
// by several processes. The error wraps ErrUnavailable when pip cannot get the packages.
func Venv(i Interpreter, requirements ...string) (*Env, error) {
	dir, err := CacheDir()
	if err != nil {
		return nil, err
	}
	pins := slices.Clone(requirements)
	slices.Sort(pins)
	sum := sha256.Sum256([]byte(i.Path + "\n" + i.Full + "\n" + strings.Join(pins, "\n")))
	dir = filepath.Join(dir, "venv-"+i.Short()+"-"+hex.EncodeToString(sum[:6]))
	return venvAt(i, dir, pins)
}

// WheelVenv returns an environment with the requirements and this repository's wheel, freshly built. It is
// not the one that Venv returns for the same requirements: that one stays free of the distro.
func WheelVenv(i Interpreter, requirements ...string) (*Env, error) {
	wheel, err := Wheel()
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(wheel)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(content)
	base, err := Venv(i, requirements...)
	if err != nil {
		return nil, err
	}
	dir := base.Dir + "-wheel"
	unlock, err := lock(dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	e := &Env{Interpreter: i, Dir: dir, Python: filepath.Join(dir, "bin", "python")}
	marker := filepath.Join(dir, "wheel.sha256")
	if have, err := os.ReadFile(marker); err == nil && string(have) == hex.EncodeToString(sum[:]) {
		return e, nil
	}
	progress("installing the wheel for %s", i)
	if err := makeVenv(i, dir, requirements); err != nil {
		return nil, err
	}
	if err := run(e.Python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--force-reinstall", wheel); err != nil {
		return nil, err
	}
	return e, os.WriteFile(marker, []byte(hex.EncodeToString(sum[:])), 0o644)
}

func venvAt(i Interpreter, dir string, pins []string) (*Env, error) {
	unlock, err := lock(dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return &Env{Interpreter: i, Dir: dir, Python: filepath.Join(dir, "bin", "python")}, makeVenv(i, dir, pins)
}

// makeVenv makes the environment unless a complete one is there. The marker is written last: an
// environment whose making was interrupted is made again.
func makeVenv(i Interpreter, dir string, pins []string) error {
	ready := filepath.Join(dir, "ready")
	if _, err := os.Stat(ready); err == nil {
		return nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	progress("making an environment for %s with %s", i, orNothing(pins))
	if err := run(i.Path, "-m", "venv", dir); err != nil {
		return fmt.Errorf("%w for %s: %v", ErrUnavailable, i, err) // on a full disk, say
	}
	python := filepath.Join(dir, "bin", "python")
	if len(pins) > 0 {
		args := append([]string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check"}, pins...)
		if err := run(python, args...); err != nil {
			return fmt.Errorf("%w for %s: %s", ErrUnavailable, i, versions.ReplaceAllString(err.Error(), ""))
		}
	}
	pinned := func(pin string) bool { return strings.HasPrefix(pin, "setuptools==") }
	if !slices.ContainsFunc(pins, pinned) {
		if err := run(python, "-m", "pip", "uninstall", "--quiet", "--yes", "setuptools"); err != nil {
			return err
		}
	}
	return os.WriteFile(ready, []byte(strings.Join(pins, "\n")+"\n"), 0o644)
}

// versions is pip's list of all that there are, when a pin is none of them.
var versions = regexp.MustCompile(` \(from versions: [^)]*\)`)

func orNothing(pins []string) string {
	if len(pins) == 0 {
		return "nothing added"
	}
	return strings.Join(pins, " ")
}

// lock keeps two processes (go test runs packages side by side) from making the same environment.
func lock(dir string) (unlock func(), err error) {
	f, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}

func run(name string, args ...string) error { return runWith(nil, name, args...) }

func runWith(env []string, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Env = Environ(env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		return fmt.Errorf("%s %s: %v: %s", filepath.Base(name), strings.Join(args, " "), err, strings.Join(lines[max(0, len(lines)-4):], " / "))
	}
	return nil
}

// Environ is this process's environment without what would change how a Python program or the distro
// behaves: tests and benchmarks add what they mean to add.
func Environ(add ...string) []string {
	var env []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		foreign := strings.HasPrefix(name, "LUMIGO_") || strings.HasPrefix(name, "OTEL_") ||
			strings.HasPrefix(name, "PYTHON") || name == "AUTOWRAPT_BOOTSTRAP" || name == "VIRTUAL_ENV" ||
			strings.HasPrefix(name, "ECS_") || name == "_X_AMZN_TRACE_ID" ||
			strings.EqualFold(name, "HTTP_PROXY") || strings.EqualFold(name, "HTTPS_PROXY")
		if !foreign {
			env = append(env, kv)
		}
	}
	return append(env, add...)
}

// Progress is where it is told what is being made, a line each; standard error, unless a program has a better place. It
// is to be set before anything else here is called.
var Progress io.Writer = os.Stderr

func progress(format string, args ...any) {
	fmt.Fprintf(Progress, "pythonenv: "+format+"\n", args...)
}
