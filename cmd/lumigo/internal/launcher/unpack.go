package launcher

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/files"
)

// unpack puts what tree holds where the command's interpreters can read them, even after they have become another
// user, and where nobody but us and root can change them. It returns their directory, and a function that
// removes what should not outlive the command.
//
// The usual place is a cache, in the first of shared that can be had and trusted: a directory named by the
// content, which all launchers of a user share, so that Python compiles the files only once. Each launcher
// compares every file with its own copy and renames a good one into place where it differs, so it does not
// matter who was first or what was interrupted. Where there is no cache, the files go to a fresh directory in
// the first of temp that allows it.
func unpack(tree fs.FS, shared, temp []string) (dir string, remove func(), err error) {
	list, err := files.Of(tree)
	if err != nil {
		return "", nil, err
	}
	var failures []error
	for _, base := range shared {
		dir, err := unpackShared(list, base)
		if err == nil {
			return dir, func() {}, nil
		}
		failures = append(failures, err)
	}
	for _, base := range temp {
		dir, err := unpackFresh(list, base)
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

func unpackShared(list []files.File, base string) (string, error) {
	if err := files.MakeDir(base); err != nil {
		return "", err
	}
	// The path as it really is: a link in it might be replaced by its owner.
	base, err := filepath.EvalSymlinks(base)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(base, files.Digest(list))
	if err := files.MakeDir(dir); err != nil {
		return "", err
	}
	if err := private(dir); err != nil {
		return "", err
	}
	return dir, files.Write(list, dir)
}

func unpackFresh(list []files.File, base string) (string, error) {
	dir, err := os.MkdirTemp(base, "lumigo-")
	if err != nil {
		return "", err
	}
	err = os.Chmod(dir, 0o755)
	if err == nil {
		err = usable(dir)
	}
	if err == nil {
		err = files.Write(list, dir)
	}
	if err != nil {
		os.RemoveAll(dir)
		return "", err
	}
	return dir, nil
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
