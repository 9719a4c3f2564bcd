package weaver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A toolchain is the go command that a build runs with, after it has chosen its version itself.
type toolchain struct {
	context context.Context // of what it runs; nil for one that does not end
	command string
	environ []string
	dir     string
	vars    map[string]string // what go env says
}

// findGo finds the first go command on the path that is not this program under the name of go.
func findGo(environ []string) (string, error) {
	self, _ := os.Executable()
	own, _ := os.Stat(self)
	for _, dir := range filepath.SplitList(lookup(environ, "PATH")) {
		name := filepath.Join(dir, "go")
		info, err := os.Stat(name)
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 || own != nil && os.SameFile(info, own) {
			continue
		}
		return filepath.Abs(name)
	}
	return "", errors.New("there is no go command on PATH")
}

func lookup(environ []string, name string) (value string) {
	for _, e := range environ {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			value = v
		}
	}
	return value
}

// learn asks the go command for its environment.
func (t *toolchain) learn() error {
	out, err := t.run("env", "-json")
	if err != nil {
		return err
	}
	return json.Unmarshal(out, &t.vars)
}

// settle goes over to the go command of the chosen version. If that is in the module cache, where the go command
// refuses to overlay files, it is reached by another way, a link in our cache.
func (t *toolchain) settle(cache string) error {
	root := t.vars["GOROOT"]
	if within(t.vars["GOMODCACHE"], root) {
		link := filepath.Join(cache, "goroot", filepath.Base(root))
		if err := linkTo(root, link); err != nil {
			return err
		}
		t.vars["GOROOT"] = link
		t.environ = append(t.environ, "GOROOT="+link)
		t.command = filepath.Join(link, "bin", "go")
		return nil
	}
	if command := filepath.Join(root, "bin", "go"); exists(command) {
		t.command = command
	}
	return nil
}

// linkTo makes a link in our cache, by which the go command lets files be overlaid that are in its module cache.
func linkTo(target, link string) error {
	if to, err := os.Readlink(link); err == nil && to == target {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		return err
	}
	os.Remove(link)
	if err := os.Symlink(target, link); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// within reports whether name is dir or beneath it.
func within(dir, name string) bool {
	return dir != "" && (name == dir || strings.HasPrefix(name, strings.TrimSuffix(dir, string(filepath.Separator))+string(filepath.Separator)))
}

// A goError is what the go command had to say when it failed.
type goError struct {
	text string
}

func (e *goError) Error() string {
	first, _, _ := strings.Cut(strings.TrimSpace(e.text), "\n")
	if strings.HasPrefix(first, "# ") { // the name of a package, before what is wrong in it
		_, rest, _ := strings.Cut(strings.TrimSpace(e.text), "\n")
		second, _, _ := strings.Cut(rest, "\n")
		return second
	}
	return first
}

// names reports whether the error is about a package.
func (e *goError) names(importPath string) bool {
	for line := range strings.Lines(e.text) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "#" && f[1] == importPath {
			return true
		}
	}
	return false
}

// sameMessage reports whether two runs failed for the same reasons, in whatever order they were found.
func sameMessage(a, b error) bool {
	var x, y *goError
	if !errors.As(a, &x) || !errors.As(b, &y) {
		return false
	}
	lines := func(text string) []string { return slices.Sorted(strings.Lines(text)) }
	return slices.Equal(lines(x.text), lines(y.text))
}

// run runs the go command and returns its output.
func (t *toolchain) run(args ...string) ([]byte, error) {
	ctx := t.context
	if ctx == nil {
		ctx = context.Background()
	}
	cmd := exec.CommandContext(ctx, t.command, args...)
	cmd.Env, cmd.Dir = t.environ, t.dir
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		if problems.Len() == 0 {
			return nil, fmt.Errorf("go %s: %w", args[0], err)
		}
		return nil, &goError{problems.String()}
	}
	return out.Bytes(), nil
}

// list runs go list with JSON for its output, a stream of values.
func list[T any](t *toolchain, args ...string) ([]*T, error) {
	out, err := t.run(append([]string{"list"}, args...)...)
	if err != nil {
		return nil, err
	}
	var all []*T
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		v := new(T)
		if err := d.Decode(v); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("cannot read what go list says: %w", err)
		}
		all = append(all, v)
	}
}
