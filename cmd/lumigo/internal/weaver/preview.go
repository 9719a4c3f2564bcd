package weaver

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
)

// Preview is what Run would do with a command, so far as that can be told without compiling anything.
type Preview struct {
	Builds     bool     // the command is one that is woven; if not, there is nothing else
	Toolchain  string   // what builds, such as go1.26.8
	Overlay    string   // the user's own, from the command line or GOFLAGS; "" for none
	Vendored   bool     // it is built from a vendor directory
	Traced     []string // main packages and tests that would trace themselves
	Woven      []string // packages in which hooks would be
	Skipped    []string // what would not be woven, and why
	Packages   []string // all that the build consists of
	Unresolved []string // packages that the go command has not found, or not understood, and why
}

// Look plans a build as Run does, but compiles and downloads nothing, and keeps no plan. The context ends the go
// commands that it runs.
func Look(ctx context.Context, o Options) (*Preview, error) {
	name, err := findGo(o.Environ)
	if err != nil {
		return nil, err
	}
	environ := append(slices.Clone(o.Environ), "GOPROXY=off")
	w := &weaving{Options: o, command: parseCommand(o.Args), go_: &toolchain{context: ctx, command: name, environ: environ, dir: o.Dir}}
	if !slices.Contains(wovenVerbs, w.command.verb) {
		return &Preview{}, nil
	}
	sources, cache, err := w.begin()
	if err != nil {
		return nil, err
	}
	p, err := w.planner(sources, cache)
	if err != nil {
		return nil, err
	}
	if err := p.load(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "lumigo-preview-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	p.final = filepath.Join(dir, "plan")
	if err := p.make(); err != nil {
		return nil, err
	}
	vendored, err := p.vendored()
	if err != nil {
		return nil, err
	}
	preview := &Preview{
		Builds: true, Toolchain: p.version, Overlay: w.command.overlay, Vendored: vendored != nil,
		Traced: p.plan.Linked, Woven: p.plan.Woven, Skipped: p.plan.Skipped, Packages: slices.Sorted(maps.Keys(p.packages)),
	}
	for _, pkg := range p.all {
		if pkg.Error != nil {
			preview.Unresolved = append(preview.Unresolved, pkg.ImportPath+": "+strings.Join(strings.Fields(pkg.Error.Err), " "))
		}
	}
	return preview, nil
}

// Language is the oldest toolchain whose builds are woven, such as go1.24.
func Language() string { return language }

// Woven reports whether a program was built woven, and if not, whether it imports the tracer by itself.
func Woven(build *debug.BuildInfo) (woven, imported bool) {
	for _, m := range build.Deps {
		if m.Path == modulePath {
			return m.Version == moduleVersion, m.Version != moduleVersion
		}
	}
	return false, false
}
