package weaver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/version"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A plan is all that a woven build needs besides the user's own command.
type plan struct {
	Overlay string   // the file for -overlay; "" if there is nothing to weave
	Flags   []string // more flags for go
	Files   []string // more Go files for a command that names files
	Woven   []string // packages of which woven copies are built
	Linked  []string // main packages and tests that import integrations
	Skipped []string // what is not woven, and why
	Needs   []string // where the modules are that are woven
	Checked bool     // whether it has been seen to compile
}

// goPackage is what we read of what go list says of a package.
type goPackage struct {
	ImportPath, Dir, Name, ForTest string
	Standard, DepOnly              bool
	Module                         *goModule
	TestGoFiles, XTestGoFiles      []string
	Imports, EmbedFiles            []string
	EmbedPatterns                  []string
	TestEmbedPatterns              []string
	XTestEmbedPatterns             []string
	Error                          *struct{ Err string }
}

type goModule struct {
	Path, Version, Dir, GoMod, GoVersion string
	Main                                 bool
	Replace                              *goModule
}

const listFields = "ImportPath,Dir,Name,ForTest,Standard,DepOnly,Module,TestGoFiles,XTestGoFiles,Imports," +
	"EmbedPatterns,EmbedFiles,TestEmbedPatterns,XTestEmbedPatterns,Error"

// The files that are added to packages. Their names hold nothing that go would take for a build constraint.
const (
	addedToTarget = "lumigo_weave.go"
	addedToMain   = "lumigo_woven.go"
	addedToTest   = "lumigo_woven_test.go"
)

// A planner makes the plan of one build.
type planner struct {
	go_     *toolchain
	command *command
	tool    []string // see Options
	sources *sourceTree
	cache   string
	module  string // where the sources are
	seen    string // where the build sees them
	final   string // where the plan's files will be
	version string // of the toolchain, such as go1.25.4

	plan     *plan
	all      []*goPackage
	broken   bool                  // one of them has an error
	packages map[string]*goPackage // by import path, test variants included
	mains    []*goModule           // main modules
	users    map[string]string     // the user's own overlay
	replace  map[string]string     // our overlay
	files    map[string][]byte     // the plan's files, by slash-separated path
	moved    map[string]*goModule  // modules that are woven, by where the build sees them
	without  map[string]error      // targets of the integrations that do not compile in this build, and why
}

// stands reports whether what the plan refers to is still there.
func (p *plan) stands() bool {
	return p.Overlay == "" || exists(p.Overlay) && !slices.ContainsFunc(p.Needs, func(name string) bool { return !exists(name) })
}

var versionPattern = regexp.MustCompile(`go1\.[0-9]+(\.[0-9]+)?(rc[0-9]+)?`)

// errPlain means that there is nothing to weave, for a reason that is none of ours.
var errPlain = errors.New("nothing to weave")

// plain is errPlain because of an error that the go command itself will tell of.
func plain(err error) error { return fmt.Errorf("%w: %w", errPlain, err) }

// load lists what the build consists of.
func (p *planner) load() error {
	p.packages = map[string]*goPackage{}
	p.version = versionPattern.FindString(p.go_.vars["GOVERSION"])
	if version.Compare(p.version, language) < 0 {
		return fmt.Errorf("weaving needs Go %s or later, and this build uses %s", strings.TrimPrefix(language, "go"), p.go_.vars["GOVERSION"])
	}
	if err := p.readOverlay(); err != nil {
		return err
	}
	mod := []string{"-m", "-json=Path,Dir,GoMod,Main"}
	if p.command.modfile != "" {
		mod = append(mod, "-modfile="+p.command.modfile)
	}
	var err error
	if p.mains, err = list[goModule](p.go_, mod...); err != nil {
		return plain(err)
	}
	if p.command.verb == verbEnvironment {
		for _, m := range p.mains {
			p.command.packages = append(p.command.packages, m.Dir+"/...")
		}
	}
	args := []string{"-e", "-deps", "-json=" + listFields}
	if p.command.overlay != "" {
		args = append(args, "-overlay="+p.command.overlay)
	}
	if p.all, err = list[goPackage](p.go_, slices.Concat(args, p.listFlags(), p.command.packages)...); err != nil {
		return plain(err)
	}
	for _, pkg := range p.all {
		p.packages[pkg.ImportPath] = pkg
		p.broken = p.broken || pkg.Error != nil
	}
	return nil
}

// listFlags are the flags for go list that make it see what the command would build.
func (p *planner) listFlags() []string {
	if p.command.compilesTests() {
		return append([]string{"-test"}, p.command.load...)
	}
	return p.command.load
}

// entry says which files the plan depends on.
func (p *planner) entry() *entry {
	e := new(entry)
	addRoot := func(dir string) {
		if dir != "" && !slices.Contains(e.Roots, dir) {
			e.Roots = append(e.Roots, dir)
		}
	}
	for _, m := range p.mains {
		addRoot(m.Dir)
	}
	for _, pkg := range p.all {
		switch m := pkg.Module; {
		case m == nil && !pkg.Standard && pkg.ForTest == "":
			addRoot(pkg.Dir) // of files that the command names
		case m != nil && !m.Main && m.Replace != nil && m.Replace.Version == "":
			addRoot(m.Dir)
		}
	}
	root := p.root()
	e.Files = []string{root, strings.TrimSuffix(root, ".work") + ".work.sum", filepath.Join(filepath.Dir(root), "vendor", "modules.txt")}
	if p.command.modfile != "" {
		name := p.absolute(p.command.modfile)
		e.Files = append(e.Files, name, strings.TrimSuffix(name, ".mod")+".sum")
	}
	if p.command.overlay != "" {
		e.Files = append(e.Files, p.absolute(p.command.overlay))
		e.Files = append(e.Files, slices.Sorted(maps.Values(p.users))...)
	}
	return e
}

// try makes a plan that has been seen to compile, without the integrations that do not.
func (p *planner) try() error {
	p.without = map[string]error{}
	for final := p.final; ; p.final = fmt.Sprintf("%s-%d", final, len(p.without)) {
		if err := p.make(); err != nil || p.plan.Overlay == "" {
			return err
		}
		err := p.check()
		if err == nil || !p.blame(err) {
			return err
		}
	}
}

// blame finds the integrations that an error is about, to be left out: those that the go command names, or else all
// that are woven into modules, of which there are more versions than anybody has tried. It reports whether it found any.
func (p *planner) blame(err error) bool {
	failed, ok := errors.AsType[*goError](err)
	if !ok {
		return false
	}
	before := len(p.without)
	for _, i := range p.sources.integrations {
		if failed.names(i.target) || failed.names(i.importPath()) {
			p.without[i.target] = err
		}
	}
	if len(p.without) == before {
		for _, target := range p.plan.Woven {
			if pkg := p.packageOf(target); !pkg.Standard {
				p.without[target] = err
			}
		}
	}
	return len(p.without) > before
}

// make makes the plan, and the files that it needs in p.final.
func (p *planner) make() error {
	p.plan, p.files, p.replace, p.moved = new(plan), map[string][]byte{}, map[string]string{}, map[string]*goModule{}
	p.placeModule()
	var uses []*integration
	for _, pkg := range p.all {
		uses = append(uses, p.link(pkg)...)
	}
	if len(p.plan.Linked) == 0 {
		p.plan.Checked = !p.broken
		return nil
	}
	for _, i := range p.sources.integrations {
		if !slices.Contains(uses, i) {
			continue
		}
		err := p.without[i.target]
		if err == nil {
			err = p.weave(i)
		}
		if err != nil {
			p.skip(i.target, err.Error())
		}
	}
	if err := p.injectModule(); err != nil {
		return err
	}
	for name, actual := range p.users {
		if _, ours := p.replace[name]; !ours {
			p.replace[name] = actual
		}
	}
	text, err := json.MarshalIndent(map[string]any{"Replace": p.replace}, "", "\t")
	if err != nil {
		return err
	}
	p.files["overlay.json"] = text
	p.plan.Overlay = filepath.Join(p.final, "overlay.json")
	if p.command.covers && p.command.compilesMains() {
		var quoted []string
		for _, a := range append(slices.Clone(p.tool), p.plan.Overlay) {
			quoted = append(quoted, "'"+a+"'")
		}
		p.plan.Flags = append(p.plan.Flags, "-toolexec="+strings.Join(quoted, " "))
	}
	return writeDir(p.final, p.files)
}

// check compiles the packages of the build woven, which leaves little for the build itself to do. If that fails,
// it compiles them plain: what the compiler says of the user's own mistakes must be the same both ways.
func (p *planner) check() error {
	if p.broken {
		return nil
	}
	args := slices.Concat([]string{"-export", "-deps", "-json=ImportPath,Module"}, p.listFlags())
	woven, err := list[goPackage](p.go_, slices.Concat(args, []string{"-overlay=" + p.plan.Overlay}, p.plan.Flags, p.command.packages, p.plan.Files)...)
	if err != nil {
		if p.command.overlay != "" {
			args = append(args, "-overlay="+p.command.overlay)
		}
		_, plainErr := list[goPackage](p.go_, append(args, p.command.packages...)...)
		switch {
		case plainErr == nil:
			return err
		case !sameMessage(plainErr, err):
			return errPlain
		}
		return nil
	}
	for _, pkg := range woven {
		before := p.packages[pkg.ImportPath]
		if before != nil && before.Module != nil && pkg.Module != nil && before.Module.Version != pkg.Module.Version {
			return fmt.Errorf("it would change %s from %s to %s", pkg.Module.Path, before.Module.Version, pkg.Module.Version)
		}
	}
	p.plan.Checked = true
	return nil
}

// readOverlay reads the overlay that the user's own command line asks for.
func (p *planner) readOverlay() error {
	p.users = map[string]string{}
	if p.command.overlay == "" {
		return nil
	}
	text, err := os.ReadFile(p.absolute(p.command.overlay))
	if err != nil {
		return plain(err)
	}
	var overlay struct{ Replace map[string]string }
	if json.Unmarshal(text, &overlay) != nil {
		return errPlain
	}
	for name, actual := range overlay.Replace {
		if actual != "" {
			actual = p.absolute(actual)
		}
		p.users[p.absolute(name)] = actual
	}
	return nil
}

func (p *planner) absolute(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(p.go_.dir, name)
}

// read reads a file as the user's build sees it.
func (p *planner) read(name string) ([]byte, error) {
	if actual, ok := p.users[name]; ok {
		name = actual
	}
	return os.ReadFile(name)
}

// show makes the build see text under a name.
func (p *planner) show(name, as string, text []byte) {
	p.files[as] = text
	p.replace[name] = filepath.Join(p.final, filepath.FromSlash(as))
}

// link gives a main package and the external test of a package a file that imports the integrations of what they
// use, and returns these. A test that is external can import us even if we import the package that it tests.
func (p *planner) link(pkg *goPackage) []*integration {
	if pkg.DepOnly || pkg.ForTest != "" {
		return nil
	}
	test := pkg.ImportPath + ".test"
	isMain := pkg.Name == "main" && !pkg.Standard && p.command.compilesMains() && !strings.HasSuffix(pkg.ImportPath, ".test")
	isTest := p.command.compilesTests() && p.packages[test] != nil && len(pkg.TestGoFiles)+len(pkg.XTestGoFiles) > 0
	switch {
	case !isMain && !isTest:
		return nil
	case pkg.Error != nil:
		p.skip(pkg.ImportPath, "it has an error")
		return nil
	}
	dir, err := p.place(pkg)
	if err != nil {
		p.skip(pkg.ImportPath, err.Error())
		return nil
	}
	for _, name := range []string{addedToMain, addedToTest} {
		if pattern := p.embedding(pkg, name); pattern != "" {
			p.skip(pkg.ImportPath, "go:embed "+pattern+" would take in the file that weaving adds")
			return nil
		}
	}
	var own []*integration
	if isMain {
		own = p.importInto(filepath.Join(dir, addedToMain), "main", pkg.ImportPath)
	}
	if isTest {
		own = append(own, p.importInto(filepath.Join(dir, addedToTest), pkg.Name+"_test", test)...)
	}
	if !p.command.namesFiles() {
		p.plan.Linked = append(p.plan.Linked, pkg.ImportPath)
		return own
	}
	p.plan.Linked = p.command.packages
	if isMain {
		p.plan.Files = append(p.plan.Files, p.command.beside(addedToMain))
	}
	if isTest {
		p.plan.Files = append(p.plan.Files, p.command.beside(addedToTest))
	}
	return own
}

// embedding returns a pattern of go:embed that takes in a file of this name beside pkg, by itself or with a directory
// that it is in: of pkg itself, or of another package of its module, as a program may have others in it as templates.
func (p *planner) embedding(pkg *goPackage, name string) string {
	for _, other := range p.all {
		if other.Standard || (other.Module == nil) != (pkg.Module == nil) || pkg.Module != nil && other.Module.Path != pkg.Module.Path {
			continue
		}
		file, err := filepath.Rel(other.Dir, filepath.Join(pkg.Dir, name))
		if err != nil || !filepath.IsLocal(file) {
			continue
		}
		for _, pattern := range slices.Concat(other.EmbedPatterns, other.TestEmbedPatterns, other.XTestEmbedPatterns) {
			for part := filepath.ToSlash(file); part != "."; part = path.Dir(part) {
				if ok, _ := path.Match(strings.TrimPrefix(pattern, "all:"), part); ok {
					return pattern
				}
			}
		}
	}
	return ""
}

// importInto shows a Go file of the given package clause that imports the integrations for what root is built from.
func (p *planner) importInto(file, clause, root string) (own []*integration) {
	used := p.closure(root)
	var text bytes.Buffer
	fmt.Fprintf(&text, "package %s\n\nimport (\n\t_ %q\n", clause, modulePath)
	for _, i := range p.sources.integrations {
		if used[i.target] {
			own = append(own, i)
			if i.isGo && p.without[i.target] == nil {
				fmt.Fprintf(&text, "\t_ %q\n", i.importPath())
			}
		}
	}
	text.WriteString(")\n")
	p.show(file, fmt.Sprintf("linked/%d/%s", len(p.files), filepath.Base(file)), text.Bytes())
	return own
}

func (p *planner) skip(what, why string) {
	p.plan.Skipped = append(p.plan.Skipped, what+": "+why)
}

// closure is the set of packages that a package is built from, test variants under their plain import paths.
func (p *planner) closure(root string) map[string]bool {
	seen, used := map[string]bool{root: true}, map[string]bool{"runtime": true, "os": true}
	for todo := []string{root}; len(todo) > 0; {
		path := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		plain, _, _ := strings.Cut(path, " ")
		used[plain] = true
		if pkg := p.packages[path]; pkg != nil {
			for _, i := range pkg.Imports {
				if !seen[i] {
					seen[i] = true
					todo = append(todo, i)
				}
			}
		}
	}
	return used
}

// weave shows woven copies of the files of a target to the build.
func (p *planner) weave(i *integration) error {
	var weaves []*weaveFile
	for _, name := range slices.Sorted(maps.Keys(i.weaves)) {
		w, err := parseWeave(i.target+"/"+name, i.weaves[name], p.version)
		if err != nil {
			return fmt.Errorf("weave file: %w", err)
		}
		if w != nil {
			weaves = append(weaves, w)
		}
	}
	if len(weaves) == 0 {
		return nil
	}
	pkg := p.packageOf(i.target)
	if pkg == nil || pkg.Dir == "" {
		return nil // go will say it
	}
	dir, err := p.place(pkg)
	if err != nil {
		return err
	}
	release := p.version
	if m := pkg.Module; m != nil {
		release = strings.TrimSpace(m.Path + " " + m.Version)
	}
	entries, err := os.ReadDir(pkg.Dir)
	if err != nil {
		return err
	}
	found := map[*site]int{}
	for _, e := range entries {
		if !isFile(e.Name()) || strings.HasSuffix(e.Name(), "_test.go") || e.IsDir() {
			continue
		}
		name := filepath.Join(pkg.Dir, e.Name())
		source, err := p.read(name)
		if err != nil {
			return err
		}
		if !mentions(source, weaves) {
			continue
		}
		woven, err := splice(name, source, weaves, found)
		if err != nil {
			p.skip(i.target, err.Error())
			continue
		}
		if woven != nil {
			p.show(filepath.Join(dir, e.Name()), "woven/"+i.target+"/"+e.Name(), woven)
		}
	}
	for _, w := range weaves {
		for _, shape := range w.missing(found) {
			p.skip(i.target, fmt.Sprintf("%s has no %s", release, shape))
		}
		name := strings.TrimSuffix(strings.Replace(filepath.Base(w.name), "weave", strings.TrimSuffix(addedToTarget, ".go"), 1), ".txt")
		added := w.added
		if !pkg.Standard { // which may be written in the language of an older Go
			if added, err = withLanguage(added); err != nil {
				return err
			}
		}
		p.show(filepath.Join(dir, name), "woven/"+i.target+"/"+name, added)
	}
	if i.source != nil {
		connect := filepath.Join(p.seen, "instrumentation", filepath.FromSlash(i.target), "connect.go")
		p.show(connect, "connect/"+i.target+"/connect.go", i.source)
	}
	p.plan.Woven = append(p.plan.Woven, i.target)
	return nil
}

// place is where the build is to find a package. What is in the module cache, as a toolchain may be, too, goes by another
// name, under which the go command lets its files be overlaid.
func (p *planner) place(pkg *goPackage) (string, error) {
	switch {
	case pkg.Standard:
		path, _, _ := strings.Cut(pkg.ImportPath, " ")
		return filepath.Join(p.go_.vars["GOROOT"], "src", filepath.FromSlash(path)), nil
	case within(p.go_.vars["GOMODCACHE"], pkg.Dir):
		return p.move(pkg)
	}
	return pkg.Dir, nil
}

// packageOf finds a package by its import path, nil for none. It may be there only as it is compiled for the tests of
// what it imports, as "path [path.test]".
func (p *planner) packageOf(importPath string) *goPackage {
	n := slices.IndexFunc(p.all, func(pkg *goPackage) bool {
		plain, _, _ := strings.Cut(pkg.ImportPath, " ")
		return plain == importPath
	})
	if n < 0 {
		return nil
	}
	return p.all[n]
}

// mentions is a quick look at whether a file can have any of the sites.
func mentions(source []byte, weaves []*weaveFile) bool {
	for _, w := range weaves {
		for _, s := range w.sites {
			if bytes.Contains(source, []byte(s.name)) {
				return true
			}
		}
	}
	return false
}
