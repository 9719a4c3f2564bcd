package weaver

import (
	"bytes"
	"fmt"
	"go/version"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// placeModule decides where the build sees our module. A program tells that place of itself, by "go version -m", so
// under -trimpath it must be the same on all machines: it is beside the user's own module or workspace then, where
// there is nothing but what the overlay shows. Without -trimpath it would be compiled anew for each program there.
func (p *planner) placeModule() {
	p.seen = p.module
	if !p.trims() {
		return
	}
	p.seen = p.shown()
	for name := range p.sources.files {
		name = filepath.FromSlash(name)
		p.replace[filepath.Join(p.seen, name)] = filepath.Join(p.module, name)
	}
}

// shown is where builds that tell nothing of this machine see what is not the user's own: our module, and below it
// those that are moved.
func (p *planner) shown() string {
	return filepath.Join(filepath.Dir(p.root()), "..", ".lumigo-woven")
}

// trims reports whether the build is to tell nothing of this machine.
func (p *planner) trims() (trims bool) {
	for _, f := range slices.Concat(fields(p.go_.vars["GOFLAGS"]), p.command.load) {
		if name, value, _ := flagOf(f); name == "trimpath" {
			trims = value != "false"
		}
	}
	return trims
}

// from is how a go.mod file in a directory names another one in or beside its own.
func from(dir, other string) (string, error) {
	name, err := filepath.Rel(dir, other)
	if !strings.HasPrefix(name, "..") {
		name = "./" + name
	}
	return filepath.ToSlash(name), err
}

// injectModule shows copies of the main modules' go.mod files that say where our module is.
func (p *planner) injectModule() error {
	vendored, err := p.vendored()
	if err != nil {
		return err
	}
	isWork := strings.HasSuffix(p.root(), ".work")
	if vendored != nil {
		// Nothing of the vendor directory's list can be overlaid, so each module of it becomes one that is
		// replaced by its directory there. The sources, their names in messages and their versions stay.
		p.plan.Flags = append(p.plan.Flags, "-mod=readonly")
	}
	if isWork && (vendored != nil || len(p.moved) > 0) {
		text, err := p.read(p.root())
		if err != nil {
			return err
		}
		if vendored != nil {
			text = replaces.ReplaceAll(text, nil)
		}
		if text, err = p.withMoved(text, filepath.Dir(p.root())); err != nil {
			return err
		}
		p.show(p.root(), "modules/go.work", text)
	}
	for n, m := range p.mains {
		name := m.GoMod
		if p.command.modfile != "" {
			name = p.absolute(p.command.modfile)
		}
		if m.Path == modulePath {
			return fmt.Errorf("%s is itself a main module of the build", modulePath)
		}
		text, err := p.read(name)
		if err != nil {
			return err
		}
		if vendored != nil {
			text = replaces.ReplaceAll(text, nil)
		}
		if p.closed() {
			text = requires.ReplaceAll(text, nil)
		}
		seen, addition := p.seen, ""
		if seen != p.module {
			if seen, err = from(m.Dir, seen); err != nil {
				return err
			}
		}
		if addition, err = p.unvendor(vendored, m.Dir); err != nil {
			return err
		}
		text = append(withModule(text, seen), addition...)
		if !isWork {
			if text, err = p.withMoved(text, m.Dir); err != nil {
				return err
			}
		}
		if p.embedded(m) {
			// The program shall find its own go.mod in itself.
			if len(p.mains) > 1 || p.command.verb == verbEnvironment {
				return fmt.Errorf("a package of %s embeds its go.mod", m.Path)
			}
			sum, err := p.read(strings.TrimSuffix(name, ".mod") + ".sum")
			if err != nil && !os.IsNotExist(err) {
				return err
			}
			p.files["modules/go.mod"], p.files["modules/go.sum"] = text, sum
			p.plan.Flags = append(p.plan.Flags, "-modfile="+filepath.Join(p.final, "modules", "go.mod"))
			continue
		}
		p.show(name, fmt.Sprintf("modules/%d.mod", n), text)
	}
	return nil
}

// move lets the build find the module of a package by another way, and returns where the package is then: by a link in
// our own cache, or file by file if the program is to tell nothing of this machine.
func (p *planner) move(pkg *goPackage) (string, error) {
	m := pkg.Module
	place, err := filepath.Rel(p.go_.vars["GOMODCACHE"], m.Dir)
	if err != nil {
		return "", err
	}
	to := filepath.Join(p.cache, "modules", place)
	if p.trims() {
		to = filepath.Join(p.shown(), "modules", place)
	}
	if p.moved[to] == nil {
		needs := to
		if p.trims() {
			needs, err = m.Dir, p.showAll(m.Dir, to)
		} else {
			err = linkTo(m.Dir, to)
		}
		if err != nil {
			return "", err
		}
		if !exists(filepath.Join(m.Dir, "go.mod")) { // it is older than modules, and the go command has made one
			text, err := os.ReadFile(m.GoMod)
			if err != nil {
				return "", err
			}
			p.show(filepath.Join(to, "go.mod"), "modules/"+filepath.ToSlash(place)+"/go.mod", text)
		}
		p.moved[to], p.plan.Needs = m, append(p.plan.Needs, needs)
	}
	below, err := filepath.Rel(m.Dir, pkg.Dir)
	return filepath.Join(to, below), err
}

// showAll makes the build see all files of a directory under another name.
func (p *planner) showAll(dir, as string) error {
	return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			p.replace[as+strings.TrimPrefix(name, dir)] = name
		}
		return err
	})
}

// withMoved adds to a go.mod or go.work file of a directory where the modules are that have been moved. Of what the file
// says of them itself only that must go which is about the same version: to say that twice is an error.
func (p *planner) withMoved(text []byte, dir string) ([]byte, error) {
	for _, to := range slices.Sorted(maps.Keys(p.moved)) {
		m := p.moved[to]
		if p.trims() {
			var err error
			if to, err = from(dir, to); err != nil {
				return nil, err
			}
		}
		own := regexp.MustCompile(`(?m)^[ \t]*(replace[ \t]+)?"?` + regexp.QuoteMeta(m.Path) + `"?[ \t]+` + regexp.QuoteMeta(m.Version) + `[ \t]*=>.*$`)
		text = fmt.Appendf(own.ReplaceAll(text, nil), "\nreplace %s %s => %s\n", m.Path, m.Version, strconv.Quote(filepath.ToSlash(to)))
	}
	return text, nil
}

// embedded reports whether a package has the go.mod file of a module in it.
func (p *planner) embedded(m *goModule) bool {
	return slices.ContainsFunc(p.all, func(pkg *goPackage) bool { return pkg.Dir == m.Dir && slices.Contains(pkg.EmbedFiles, "go.mod") })
}

// closed reports whether the modules of a workspace use none but each other. The go command does not look then for
// those that their go.mod files require, which need not even exist, and must not have to because of ours.
func (p *planner) closed() bool {
	return strings.HasSuffix(p.root(), ".work") && !slices.ContainsFunc(p.all, func(pkg *goPackage) bool {
		return pkg.Module != nil && !pkg.Module.Main
	})
}

// root is the go.work or go.mod file that decides about the build.
func (p *planner) root() string {
	if work := p.go_.vars["GOWORK"]; work != "" && work != "off" {
		return work
	}
	return p.go_.vars["GOMOD"]
}

var (
	ourReplace = regexp.MustCompile(`(?m)^[ \t]*(replace[ \t]+)?"?` + regexp.QuoteMeta(modulePath) + `"?([ \t]+v\S+)?[ \t]*=>.*$`)
	ourRequire = regexp.MustCompile(`(?m)^[ \t]*(require[ \t]+)?"?` + regexp.QuoteMeta(modulePath) + `"?[ \t]+v[^\s=]+[ \t]*(//.*)?$`)
	replaces   = directive("replace")
	requires   = directive("require")
	goLine     = regexp.MustCompile(`(?m)^[ \t]*go[ \t]+([0-9][0-9a-z.]*)`)
)

// directive matches all that a go.mod file says by one word, in blocks or on single lines.
func directive(word string) *regexp.Regexp {
	return regexp.MustCompile(`(?m)^[ \t]*` + word + `([ \t]*\([^\n]*\n(?s:.*?)^[ \t]*\)|[ \t]+[^(\s][^\n]*$)`)
}

// withModule adds our module to a go.mod file, whatever that says of it itself.
func withModule(text []byte, dir string) []byte {
	text = ourReplace.ReplaceAll(text, nil)
	var b bytes.Buffer
	b.Write(text)
	b.WriteByte('\n')
	if !ourRequire.Match(text) {
		fmt.Fprintf(&b, "\nrequire %s %s\n", modulePath, moduleVersion)
	}
	fmt.Fprintf(&b, "\nreplace %s => %s\n", modulePath, strconv.Quote(filepath.ToSlash(dir)))
	return b.Bytes()
}

// A vendoredModule is one that vendor/modules.txt lists.
type vendoredModule struct {
	path, version, language string
	hasPackages             bool
}

// vendored returns what the build takes from a vendor directory, nil if it uses none. The conditions are those of
// the go command.
func (p *planner) vendored() ([]*vendoredModule, error) {
	mode := ""
	for _, f := range slices.Concat(fields(p.go_.vars["GOFLAGS"]), p.command.load) {
		if name, value, _ := flagOf(f); name == "mod" {
			mode = value
		}
	}
	for i, f := range p.command.load { // -mod vendor, in two arguments
		if name, value, _ := flagOf(f); name == "mod" && value == "" && i+1 < len(p.command.load) {
			mode = p.command.load[i+1]
		}
	}
	root := p.root()
	oldest := "go1.14"
	if strings.HasSuffix(root, ".work") {
		oldest = "go1.22"
	}
	if mode == "" {
		text, err := p.read(root)
		if err != nil {
			return nil, err
		}
		if m := goLine.FindSubmatch(text); m == nil || version.Compare("go"+string(m[1]), oldest) < 0 {
			return nil, nil
		}
	} else if mode != "vendor" {
		return nil, nil
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(root), "vendor", "modules.txt"))
	if err != nil {
		if os.IsNotExist(err) {
			return nil, nil
		}
		return nil, err
	}
	return parseVendored(string(text)), nil
}

func parseVendored(text string) []*vendoredModule {
	list := []*vendoredModule{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "## "); ok {
			for _, note := range strings.Split(rest, ";") {
				if language, ok := strings.CutPrefix(strings.TrimSpace(note), "go "); ok && len(list) > 0 {
					list[len(list)-1].language = language
				}
			}
		} else if rest, ok := strings.CutPrefix(line, "# "); ok {
			// Without a version it is a replacement of all versions, and those in use have been listed before.
			if f := strings.Fields(rest); len(f) >= 2 && f[1] != "=>" {
				list = append(list, &vendoredModule{path: f[0], version: f[1]})
			}
		} else if line != "" && len(list) > 0 {
			list[len(list)-1].hasPackages = true
		}
	}
	return list
}

// unvendor gives each vendored module a go.mod file, and returns the lines for the one of a main module. Modules of
// which no package is vendored are replaced by empty ones: nothing but their go.mod would be read.
func (p *planner) unvendor(modules []*vendoredModule, main string) (string, error) {
	var b strings.Builder
	for n, m := range modules {
		text := []byte("module " + m.path + "\n")
		if m.language != "" {
			text = append(text, "\ngo "+m.language+"\n"...)
		}
		as := fmt.Sprintf("vendor/%d/go.mod", n)
		dir := filepath.Join(filepath.Dir(p.root()), "vendor", filepath.FromSlash(m.path))
		if m.hasPackages {
			p.show(filepath.Join(dir, "go.mod"), as, text)
			var err error
			if dir, err = from(main, dir); err != nil {
				return "", err
			}
		} else {
			dir = filepath.Join(p.final, "vendor", strconv.Itoa(n))
			p.files[as] = text
		}
		fmt.Fprintf(&b, "\nrequire %s %s\n\nreplace %s %s => %s\n", m.path, m.version, m.path, m.version, strconv.Quote(filepath.ToSlash(dir)))
	}
	return b.String(), nil
}
