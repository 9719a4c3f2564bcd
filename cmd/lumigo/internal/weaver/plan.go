package weaver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/version"
	"maps"
	"os"
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
	Checked bool     // whether it has been seen to compile
}

// goPackage is what we read of what go list says of a package.
type goPackage struct {
	ImportPath, Dir, Name, ForTest string
	Standard, DepOnly              bool
	Module                         *goModule
	GoFiles, CgoFiles              []string
	TestGoFiles, XTestGoFiles      []string
	Imports, EmbedFiles            []string
	Error                          *struct{ Err string }
}

type goModule struct {
	Path, Version, Dir, GoMod, GoVersion string
	Main                                 bool
	Replace                              *goModule
}

const listFields = "ImportPath,Dir,Name,ForTest,Standard,DepOnly,Module,GoFiles,CgoFiles,TestGoFiles,XTestGoFiles,Imports,Error"

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
	sources *sourceTree
	module  string // where the sources are
	dir     string // where the plan is written
	final   string // where it will be in the end
	version string // of the toolchain, such as go1.25.4

	plan     *plan
	packages map[string]*goPackage // by import path, test variants included
	mains    []*goModule           // main modules
	users    map[string]string     // the user's own overlay
	replace  map[string]string     // our overlay
}

var versionPattern = regexp.MustCompile(`go1\.[0-9]+(\.[0-9]+)?(rc[0-9]+)?`)

// errPlain means that there is nothing to weave, for a reason that is none of ours.
var errPlain = errors.New("nothing to weave")

// make lists the packages of the build and writes what they need into p.dir.
func (p *planner) make() ([]*goPackage, error) {
	p.plan, p.replace, p.packages = new(plan), map[string]string{}, map[string]*goPackage{}
	p.version = versionPattern.FindString(p.go_.vars["GOVERSION"])
	if version.Compare(p.version, language) < 0 {
		return nil, fmt.Errorf("weaving needs Go %s or later, and this build uses %s", strings.TrimPrefix(language, "go"), p.go_.vars["GOVERSION"])
	}
	if err := p.readOverlay(); err != nil {
		return nil, err
	}
	args := append([]string{"-e", "-deps", "-json=" + listFields}, p.command.load...)
	if p.command.overlay != "" {
		args = append(args, "-overlay="+p.command.overlay)
	}
	if p.command.verb == "test" {
		args = append(args, "-test")
	}
	all, err := list[goPackage](p.go_, append(args, p.command.packages...)...)
	if err != nil {
		return nil, errPlain // go will say it
	}
	if p.mains, err = list[goModule](p.go_, "-m", "-json=Path,Dir,GoMod,GoVersion,Main"); err != nil {
		return nil, errPlain
	}
	for _, pkg := range all {
		p.packages[pkg.ImportPath] = pkg
	}
	var uses []*integration
	for _, pkg := range all {
		if own := p.link(pkg); len(own) > 0 {
			uses = append(uses, own...)
		}
	}
	if len(p.plan.Linked) == 0 {
		return all, nil
	}
	for _, i := range p.sources.integrations {
		if slices.Contains(uses, i) {
			if err := p.weave(i); err != nil {
				return nil, err
			}
		}
	}
	if err := p.injectModule(); err != nil {
		return nil, err
	}
	for name, actual := range p.users {
		if _, ours := p.replace[name]; !ours {
			p.replace[name] = actual
		}
	}
	text, err := json.MarshalIndent(map[string]any{"Replace": p.replace}, "", "\t")
	if err != nil {
		return nil, err
	}
	p.plan.Overlay = filepath.Join(p.final, "overlay.json")
	return all, writeFile(filepath.Join(p.dir, "overlay.json"), text)
}

// readOverlay reads the overlay that the user's own command line asks for.
func (p *planner) readOverlay() error {
	p.users = map[string]string{}
	if p.command.overlay == "" {
		return nil
	}
	text, err := os.ReadFile(p.absolute(p.command.overlay))
	if err != nil {
		return errPlain
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
func (p *planner) show(name, as string, text []byte) error {
	p.replace[name] = filepath.Join(p.final, filepath.FromSlash(as))
	return writeFile(filepath.Join(p.dir, filepath.FromSlash(as)), text)
}

// link gives a main package or the external test of a package a file that imports the integrations of what it
// uses, and returns these. A test that is external can import us even if we import the package that it tests.
func (p *planner) link(pkg *goPackage) []*integration {
	isMain := pkg.Name == "main" && !pkg.DepOnly && pkg.ForTest == "" && !strings.HasSuffix(pkg.ImportPath, ".test")
	isTest := p.command.verb == "test"
	if pkg.Standard || pkg.DepOnly || pkg.ForTest != "" || !isMain && !isTest {
		return nil
	}
	if isTest && len(pkg.TestGoFiles)+len(pkg.XTestGoFiles) == 0 || isTest && p.packages[pkg.ImportPath+".test"] == nil {
		return nil
	}
	if pkg.Error != nil {
		p.skip(pkg.ImportPath, "it has an error")
		return nil
	}
	if within(p.go_.vars["GOMODCACHE"], pkg.Dir) {
		p.skip(pkg.ImportPath, "the go command takes nothing but the original of what is in the module cache")
		return nil
	}
	root, name, clause := pkg.ImportPath, addedToMain, "main"
	if isTest {
		root, name, clause = pkg.ImportPath+".test", addedToTest, pkg.Name+"_test"
	}
	var own []*integration
	used := p.closure(root)
	imports := []string{modulePath}
	for _, i := range p.sources.integrations {
		if used[i.target] {
			own = append(own, i)
			imports = append(imports, i.importPath())
		}
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "package %s\n\nimport (\n", clause)
	for _, path := range imports {
		fmt.Fprintf(&text, "\t_ %q\n", path)
	}
	text.WriteString(")\n")
	at := filepath.Join(pkg.Dir, name)
	if err := p.show(at, fmt.Sprintf("linked/%d.go", len(p.plan.Linked)), text.Bytes()); err != nil {
		p.skip(pkg.ImportPath, err.Error())
		return nil
	}
	label := pkg.ImportPath
	if p.command.namesFiles() {
		p.plan.Files = []string{p.command.beside(name)}
		label = strings.Join(p.command.packages, " ")
	}
	p.plan.Linked = append(p.plan.Linked, label)
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
	pkg := p.packages[i.target]
	if pkg == nil || pkg.Dir == "" {
		return fmt.Errorf("cannot find package %s", i.target)
	}
	// A toolchain in the module cache goes by another name.
	dir := pkg.Dir
	if pkg.Standard {
		dir = filepath.Join(p.go_.vars["GOROOT"], "src", filepath.FromSlash(i.target))
	} else if within(p.go_.vars["GOMODCACHE"], pkg.Dir) {
		p.skip(i.target, "it is in the module cache")
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	found := map[*site]int{}
	for _, e := range entries {
		if !isFile(e.Name()) || strings.HasSuffix(e.Name(), "_test.go") || e.IsDir() {
			continue
		}
		name := filepath.Join(dir, e.Name())
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
			if err := p.show(name, "woven/"+i.target+"/"+e.Name(), woven); err != nil {
				return err
			}
		}
	}
	for _, w := range weaves {
		for _, s := range w.sites {
			if found[s] == 0 && !s.optional {
				p.skip(i.target, fmt.Sprintf("%s has no %s", p.version, s.shape))
			}
		}
		name := strings.TrimSuffix(strings.Replace(filepath.Base(w.name), "weave", strings.TrimSuffix(addedToTarget, ".go"), 1), ".txt")
		if err := p.show(filepath.Join(dir, name), "woven/"+i.target+"/"+name, w.added); err != nil {
			return err
		}
	}
	if i.source != nil {
		connect := filepath.Join(p.module, "instrumentation", filepath.FromSlash(i.target), "connect.go")
		if err := p.show(connect, "connect/"+i.target+"/connect.go", i.source); err != nil {
			return err
		}
	}
	p.plan.Woven = append(p.plan.Woven, i.target)
	return nil
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
