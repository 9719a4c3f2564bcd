package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// means are what the services run with; either may be missing.
type means struct {
	interpreter string // "" for no Python
	binaries    string // directory of the Go services; "" for no Go
}

// find finds the means, and tells which are missing. That there are none is an error.
func find(ctx context.Context, o Options, sources, temp string) (m means, err error) {
	m.interpreter = findPython(ctx, o.Environ)
	m.binaries, err = build(ctx, o, sources, temp)
	why := ""
	switch {
	case ctx.Err() != nil:
		return m, ctx.Err()
	case err != nil && m.interpreter == "":
		return m, fmt.Errorf("there is no Python from 3.7 to 3.14 on PATH, and the Go services cannot be built: %w", err)
	case err != nil:
		why = fmt.Sprintf("without Go: its services cannot be built, so the shop has its Python services alone: %v", err)
	case m == means{}:
		return m, ErrNothing
	case m.binaries == "":
		why = "without Go: there is no go command on PATH, so the shop has its Python services alone"
	case m.interpreter == "":
		why = "without Python: there is none from 3.7 to 3.14 on PATH, so the shop has its Go services alone"
	}
	if why != "" {
		o.Tell(why)
	}
	return m, nil
}

// findPython returns an interpreter that can run the services, "" for none.
func findPython(ctx context.Context, environ []string) string {
	names := []string{"python3", "python"}
	for minor := 14; minor >= 7; minor-- {
		names = append(names, fmt.Sprintf("python3.%d", minor))
	}
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		cmd := exec.CommandContext(ctx, path, "-I", "-c", "import sys, sqlite3, http.server, wsgiref; sys.exit(not (3, 7) <= sys.version_info[:2] <= (3, 14))")
		cmd.Env = quiet(environ)
		if cmd.Run() == nil {
			return path
		}
	}
	return ""
}

// build builds the Go programs in sources, and returns the directory of the binaries, below temp. It is "", without an
// error, where there is no go command.
func build(ctx context.Context, o Options, sources, temp string) (binaries string, err error) {
	if _, err := exec.LookPath("go"); err != nil {
		return "", nil
	}
	end := o.Busy("building the Go services, up to a minute the first time")
	defer end()
	binaries = filepath.Join(temp, "bin")
	args := append(o.Self[1:len(o.Self):len(o.Self)], "go", "--strict", "build", "-buildvcs=false", "-o", binaries+"/", "./...")
	cmd := exec.CommandContext(ctx, o.Self[0], args...)
	cmd.Dir = sources
	// The module is ours, whatever flags and workspaces the user has; it needs no C compiler, and nothing from elsewhere.
	cmd.Env = append(quiet(o.Environ), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0", "GO111MODULE=on")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = patience
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return "", errors.New(reason(out.String(), err))
	}
	return binaries, nil
}

// reason is what a program has said last, or else how it ended.
func reason(said string, err error) string {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	if last := lines[len(lines)-1]; last != "" {
		return strings.TrimPrefix(last, "lumigo: error: ")
	}
	return err.Error()
}
