package weaver

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A toolchain that go has downloaded is in the module cache, as the one that runs this test is made to be here.
func TestInTreeOfADownloadedToolchain(t *testing.T) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Skipf("SKIP: there is no go command: %v", err)
	}
	root := strings.TrimSpace(string(out))
	environ := append(os.Environ(), "GOMODCACHE="+filepath.Dir(root), "GOTOOLCHAIN=local", "GOWORK=off", "GOFLAGS=", "XDG_CACHE_HOME="+t.TempDir())
	w := &weaving{
		Options: Options{Environ: environ},
		command: parseCommand([]string{"test", "container/ring"}),
		go_:     &toolchain{command: "go", environ: environ, dir: filepath.Join(root, "src")},
	}
	if _, err := w.prepare(); err == nil || !strings.Contains(err.Error(), "of any other module") {
		t.Errorf("got %v", err)
	}
}
