package weaver

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestSplice weaves the source of each archive by its weave file and compares with what it wants.
func TestSplice(t *testing.T) {
	names, err := filepath.Glob("testdata/splice/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("there are no archives: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string]*txtar.File{}
			for i := range archive.Files {
				files[archive.Files[i].Name] = &archive.Files[i]
			}
			var got []byte
			w, err := parseWeave("weave.go.txt", files["weave.go.txt"].Data, "go1.25.4")
			if err != nil {
				got = []byte(err.Error() + "\n")
			} else {
				found := map[*site]int{}
				woven, err := splice("source.go", files["source.go"].Data, []*weaveFile{w}, found)
				if err != nil {
					t.Fatal(err)
				}
				if bytes.Count(woven, []byte("\n")) != bytes.Count(files["source.go"].Data, []byte("\n")) {
					t.Error("lines have other numbers than before")
				}
				if _, err := parser.ParseFile(token.NewFileSet(), "", woven, 0); err != nil {
					t.Error(err)
				}
				got = woven
				for _, shape := range w.missing(found) {
					got = fmt.Appendf(got, "// not found: %s\n", shape)
				}
				if added := files["added.go"]; added != nil && *update {
					added.Data = append(w.added, '\n')
				} else if added != nil && string(w.added)+"\n" != string(added.Data) {
					t.Errorf("added:\n%s\nwant:\n%s", w.added, added.Data)
				}
			}
			if *update {
				files["want"].Data = got
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if want := string(files["want"].Data); string(got) != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// everything returns a weave file with a site for each function of a file, whose body uses all parameters and results.
func everything(file *ast.File) []*weaveFile {
	w := new(weaveFile)
	for _, decl := range file.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Body == nil || fn.Name.Name == "init" || fn.Name.Name == "_" { // there may be many of these
			continue
		}
		s := &site{name: fn.Name.Name, shape: shapeOf(fn), body: []piece{{text: " defer func() { ", parameter: -1}}}
		for i := range namesOf(fn) {
			s.body = append(s.body, piece{text: "_ = ", parameter: -1}, piece{parameter: i}, piece{text: "; ", parameter: -1})
		}
		s.body = append(s.body, piece{text: "}() ", parameter: -1})
		w.sites = append(w.sites, s)
	}
	return []*weaveFile{w}
}

// checkSplice weaves each function of a file: the result must parse, and have everything where it was.
func checkSplice(t *testing.T, name string, source []byte) []byte {
	t.Helper()
	before := token.NewFileSet()
	file, err := parser.ParseFile(before, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil
	}
	woven, err := splice(name, source, everything(file), map[*site]int{})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if woven == nil {
		return nil
	}
	after := token.NewFileSet()
	again, err := parser.ParseFile(after, name, woven, parser.SkipObjectResolution)
	if err != nil {
		t.Fatalf("%s: woven, it does not parse: %v", name, err)
	}
	if a, b := bytes.Count(source, []byte("\n")), bytes.Count(woven, []byte("\n")); a != b {
		t.Errorf("%s had %d lines and has %d", name, a, b)
	}
	for i, decl := range file.Decls {
		a, b := before.Position(decl.Pos()).Line, after.Position(again.Decls[i].Pos()).Line
		c, d := before.Position(decl.End()).Line, after.Position(again.Decls[i].End()).Line
		if a != b || c != d {
			t.Errorf("%s: a declaration in lines %d to %d is now in %d to %d", name, a, c, b, d)
		}
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Body == nil || fn.Name.Name == "init" || fn.Name.Name == "_" {
			continue
		}
		// The body begins with ours, the empty statement after it, and goes on as it was.
		list := again.Decls[i].(*ast.FuncDecl).Body.List
		if len(list) > 1 {
			if _, ok := list[1].(*ast.EmptyStmt); ok {
				list = append(list[:1:1], list[2:]...)
			}
		}
		if len(list)-1 != len(fn.Body.List) {
			t.Fatalf("%s: %s had %d statements and has %d besides ours", name, fn.Name.Name, len(fn.Body.List), len(list)-1)
		}
		for j, s := range fn.Body.List {
			if a, b := print(before, s), print(after, list[j+1]); a != b {
				t.Fatalf("%s: %s: %q has become %q", name, fn.Name.Name, a, b)
			}
		}
	}
	return woven
}

func print(fset *token.FileSet, n ast.Node) string {
	var b bytes.Buffer
	format.Node(&b, fset, n)
	return b.String()
}

func goroot(t testing.TB) string {
	cmd := exec.Command("go", "env", "GOROOT")
	if toolchain := os.Getenv("LUMIGO_TEST_TOOLCHAIN"); toolchain != "" {
		cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+toolchain)
	}
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("SKIP: there is no such go command: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// TestSpliceEverything weaves each function of the standard library and, if LUMIGO_TEST_MODULE_CACHE is set, of the
// module cache.
func TestSpliceEverything(t *testing.T) {
	roots := map[string]string{"standard library": filepath.Join(goroot(t), "src")}
	if out, err := exec.Command("go", "env", "GOMODCACHE").Output(); err == nil && os.Getenv("LUMIGO_TEST_MODULE_CACHE") != "" {
		roots["module cache"] = strings.TrimSpace(string(out))
	}
	for name, root := range roots {
		t.Run(name, func(t *testing.T) {
			files := 0
			filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() && (d.Name() == "testdata" || d.Name() == "cache" && filepath.Dir(name) == root) {
					return fs.SkipDir
				}
				if source, err := os.ReadFile(name); isFile(name) && err == nil {
					files++
					checkSplice(t, name, source)
				}
				return nil
			})
			t.Logf("%d files", files)
		})
	}
}

// TestWovenPackagesCompile compiles packages in which each function is woven.
func TestWovenPackagesCompile(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: it takes a while to compile")
	}
	if os.Getenv("LUMIGO_TEST_TOOLCHAIN") != "" {
		t.Skip("SKIP: toolchains in the module cache take no overlay where they are")
	}
	dir := t.TempDir()
	replace := map[string]string{}
	packages := []string{"container/list", "database/sql", "encoding/json", "go/types", "maps", "net/http", "net/textproto", "sort", "text/template"}
	for _, p := range packages {
		names, _ := filepath.Glob(filepath.Join(goroot(t), "src", filepath.FromSlash(p), "*.go"))
		for _, name := range names {
			source, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(name, "_test.go") || bytes.Contains(source, []byte("//go:nosplit")) {
				continue
			}
			if woven := checkSplice(t, name, source); woven != nil {
				actual := filepath.Join(dir, fmt.Sprintf("%d.go", len(replace)))
				if err := os.WriteFile(actual, woven, 0o644); err != nil {
					t.Fatal(err)
				}
				replace[name] = actual
			}
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, text, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", append([]string{"build", "-overlay=" + overlay}, packages...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func FuzzSplice(f *testing.F) {
	for _, name := range []string{"net/http/server.go", "database/sql/sql.go", "slices/sort.go"} {
		if source, err := os.ReadFile(filepath.Join(goroot(f), "src", filepath.FromSlash(name))); err == nil {
			f.Add(source[:min(len(source), 8<<10)])
		}
	}
	for _, source := range []string{
		"package p\nfunc f(int, _ string) (error) { return nil }",
		"package p\nfunc (T) f() int { return 1 }\nfunc (*T[K, _]) g(...int) (a, _ func() (int, error)) {return}",
		"package p\nfunc f() (\n\tint,\n\terror,\n) { // a comment\n\treturn 0, nil }; func g() {}",
		"//line x.go:7\npackage p\nfunc f(a\n, b /* c */ int) chan int { `\n` }",
		"package p\nfunc f(func(int) string, struct{ a int }) <-chan (int) {\r\n\treturn nil\r\n}",
	} {
		f.Add([]byte(source))
	}
	f.Fuzz(func(t *testing.T, source []byte) { checkSplice(t, "fuzz.go", source) })
}

func FuzzParseWeave(f *testing.F) {
	f.Add([]byte("//weave:versions go>=1.25, go<1.27\npackage p\n\n//weave:prologue\nfunc f(a int) { g(a) }\n"))
	f.Add([]byte("package p\n\n//weave:field\ntype g struct { a, b int `json:\"x\"` }\n"))
	f.Fuzz(func(t *testing.T, source []byte) {
		w, err := parseWeave("weave.go.txt", source, "go1.25.4")
		if err != nil || w == nil {
			return
		}
		if _, err := parser.ParseFile(token.NewFileSet(), "", w.added, 0); err != nil {
			t.Errorf("what is added does not parse: %v\n%s", err, w.added)
		}
	})
}
