package weaver

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestArchives holds the archives of nested modules in step with the modules. They are there because go:embed does
// not reach into other modules.
func TestArchives(t *testing.T) {
	root := "../../../../instrumentation"
	modules := 0
	filepath.WalkDir(root, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() != "go.mod" {
			return err
		}
		modules++
		archive := &txtar.Archive{Comment: []byte("The nested module of this name, for woven builds. To write it anew: go test ./cmd/lumigo/internal/weaver -run TestArchives -update\n")}
		files, _ := filepath.Glob(filepath.Join(filepath.Dir(name), "*.go"))
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			archive.Files = append(archive.Files, txtar.File{Name: filepath.Base(file), Data: text})
		}
		want, at := txtar.Format(archive), filepath.Dir(name)+".txtar"
		if *update {
			return os.WriteFile(at, want, 0o644)
		}
		if got, err := os.ReadFile(at); err != nil || string(got) != string(want) {
			t.Errorf("%s is not in step with %s: run this test with -update (%v)", at, filepath.Dir(name), err)
		}
		return nil
	})
	t.Logf("%d nested modules", modules)
}
