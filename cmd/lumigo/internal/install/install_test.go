package install_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/install"
)

// release is what to lay out; every file of it says which version it is of.
func release(dir, version string) install.Options {
	text := []byte(version + "\n")
	return install.Options{
		Dir:     dir,
		Version: version,
		Python: fstest.MapFS{
			"lumigo_opentelemetry/__init__.py":    {Data: text},
			"lumigo_opentelemetry/hooks/flask.py": {Data: text},
			"lumigo_opentelemetry.pth":            {Data: text},
			"sitecustomize/sitecustomize.py":      {Data: text},
		},
		Engine:   text,
		Injector: text,
	}
}

func mustInstall(t *testing.T, o install.Options) (changed bool) {
	t.Helper()
	changed, err := install.Install(o)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

// laid are the files that a container would find in dir, with their modes, and a check that all are of the version.
func laid(t *testing.T, dir, version string) []string {
	t.Helper()
	modes := map[string]fs.FileMode{}
	for _, top := range []string{"bin", "injector", "python"} {
		root, err := filepath.EvalSymlinks(filepath.Join(dir, top))
		if err != nil {
			t.Fatal(err)
		}
		err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			name := top + strings.TrimPrefix(path, root)
			modes[name] = info.Mode()
			if info.IsDir() {
				return nil
			}
			if content, err := os.ReadFile(path); err != nil || string(content) != version+"\n" {
				t.Errorf("%s holds %q, want version %s (%v)", name, content, version, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(modes)) {
		names = append(names, modes[name].String()+" "+name)
	}
	return names
}

func TestEverybodyCanReadWhatIsLaidOut(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	dir := filepath.Join(t.TempDir(), "volume")
	if !mustInstall(t, release(dir, "1.0.0")) {
		t.Error("nothing was changed, it says")
	}
	want := []string{
		"drwxr-xr-x bin",
		"-rwxr-xr-x bin/lumigo",
		"drwxr-xr-x injector",
		"-rw-r--r-- injector/lumigo_injector.so",
		"drwxr-xr-x python",
		"drwxr-xr-x python/lumigo_opentelemetry",
		"-rw-r--r-- python/lumigo_opentelemetry/__init__.py",
		"drwxr-xr-x python/lumigo_opentelemetry/bin",
		"-rwxr-xr-x python/lumigo_opentelemetry/bin/lumigo",
		"drwxr-xr-x python/lumigo_opentelemetry/hooks",
		"-rw-r--r-- python/lumigo_opentelemetry/hooks/flask.py",
		"drwxr-xr-x python/sitecustomize",
		"-rw-r--r-- python/sitecustomize/sitecustomize.py",
	}
	if got := laid(t, dir, "1.0.0"); !slices.Equal(got, want) {
		t.Errorf("laid out:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, path := range []string{dir, dir + "/versions"} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("mode of %s is %v, want 0755 (%v)", path, info.Mode(), err)
		}
	}
}

// The init container mounts the volume in one place, the application in another.
func TestTheDirectoryCanBeMountedElsewhere(t *testing.T) {
	here, there := filepath.Join(t.TempDir(), "target"), filepath.Join(t.TempDir(), "opt")
	mustInstall(t, release(here, "1.0.0"))
	if err := os.Rename(here, there); err != nil {
		t.Fatal(err)
	}
	laid(t, there, "1.0.0")
}

func TestInstallingAgainChangesNothing(t *testing.T) {
	dir := t.TempDir()
	mustInstall(t, release(dir, "1.0.0"))
	before, err := os.Stat(dir + "/bin/lumigo")
	if err != nil {
		t.Fatal(err)
	}
	if mustInstall(t, release(dir, "1.0.0")) {
		t.Error("it says that something was changed")
	}
	after, err := os.Stat(dir + "/bin/lumigo")
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("the program was replaced by its like (%v)", err)
	}
}

func TestInstallingAgainRepairs(t *testing.T) {
	for name, damage := range map[string]func(dir string) error{
		"a file cut short":           func(dir string) error { return os.Truncate(dir+"/bin/lumigo", 2) },
		"a file that is missing":     func(dir string) error { return os.Remove(dir + "/python/sitecustomize/sitecustomize.py") },
		"a link that is missing":     func(dir string) error { return os.Remove(dir + "/python") },
		"a link to somewhere else":   func(dir string) error { os.Remove(dir + "/current"); return os.Symlink("/", dir+"/current") },
		"an engine without its mode": func(dir string) error { return os.Chmod(dir+"/bin/lumigo", 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			mustInstall(t, release(dir, "1.0.0"))
			if err := damage(dir); err != nil {
				t.Fatal(err)
			}
			mustInstall(t, release(dir, "1.0.0"))
			if got := laid(t, dir, "1.0.0"); len(got) != 13 || got[1] != "-rwxr-xr-x bin/lumigo" {
				t.Errorf("laid out:\n%s", strings.Join(got, "\n"))
			}
		})
	}
}

func TestWhatRunsKeepsItsVersionDuringOneUpgrade(t *testing.T) {
	dir := t.TempDir()
	mustInstall(t, release(dir, "1.0.0"))
	// A running interpreter has taken the links away from the path that it imports from.
	running, err := filepath.EvalSymlinks(dir + "/python/lumigo_opentelemetry/hooks/flask.py")
	if err != nil {
		t.Fatal(err)
	}
	mustInstall(t, release(dir, "2.0.0"))
	laid(t, dir, "2.0.0")
	if content, err := os.ReadFile(running); string(content) != "1.0.0\n" {
		t.Errorf("an application that was started before the upgrade imports %q (%v)", content, err)
	}
	mustInstall(t, release(dir, "3.0.0"))
	laid(t, dir, "3.0.0")
	entries, _ := os.ReadDir(dir + "/versions")
	if len(entries) != 2 || !strings.HasPrefix(entries[0].Name(), "2.0.0-") || !strings.HasPrefix(entries[1].Name(), "3.0.0-") {
		t.Errorf("versions after two upgrades: %v, want the last two", entries)
	}
}

func TestSeveralMayInstallAtOnce(t *testing.T) {
	dir := t.TempDir()
	var wait sync.WaitGroup
	for n := range 8 {
		wait.Go(func() {
			if _, err := install.Install(release(dir, fmt.Sprintf("%d.0.0", n%2))); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	content, err := os.ReadFile(dir + "/bin/lumigo")
	if err != nil {
		t.Fatal(err)
	}
	laid(t, dir, string(bytes.TrimSpace(content)))
}

func TestAnInstallThatFailsLeavesWhatWasThere(t *testing.T) {
	for name, tt := range map[string]struct {
		prepare func(dir string, o *install.Options) error
		want    string
	}{
		"a directory where a link belongs": {func(dir string, _ *install.Options) error {
			os.Remove(dir + "/current")
			return os.MkdirAll(dir+"/current/bin", 0o755)
		}, "/current is in the way: it was not put there by lumigo install"},
		"a file where the versions belong": {func(dir string, o *install.Options) error {
			o.Dir = dir + "/bin/lumigo"
			return nil
		}, "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			mustInstall(t, release(dir, "1.0.0"))
			running, err := filepath.EvalSymlinks(dir + "/bin/lumigo")
			if err != nil {
				t.Fatal(err)
			}
			o := release(dir, "2.0.0")
			if err := tt.prepare(dir, &o); err != nil {
				t.Fatal(err)
			}
			if _, err := install.Install(o); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one about %q", err, tt.want)
			}
			if content, err := os.ReadFile(running); string(content) != "1.0.0\n" {
				t.Errorf("what was there holds %q (%v)", content, err)
			}
		})
	}
}
