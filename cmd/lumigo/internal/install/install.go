// Package install lays the tracer out in a directory, which other containers mount, so that what runs in them
// is traced without being built anew.
//
//	DIR/bin/lumigo                     the launcher: DIR/bin/lumigo run -- COMMAND
//	DIR/injector/lumigo_injector.so    for LD_PRELOAD, as the Lumigo operator for Kubernetes sets it
//	DIR/python/sitecustomize           for PYTHONPATH
//	DIR/python/lumigo_opentelemetry    the Python part, with the engine
//
// These are links into a directory of one version. An upgrade writes another one beside it and then turns one
// link: what starts sees all of the old or all of the new, and what runs goes on with the files it started from.
package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/files"
)

// Options says what to lay out, and where.
type Options struct {
	Dir      string // is made if need be
	Version  string
	Python   fs.FS  // the Python part
	Engine   []byte // the lumigo program
	Injector []byte // the library for LD_PRELOAD; none if empty
}

const (
	versions = "versions"
	current  = "current" // the link that an upgrade turns
)

// Install lays the tracer out, and reports whether that changed anything. It may be called again, and by
// several processes at once. If it fails, what was there before is still in force.
func Install(o Options) (changed bool, err error) {
	list, err := o.files()
	if err != nil {
		return false, err
	}
	if err := os.MkdirAll(filepath.Dir(o.Dir), 0o755); err != nil {
		return false, err
	}
	if err := files.MakeDir(o.Dir); err != nil {
		return false, err
	}
	unlock, err := lock(o.Dir)
	if err != nil {
		return false, err
	}
	defer unlock()
	all := filepath.Join(o.Dir, versions)
	if err := files.MakeDir(all); err != nil {
		return false, err
	}
	version := o.Version + "-" + files.Digest(list)
	if err := write(list, filepath.Join(all, version)); err != nil {
		return false, err
	}
	before, _ := os.Readlink(filepath.Join(o.Dir, current))
	changed, err = link(o.Dir, current, filepath.Join(versions, version))
	for _, name := range []string{"bin", "injector", "python"} {
		if err == nil {
			var other bool
			other, err = link(o.Dir, name, filepath.Join(current, name))
			changed = changed || other
		}
	}
	if changed && err == nil {
		err = removeOthers(all, version, filepath.Base(before))
	}
	return changed, err
}

func (o Options) files() ([]files.File, error) {
	python, err := files.Of(o.Python)
	if err != nil {
		return nil, err
	}
	list := []files.File{{Path: "bin/lumigo", Content: o.Engine, Executable: true}}
	if len(o.Injector) > 0 {
		list = append(list, files.File{Path: "injector/lumigo_injector.so", Content: o.Injector})
	}
	for _, f := range python {
		if strings.HasSuffix(f.Path, ".pth") {
			continue // does nothing outside of site-packages
		}
		f.Path = "python/" + f.Path
		list = append(list, f)
	}
	return list, nil
}

func write(list []files.File, dir string) error {
	err := files.MakeDir(dir)
	if err == nil {
		err = files.Write(list, dir)
	}
	if err == nil {
		// Where the Python part looks for its engine. Not a second copy: volumes for this are small.
		bin := filepath.Join(dir, "python", "lumigo_opentelemetry", "bin")
		if err = files.MakeDir(bin); err == nil {
			_, err = link(bin, "lumigo", "../../../bin/lumigo")
		}
	}
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		os.RemoveAll(dir) // half a version helps nobody
	}
	return err
}

// link makes dir/name a link to target, in one step, and reports whether it was not.
func link(dir, name, target string) (changed bool, err error) {
	path := filepath.Join(dir, name)
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return false, err
	case info.Mode()&fs.ModeSymlink == 0:
		return false, fmt.Errorf("%s is in the way: it was not put there by lumigo install", path)
	default:
		if old, err := os.Readlink(path); err == nil && old == target {
			return false, nil
		}
	}
	temp := filepath.Join(dir, fmt.Sprintf(".new-%s-%d", name, os.Getpid()))
	os.Remove(temp) // of a process with this number that was interrupted
	if err := os.Symlink(target, temp); err != nil {
		return false, err
	}
	if err := os.Rename(temp, path); err != nil {
		os.Remove(temp)
		return false, err
	}
	return true, nil
}

// removeOthers removes the versions other than keep. The one that was in force before is kept, for what runs
// from it.
func removeOthers(all string, keep ...string) error {
	entries, err := os.ReadDir(all)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if slices.Contains(keep, entry.Name()) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(all, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// lock keeps others who install into dir waiting. Where the file system has no locks, it does nothing.
func lock(dir string) (unlock func(), err error) {
	file, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	unix.Flock(int(file.Fd()), unix.LOCK_EX)
	return func() { file.Close() }, nil
}
