package weaver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Options says what to build, and whom to tell about it.
type Options struct {
	Args    []string // of the go command
	Environ []string
	Dir     string // working directory
	Sources fs.FS  // the module that woven programs link
	Strict  bool   // fail if something cannot be woven, where otherwise the plain go command runs
	Report  bool   // say what is woven even if that is not new
	Tell    func(kind, text string)
}

// Run runs a go command, with weaving if it is one that builds. It returns only if that fails.
func Run(o Options) error {
	command, err := findGo(o.Environ)
	if err != nil {
		return err
	}
	plain := append([]string{"go"}, o.Args...)
	c := parseCommand(o.Args)
	if c.verb == "" || len(o.Args) == 0 || !isWoven(c.verb) || off(o.Environ) {
		return execute(command, plain, o.Environ)
	}
	w := &weaving{Options: o, command: c, go_: &toolchain{command: command, environ: o.Environ, dir: o.Dir}}
	p, err := w.prepare()
	if err != nil || p.Overlay == "" {
		if err != nil && !errors.Is(err, errPlain) {
			if o.Strict {
				return fmt.Errorf("cannot weave: %w", err)
			}
			o.Tell("warning", fmt.Sprintf("the build is not woven, so what it makes is not traced: %s", err))
		}
		return execute(command, plain, o.Environ)
	}
	args := append([]string{"go"}, c.withOverlay(p.Overlay, p.Flags, p.Files)...)
	return execute(w.go_.command, args, w.go_.environ)
}

// off reports whether the environment switches everything of ours off.
func off(environ []string) bool {
	return strings.EqualFold(lookup(environ, "LUMIGO_SWITCH_OFF"), "true")
}

func isWoven(verb string) bool {
	for _, v := range wovenVerbs {
		if v == verb {
			return true
		}
	}
	return false
}

func execute(command string, args, environ []string) error {
	return fmt.Errorf("cannot run %s: %w", command, syscall.Exec(command, args, environ))
}

// A weaving is one run of a go command that builds.
type weaving struct {
	Options
	command *command
	go_     *toolchain
}

func (w *weaving) prepare() (*plan, error) {
	if w.command.dir != "" {
		w.go_.dir = filepath.Join(w.Dir, w.command.dir)
	}
	if err := w.go_.learn(); err != nil {
		return nil, errPlain
	}
	w.command.adopt(w.go_.vars["GOFLAGS"])
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	cache = filepath.Join(cache, "lumigo", "go")
	if err := w.go_.settle(cache); err != nil {
		return nil, err
	}
	sources, err := readSources(w.Sources)
	if err != nil {
		return nil, err
	}
	module, err := sources.write(cache)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, "plan")
	os.RemoveAll(dir)
	p := &planner{go_: w.go_, command: w.command, sources: sources, module: module, dir: dir, final: dir}
	if _, err := p.make(); err != nil {
		return nil, err
	}
	w.Tell("note", fmt.Sprintf("woven: %v, linked: %v, skipped: %v", p.plan.Woven, p.plan.Linked, p.plan.Skipped))
	return p.plan, nil
}
