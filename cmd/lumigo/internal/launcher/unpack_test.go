package launcher

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
)

var tree = fstest.MapFS{
	"sitecustomize/sitecustomize.py":   {Data: []byte("start\n")},
	"package/__init__.py":              {Data: nil},
	"package/hooks/_core.py":           {Data: []byte("core\n")},
	"package/hooks/another_library.py": {Data: []byte("hook\n")},
}

// tempRoot is a directory that everybody may reach, unlike that of t.TempDir.
func tempRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "launcher-test-")
	if err != nil {
		t.Skipf("SKIP: /tmp is needed: %v", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func checkTree(t *testing.T, dir string) {
	t.Helper()
	for name, file := range tree {
		path := filepath.Join(dir, name)
		if content := readFile(t, path); content != string(file.Data) {
			t.Errorf("%s holds %q, want %q", name, content, file.Data)
		}
		for ; path != filepath.Dir(dir); path = filepath.Dir(path) {
			want := fs.FileMode(0o755)
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if !info.IsDir() {
				want = 0o644
			}
			if info.Mode().Perm() != want {
				t.Errorf("mode of %s is %o, want %o", path, info.Mode().Perm(), want)
			}
		}
	}
}

func TestUnpackMakesAReadableCacheWhateverTheUmask(t *testing.T) {
	root := tempRoot(t)
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	dir, remove, err := unpack(tree, []string{root + "/cache"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	remove()
	checkTree(t, dir)
	if filepath.Dir(dir) != root+"/cache" {
		t.Errorf("directory %s is not in the cache", dir)
	}
}

func TestUnpackLeavesGoodFilesAlone(t *testing.T) {
	root := tempRoot(t)
	inode := func(dir string) uint64 {
		info, err := os.Stat(dir + "/package/hooks/_core.py")
		if err != nil {
			t.Fatal(err)
		}
		return info.Sys().(*syscall.Stat_t).Ino
	}
	first, _, err := unpack(tree, []string{root}, nil)
	if err != nil {
		t.Fatal(err)
	}
	before := inode(first)
	second, _, err := unpack(tree, []string{root}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if first != second || inode(second) != before {
		t.Errorf("unpacked to %s and, anew, to %s", first, second)
	}
	other, _, err := unpack(fstest.MapFS{"package/__init__.py": {Data: []byte("v2")}}, []string{root}, nil)
	if err != nil || other == first {
		t.Errorf("another release shares the directory %s, error %v", other, err)
	}
}

func TestUnpackRepairs(t *testing.T) {
	for name, damage := range map[string]func(dir string) error{
		"a file cut short":        func(dir string) error { return os.Truncate(dir+"/package/hooks/_core.py", 2) },
		"a file that was changed": func(dir string) error { return os.WriteFile(dir+"/package/__init__.py", []byte("x"), 0o600) },
		"a file that is missing":  func(dir string) error { return os.Remove(dir + "/sitecustomize/sitecustomize.py") },
		"a directory missing":     func(dir string) error { return os.RemoveAll(dir + "/package") },
	} {
		t.Run(name, func(t *testing.T) {
			root := tempRoot(t)
			dir, _, err := unpack(tree, []string{root}, nil)
			if err == nil {
				err = damage(dir)
			}
			if err == nil {
				dir, _, err = unpack(tree, []string{root}, nil)
			}
			if err != nil {
				t.Fatal(err)
			}
			checkTree(t, dir)
		})
	}
}

func TestUnpackDoesNotTrustWhatOthersCanChange(t *testing.T) {
	const stranger = 12345
	root := os.Geteuid() == 0
	for name, tt := range map[string]struct {
		base   string // under a directory of ours
		change func(dir string) error
		asRoot bool // only root can make this case
		want   string
	}{
		"a cache that its group can write": {"cache", func(dir string) error {
			return os.Chmod(dir+"/cache", 0o775)
		}, false, "can be changed by other users (mode 0775)"},
		"a parent that all can write": {"parent/cache", func(dir string) error {
			return os.Chmod(dir+"/parent", 0o777)
		}, false, "can be changed by other users (mode 0777)"},
		"a cache of somebody else": {"cache", func(dir string) error {
			return os.Chown(dir+"/cache", stranger, 0)
		}, true, "belongs to another user (uid 12345)"},
		"a parent of somebody else": {"parent/cache", func(dir string) error {
			return os.Chown(dir+"/parent", stranger, 0)
		}, true, "belongs to another user (uid 12345)"},
		"a link into a parent that all can write": {"link", func(dir string) error {
			if err := os.Chmod(dir+"/parent", 0o777); err != nil {
				return err
			}
			return os.Symlink("parent/cache", dir+"/link")
		}, false, "can be changed by other users (mode 0777)"},
		"a file in its place": {"file", func(dir string) error {
			return os.WriteFile(dir+"/file", nil, 0o644)
		}, false, "not a directory"},
		"a home closed to the user an app becomes": {"parent/cache", func(dir string) error {
			return os.Chmod(dir+"/parent", 0o700)
		}, true, "is closed to other users (mode 0700)"},
		"a name that PYTHONPATH cannot hold": {"a:b", func(dir string) error {
			return nil
		}, false, "has a colon in its name"},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.asRoot && !root {
				t.Skip("SKIP: only root can make this case")
			}
			dir := tempRoot(t)
			for _, name := range []string{"cache", "parent", "parent/cache"} {
				if err := os.Mkdir(dir+"/"+name, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			if err := tt.change(dir); err != nil {
				t.Fatal(err)
			}
			got, _, err := unpack(tree, []string{dir + "/" + tt.base}, nil)
			if err == nil {
				t.Fatalf("unpacked to %s", got)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q, want one that says %q", err, tt.want)
			}
			// Then the files go to a directory of their own.
			got, remove, err := unpack(tree, []string{dir + "/" + tt.base}, []string{dir})
			if err != nil {
				t.Fatal(err)
			}
			checkTree(t, got)
			remove()
			if _, err := os.Stat(got); !os.IsNotExist(err) {
				t.Errorf("%s was left behind", got)
			}
		})
	}
}

// A sticky bit protects what is in a directory from others, but does not keep them from adding to it.
func TestUnpackDoesNotTrustAStickyDirectory(t *testing.T) {
	root := tempRoot(t)
	dir, _, err := unpack(tree, []string{root}, nil)
	if err == nil {
		err = os.Chmod(dir, 0o777|fs.ModeSticky)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := unpack(tree, []string{root}, nil); err == nil || !strings.Contains(err.Error(), "can be changed by other users (mode 0777)") {
		t.Errorf("error %v", err)
	}
}

func TestUnpackGoesFromPlaceToPlace(t *testing.T) {
	root := tempRoot(t)
	dir, _, err := unpack(tree, []string{root + "/none/cache", root + "/cache"}, nil)
	if err != nil || filepath.Dir(dir) != root+"/cache" {
		t.Errorf("unpacked to %s, %v; want the second of the caches", dir, err)
	}
	dir, remove, err := unpack(tree, []string{root + "/none/cache"}, []string{root + "/none", root})
	if err != nil || filepath.Dir(dir) != root {
		t.Fatalf("unpacked to %s, %v; want the second of the temporary directories", dir, err)
	}
	remove()
	_, _, err = unpack(tree, []string{root + "/none/cache"}, []string{root + "/none"})
	if err == nil || !strings.Contains(err.Error(), root+"/none") {
		t.Errorf("error %v, want one about %s", err, root+"/none")
	}
}

func TestUnpackConcurrentSafe(t *testing.T) {
	root := tempRoot(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			dir, _, err := unpack(tree, []string{root}, nil)
			if err != nil {
				t.Error(err)
				return
			}
			checkTree(t, dir)
		})
	}
	group.Wait()
	leftovers, err := filepath.Glob(root + "/*/.new-*")
	if err != nil || len(leftovers) > 0 {
		t.Errorf("left behind: %q", leftovers)
	}
}

func TestPlacesForTheCache(t *testing.T) {
	own := fmt.Sprintf("/lumigo-%d", os.Geteuid())
	for name, tt := range map[string]struct {
		environ []string
		want    string
	}{
		"nothing set":           {nil, "/tmp" + own + " /dev/shm" + own},
		"the user's cache":      {[]string{"XDG_CACHE_HOME=/c"}, "/c/lumigo /tmp" + own + " /dev/shm" + own},
		"a temporary directory": {[]string{"TMPDIR=/t"}, "/t" + own + " /tmp" + own + " /dev/shm" + own},
		"relative paths":        {[]string{"TMPDIR=t", "XDG_CACHE_HOME=c"}, "/tmp" + own + " /dev/shm" + own},
		"empty":                 {[]string{"TMPDIR=", "XDG_CACHE_HOME="}, "/tmp" + own + " /dev/shm" + own},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(sharedDirs(tt.environ), " "); got != tt.want {
				t.Errorf("places %q, want %q", got, tt.want)
			}
		})
	}
}
