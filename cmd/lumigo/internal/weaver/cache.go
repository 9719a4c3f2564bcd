package weaver

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// cacheDir finds a directory for what we write: the user's cache, or one of this user's own among the temporary
// files if nothing can be written there.
func cacheDir(environ []string) (string, error) {
	base := lookup(environ, "XDG_CACHE_HOME")
	if home := lookup(environ, "HOME"); !filepath.IsAbs(base) && home != "" {
		base = filepath.Join(home, ".cache")
	}
	var err error
	if filepath.IsAbs(base) {
		dir := filepath.Join(base, "lumigo", "go")
		if err = writable(dir); err == nil {
			return dir, nil
		}
	}
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("lumigo-go-%d", os.Getuid()))
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return "", err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	// What is there decides what is compiled, so nobody else may have made it.
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || !info.IsDir() || int(stat.Uid) != os.Getuid() || info.Mode().Perm()&0o022 != 0 {
		return "", fmt.Errorf("%s belongs to somebody else", dir)
	}
	return dir, writable(dir)
}

func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "try-")
	if err != nil {
		return err
	}
	f.Close()
	return os.Remove(f.Name())
}

// A fingerprint says what the files of the user were when a plan was made, so far as a plan depends on them: the
// imports and build constraints of Go files, and all of go.mod, go.sum and their like. Its time and size tell
// whether a file has to be looked at again.
type fingerprint map[string]*fileState

type fileState struct {
	Size   int64
	Time   time.Time
	Digest string
}

// An entry of the cache is a plan and what it was made from.
type entry struct {
	Roots []string // directories
	Files []string // single files, all of their contents counting
	State fingerprint
	Plan  *plan
}

// take looks at the files again. Whatever has not been touched since known was taken is taken over from there.
func (e *entry) take(known fingerprint) (fingerprint, error) {
	state := fingerprint{}
	add := func(name string, info fs.FileInfo, whole bool) error {
		s := &fileState{Size: info.Size(), Time: info.ModTime()}
		if k := known[name]; k != nil && k.Size == s.Size && k.Time.Equal(s.Time) {
			s.Digest = k.Digest
		} else {
			text, err := os.ReadFile(name)
			if err != nil {
				text = []byte(err.Error()) // the go command will say what it means
			}
			s.Digest = digest(name, text, whole)
		}
		state[name] = s
		return nil
	}
	for _, root := range e.Roots {
		err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			base := d.Name()
			switch {
			case err != nil:
				return nil
			case d.IsDir():
				if name == root {
					return nil
				}
				hidden := base[0] == '.' || base[0] == '_' || base == "testdata" || base == "node_modules" || base == "vendor"
				if hidden || exists(filepath.Join(name, "go.mod")) {
					return fs.SkipDir
				}
				return nil
			case !isFile(base) && base != "go.mod" && base != "go.sum":
				return nil
			}
			info, err := os.Stat(name)
			if err != nil {
				return nil
			}
			return add(name, info, !isFile(base))
		})
		if err != nil {
			return nil, err
		}
	}
	for _, name := range e.Files {
		if info, err := os.Stat(name); err == nil && !info.IsDir() {
			if err := add(name, info, true); err != nil {
				return nil, err
			}
		}
	}
	return state, nil
}

// digest sums up what a plan depends on in a file.
func digest(name string, text []byte, whole bool) string {
	if !whole {
		if file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly|parser.ParseComments); err == nil {
			var b bytes.Buffer
			fmt.Fprintln(&b, file.Name.Name)
			for _, i := range file.Imports {
				fmt.Fprintln(&b, i.Path.Value)
			}
			for _, group := range file.Comments {
				for _, c := range group.List {
					if constraint.IsGoBuild(c.Text) || constraint.IsPlusBuild(c.Text) {
						fmt.Fprintln(&b, c.Text)
					}
				}
			}
			for line := range bytes.Lines(text) {
				if bytes.HasPrefix(line, []byte("//go:embed")) {
					b.Write(line)
				}
			}
			text = b.Bytes()
		}
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

func (f fingerprint) equal(other fingerprint) bool {
	return maps.EqualFunc(f, other, func(a, b *fileState) bool { return a.Digest == b.Digest })
}

// touched reports whether files of the same digests have other times than they had.
func (f fingerprint) touched(other fingerprint) bool {
	return !maps.EqualFunc(f, other, func(a, b *fileState) bool { return a.Size == b.Size && a.Time.Equal(b.Time) })
}

func (f fingerprint) hash() string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(f)) {
		fmt.Fprintln(h, name, f[name].Digest)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// key tells builds apart whose plans may differ though the files are the same.
func key(t *toolchain, c *command, sources *sourceTree) string {
	h := sha256.New()
	if self, err := os.Executable(); err == nil {
		if info, err := os.Stat(self); err == nil {
			fmt.Fprintln(h, self, info.Size(), info.ModTime().UnixNano())
		}
	}
	fmt.Fprintln(h, sources.hash, t.dir, t.command)
	for _, name := range slices.Sorted(maps.Keys(t.vars)) {
		if name != "GOGCCFLAGS" { // it has the name of a new temporary directory
			fmt.Fprintln(h, name, t.vars[name])
		}
	}
	for _, list := range [][]string{{c.verb, c.overlay, c.modfile}, c.load, c.packages} {
		fmt.Fprintf(h, "%q\n", list)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

func readEntry(name string) *entry {
	e := new(entry)
	text, err := os.ReadFile(name)
	if err != nil || json.Unmarshal(text, e) != nil || e.Plan == nil {
		return nil
	}
	return e
}

func (e *entry) write(name string) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), "try-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(text); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// keptFor is how long plans stay that nobody uses.
const keptFor = 30 * 24 * time.Hour

// sweep removes what has not been used for long.
func sweep(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > keptFor && !strings.HasPrefix(e.Name(), "env-") {
			os.RemoveAll(filepath.Join(dir, e.Name()))
		}
	}
}
