package pythonenv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
)

// Root is the top directory of this repository.
func Root() (string, error) { return root() }

// Lumigo is the lumigo binary, built from this repository once per process. It and the directories above
// it can be read by every user, so that tests can run it as another one.
func Lumigo() (string, error) { return lumigo() }

// Wheel is the wheel that carries the Python part and the engine, built once per process.
func Wheel() (string, error) { return wheel() }

// Cleanup removes what Lumigo and Wheel built.
func Cleanup() {
	built.Lock()
	defer built.Unlock()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
}

var built struct {
	sync.Mutex
	dir string
}

func buildDir() (string, error) {
	built.Lock()
	defer built.Unlock()
	if built.dir != "" {
		return built.dir, nil
	}
	dir, err := os.MkdirTemp("", "lumigo-built-")
	if err != nil {
		return "", err
	}
	built.dir = dir
	return dir, os.Chmod(dir, 0o755)
}

var root = sync.OnceValues(func() (string, error) {
	// The source file tells, wherever the command runs; a binary built with -trimpath looks upwards instead.
	starts := []string{}
	if _, file, _, ok := runtime.Caller(0); ok {
		starts = append(starts, filepath.Dir(file))
	}
	if wd, err := os.Getwd(); err == nil {
		starts = append(starts, wd)
	}
	for _, dir := range starts {
		for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
				return dir, nil
			}
		}
	}
	return "", errors.New("the repository was not found: run this inside it")
})

var lumigo = sync.OnceValues(func() (string, error) {
	repository, err := Root()
	if err != nil {
		return "", err
	}
	dir, err := buildDir()
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "lumigo")
	progress("building lumigo")
	// As the wheel wants it: linked statically, so that it can be installed on every Linux.
	if err := runWith([]string{"CGO_ENABLED=0"}, "go", "build", "-C", repository, "-trimpath", "-ldflags=-s -w", "-o", binary, "./cmd/lumigo"); err != nil {
		return "", err
	}
	return binary, nil
})

var wheel = sync.OnceValues(func() (string, error) {
	binary, err := Lumigo()
	if err != nil {
		return "", err
	}
	dir, err := buildDir()
	if err != nil {
		return "", err
	}
	progress("building the wheel")
	if err := run(binary, "wheel", "-o", dir); err != nil {
		return "", err
	}
	wheels, _ := filepath.Glob(filepath.Join(dir, "*.whl"))
	if len(wheels) != 1 {
		return "", fmt.Errorf("expected one wheel in %s, found %q", dir, wheels)
	}
	return wheels[0], nil
})
