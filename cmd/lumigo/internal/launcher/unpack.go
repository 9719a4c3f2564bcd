package launcher

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// unpack puts files where the command's interpreters can read them, even after they have become another
// user, and where nobody but us and root can change them. It returns their directory, and a function that
// removes what should not outlive the command.
//
// The usual place is a cache, in the first of shared that can be had and trusted: a directory named by the
// content, which all launchers of a user share, so that Python compiles the files only once. Each launcher
// compares every file with its own copy and renames a good one into place where it differs, so it does not
// matter who was first or what was interrupted. Where there is no cache, the files go to a fresh directory in
// the first of temp that allows it.
func unpack(files fs.FS, shared, temp []string) (dir string, remove func(), err error) {
	sum, err := digest(files)
	if err != nil {
		return "", nil, err
	}
	var failures []error
	for _, base := range shared {
		dir, err := unpackShared(files, base, sum)
		if err == nil {
			return dir, func() {}, nil
		}
		failures = append(failures, err)
	}
	for _, base := range temp {
		dir, err := unpackFresh(files, base)
		if err == nil {
			return dir, func() { os.RemoveAll(dir) }, nil
		}
		failures = append(failures, err)
	}
	return "", nil, errors.Join(failures...)
}

// sharedDirs are the places for the cache.
func sharedDirs(environ []string) []string {
	var dirs []string
	if cache, _ := lookup(environ, "XDG_CACHE_HOME"); filepath.IsAbs(cache) {
		dirs = append(dirs, filepath.Join(cache, "lumigo"))
	}
	for _, temp := range TempDirs(environ) {
		dirs = append(dirs, filepath.Join(temp, "lumigo-"+strconv.Itoa(os.Geteuid())))
	}
	return dirs
}

// TempDirs are the places for what must not outlive the command. The last one is there even in a container
// whose file system is read-only.
func TempDirs(environ []string) []string {
	dirs := []string{"/tmp", "/dev/shm"}
	if dir, _ := lookup(environ, "TMPDIR"); filepath.IsAbs(dir) {
		dirs = append([]string{dir}, dirs...)
	}
	return dirs
}

func digest(files fs.FS) (string, error) {
	hash := sha256.New()
	err := walk(files, func(name string, content []byte) error {
		fmt.Fprintf(hash, "%s %d\n%s", name, len(content), content)
		return nil
	})
	return fmt.Sprintf("%x", hash.Sum(nil)[:8]), err
}

func unpackShared(files fs.FS, base, sum string) (string, error) {
	if err := makeDir(base); err != nil {
		return "", err
	}
	// The path as it really is: a link in it might be replaced by its owner.
	base, err := filepath.EvalSymlinks(base)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(base, sum)
	if err := makeDir(dir); err != nil {
		return "", err
	}
	if err := private(dir); err != nil {
		return "", err
	}
	return dir, write(files, dir)
}

func unpackFresh(files fs.FS, base string) (string, error) {
	dir, err := os.MkdirTemp(base, "lumigo-")
	if err != nil {
		return "", err
	}
	err = os.Chmod(dir, 0o755)
	if err == nil {
		err = usable(dir)
	}
	if err == nil {
		err = write(files, dir)
	}
	if err != nil {
		os.RemoveAll(dir)
		return "", err
	}
	return dir, nil
}

// makeDir makes one directory that everybody may read, whatever the umask. What is there already stays as it
// is.
func makeDir(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil
		}
		return err
	}
	return os.Chmod(dir, 0o755)
}

// private returns an error if somebody other than us and root could change what dir holds: by its owner or
// its mode, or by those of a directory above it, out of which it could be moved. A sticky directory is safe
// above one of ours.
func private(dir string) error {
	if err := usable(dir); err != nil {
		return err
	}
	self := os.Geteuid()
	for path := dir; ; path = filepath.Dir(path) {
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		owner := int(info.Sys().(*syscall.Stat_t).Uid)
		mode := info.Mode()
		switch {
		case !mode.IsDir():
			return fmt.Errorf("%s is not a directory", path)
		case owner != self && (owner != 0 || path == dir):
			return fmt.Errorf("%s belongs to another user (uid %d)", path, owner)
		case mode.Perm()&0o022 != 0 && (mode&fs.ModeSticky == 0 || path == dir):
			return fmt.Errorf("%s can be changed by other users (mode %04o)", path, mode.Perm())
		}
		if path == filepath.Dir(path) {
			return nil
		}
	}
}

// usable returns an error if Python could not import from dir: because PYTHONPATH cannot express it, or
// because an application that root starts, and that becomes another user, would not reach it.
func usable(dir string) error {
	if strings.ContainsRune(dir, os.PathListSeparator) {
		return fmt.Errorf("%s has a colon in its name, which PYTHONPATH cannot hold", dir)
	}
	if os.Geteuid() != 0 {
		return nil
	}
	for path := dir; path != filepath.Dir(path); path = filepath.Dir(path) {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o001 == 0 {
			return fmt.Errorf("%s is closed to other users (mode %04o)", path, info.Mode().Perm())
		}
	}
	return nil
}

// write brings every file under dir to the content it should have, each in one step.
func write(files fs.FS, dir string) error {
	return walk(files, func(name string, content []byte) error {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
			return nil
		}
		if err := makeDirs(dir, filepath.Dir(path)); err != nil {
			return err
		}
		temp, err := os.CreateTemp(filepath.Dir(path), ".new-")
		if err != nil {
			return err
		}
		defer os.Remove(temp.Name()) // in vain once it was renamed
		_, err = temp.Write(content)
		if err == nil {
			err = temp.Chmod(0o644)
		}
		if e := temp.Close(); err == nil {
			err = e
		}
		if err == nil {
			err = os.Rename(temp.Name(), path)
		}
		return err
	})
}

func makeDirs(top, dir string) error {
	if dir == top {
		return nil
	}
	if err := makeDirs(top, filepath.Dir(dir)); err != nil {
		return err
	}
	return makeDir(dir)
}

// walk calls visit with every file, in the order of their names.
func walk(files fs.FS, visit func(name string, content []byte) error) error {
	return fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		return visit(name, content)
	})
}
