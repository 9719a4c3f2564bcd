package weaver

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/build/constraint"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"
)

const (
	modulePath    = "github.com/lumigo-io/opentelemetry-distro"
	moduleVersion = "v0.0.0-woven"

	// Language is the Go that the files of the module are written in, and the oldest toolchain that builds them.
	language = "go1.24"

	constraintOfConnect = "//go:build lumigo_woven\n"
)

// moduleText is the go.mod of the module as woven programs see it. Its go line is older than that of all
// programs with woven builds in mind, as a module must not ask for a newer Go than the main module does.
const moduleText = "module " + modulePath + "\n\ngo 1.13\n"

// An integration connects one package with the tracer. What it does is in its directory: its own Go files, weave
// files for the target, and connect.go, which fills the hooks that the weave files declare.
type integration struct {
	target string // import path of the package that it is for
	weaves map[string][]byte
	source []byte // of connect.go, without its constraint; nil for none
	isGo   bool   // it has Go files of its own, to be imported
}

func (i *integration) importPath() string { return modulePath + "/instrumentation/" + i.target }

// A sourceTree is the module that woven programs link, by slash-separated path.
type sourceTree struct {
	files        map[string][]byte
	integrations []*integration // by target
	hash         string
}

// readSources takes from the tree of this module what woven programs link.
func readSources(tree fs.FS) (*sourceTree, error) {
	t := &sourceTree{files: map[string][]byte{"go.mod": []byte(moduleText)}}
	byTarget := map[string]*integration{}
	hash := sha256.New()
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if d.Name() == "testdata" {
				return fs.SkipDir
			}
			return nil
		case strings.HasSuffix(name, "_test.go") || name == "sources.go":
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		fmt.Fprintf(hash, "%s %d\n%s", name, len(text), text)
		target, base := path.Split(name)
		target, isIntegration := strings.CutPrefix(target, "instrumentation/")
		target = strings.TrimSuffix(target, "/")
		if isIntegration && byTarget[target] == nil {
			byTarget[target] = &integration{target: target, weaves: map[string][]byte{}}
		}
		switch {
		case isIntegration && path.Ext(base) == ".txtar":
			// A nested module, as its packages import what this module must not depend on. A woven build gets them
			// as packages of this one: it takes what they import from the modules that the program requires.
			target := path.Join(target, strings.TrimSuffix(base, ".txtar"))
			byTarget[target] = &integration{target: target, isGo: true}
			for _, f := range txtar.Parse(text).Files {
				if t.files["instrumentation/"+target+"/"+f.Name], err = withLanguage(f.Data); err != nil {
					return fmt.Errorf("%s: %s: %w", name, f.Name, err)
				}
			}
		case isIntegration && strings.HasPrefix(base, "weave") && strings.HasSuffix(base, ".go.txt"):
			byTarget[target].weaves[base] = text
		case isIntegration && base == "connect.go":
			connected, ok := bytes.CutPrefix(text, []byte(constraintOfConnect))
			if !ok {
				return fmt.Errorf("%s does not begin with %q", name, constraintOfConnect)
			}
			if byTarget[target].source, err = withLanguage(connected); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		case strings.HasSuffix(name, ".go"):
			if isIntegration {
				byTarget[target].isGo = true
			}
			if t.files[name], err = withLanguage(text); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, i := range byTarget {
		t.integrations = append(t.integrations, i)
	}
	slices.SortFunc(t.integrations, func(a, b *integration) int { return strings.Compare(a.target, b.target) })
	t.hash = hex.EncodeToString(hash.Sum(nil))[:16]
	return t, nil
}

// withLanguage lets a file have the language that it is written in, in a module whose go line is older.
func withLanguage(text []byte) ([]byte, error) {
	lines := bytes.SplitAfter(text, []byte("\n"))
	for i, line := range lines {
		if bytes.HasPrefix(line, []byte("package ")) {
			break
		}
		if !constraint.IsGoBuild(string(line)) {
			continue
		}
		expr, err := constraint.Parse(strings.TrimSpace(string(line)))
		if err != nil {
			return nil, err
		}
		both := &constraint.AndExpr{X: expr, Y: &constraint.TagExpr{Tag: language}}
		lines[i] = []byte("//go:build " + both.String() + "\n")
		return bytes.Join(lines, nil), nil
	}
	return append([]byte("//go:build "+language+"\n\n"), text...), nil
}

// write puts the module into the cache, unless it is there. It returns its directory.
func (t *sourceTree) write(cache string) (string, error) {
	dir := filepath.Join(cache, "module-"+t.hash)
	return dir, writeDir(dir, t.files)
}

// writeDir makes a directory that is either whole or not there, even if several processes make it at a time.
func writeDir(dir string, files map[string][]byte) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), "new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if err := os.Chmod(temp, 0o755); err != nil {
		return err
	}
	for name, text := range files {
		name = filepath.Join(temp, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, text, 0o644); err != nil {
			return err
		}
	}
	if err := os.Rename(temp, dir); err != nil {
		if _, exists := os.Stat(dir); exists != nil {
			return err
		}
	}
	return nil
}
