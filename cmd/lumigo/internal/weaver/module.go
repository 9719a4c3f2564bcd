package weaver

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// injectModule shows copies of the main modules' go.mod files, which say where our module is.
func (p *planner) injectModule() error {
	for n, m := range p.mains {
		if m.Path == modulePath {
			return fmt.Errorf("the build has %s as a main module, and cannot have another one", modulePath)
		}
		name := m.GoMod
		if p.command.modfile != "" {
			name = p.absolute(p.command.modfile)
		}
		if name == "" {
			continue
		}
		text, err := p.read(name)
		if err != nil {
			return err
		}
		if err := p.show(name, fmt.Sprintf("modules/%d.mod", n), withModule(text, p.module)); err != nil {
			return err
		}
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(p.root()), "vendor", "modules.txt")); err == nil {
		p.plan.Flags = append(p.plan.Flags, "-mod=readonly")
	}
	return nil
}

// root is the go.work or go.mod file that decides about the build.
func (p *planner) root() string {
	if work := p.go_.vars["GOWORK"]; work != "" && work != "off" {
		return work
	}
	return p.go_.vars["GOMOD"]
}

var (
	ourReplace = regexp.MustCompile(`(?m)^\s*(replace\s+)?"?` + regexp.QuoteMeta(modulePath) + `"?(\s+v\S+)?\s*=>.*$`)
	ourRequire = regexp.MustCompile(`(?m)^\s*(require\s+)?"?` + regexp.QuoteMeta(modulePath) + `"?\s+v[^\s=]+\s*(//.*)?$`)
)

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
