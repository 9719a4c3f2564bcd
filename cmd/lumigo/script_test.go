package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"lumigo": main})
}

// The scripts are named by the subcommand they are about. What needs a terminal, or another process's signals,
// is tested where it is programmed, in internal/launcher.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:  "testdata",
		Cmds: viewerCommands,
		Setup: func(env *testscript.Env) error {
			// As root, the launcher wants a cache that other users can reach.
			if err := os.Chmod(filepath.Dir(env.WorkDir), 0o755); err != nil {
				return err
			}
			if err := os.Mkdir(env.WorkDir+"/cache", 0o755); err != nil {
				return err
			}
			// The scripts' TMPDIR would be too long a path for a socket.
			env.Setenv("TMPDIR", "/tmp")
			env.Setenv("XDG_CACHE_HOME", env.WorkDir+"/cache")
			// What go has compiled before need not be compiled again.
			for _, name := range []string{"GOCACHE", "GOMODCACHE"} {
				if value, err := exec.Command("go", "env", name).Output(); err == nil {
					env.Setenv(name, strings.TrimSpace(string(value)))
				}
			}
			for _, name := range []string{"LUMIGO_SWITCH_OFF", "PYTHONPATH", "NO_COLOR"} {
				env.Setenv(name, "")
			}
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name == "python3" || name == "go" {
				_, err := exec.LookPath(name)
				return err == nil, nil
			}
			return false, nil
		},
	})
}

func TestLicenseIsThatOfTheRepository(t *testing.T) {
	want, err := os.ReadFile("../../LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(license, want) {
		t.Error("LICENSE here, which goes into the wheel, differs from the repository's: copy it again")
	}
}
