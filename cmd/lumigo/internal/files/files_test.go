package files_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/files"
)

func TestDigestNamesAllThatIsWritten(t *testing.T) {
	list := func(path, content string, executable bool) string {
		return files.Digest([]files.File{{Path: path, Content: []byte(content), Executable: executable}})
	}
	same := list("a", "bc", false)
	if again := list("a", "bc", false); again != same {
		t.Errorf("the same files have the digests %s and %s", same, again)
	}
	for name, other := range map[string]string{
		"another path":    list("b", "bc", false),
		"another content": list("a", "bd", false),
		"another mode":    list("a", "bc", true),
		"another border":  list("ab", "c", false),
	} {
		if other == same {
			t.Errorf("%s has the same digest", name)
		}
	}
}

func TestWriteReplacesAndDoesNotOverwrite(t *testing.T) {
	dir := t.TempDir()
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	path := filepath.Join(dir, "sub", "program")
	if err := files.Write([]files.File{{Path: "sub/program", Content: []byte("old"), Executable: true}}, dir); err != nil {
		t.Fatal(err)
	}
	running, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer running.Close()
	if err := files.Write([]files.File{{Path: "sub/program", Content: []byte("newer"), Executable: true}}, dir); err != nil {
		t.Fatal(err)
	}
	content := make([]byte, 8)
	if n, _ := running.Read(content); string(content[:n]) != "old" {
		t.Errorf("who has the old file open reads %q", content[:n])
	}
	if content, err := os.ReadFile(path); string(content) != "newer" {
		t.Errorf("the file holds %q (%v)", content, err)
	}
	for path, want := range map[string]os.FileMode{path: 0o755, filepath.Dir(path): 0o755 | os.ModeDir} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("mode of %s is %v, want %v (%v)", path, info.Mode(), want, err)
		}
	}
}
