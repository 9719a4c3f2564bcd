// Package files puts the files that this program carries where others read them, each in one step: whoever
// reads one sees the old or the new, and whoever runs or maps the old keeps it.
package files

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// File is one file, to be read by everybody.
type File struct {
	Path       string // with slashes, relative to where it is put
	Content    []byte
	Executable bool
}

// Mode is that of the file: everybody may read it, and only its owner write.
func (f File) Mode() fs.FileMode {
	if f.Executable {
		return 0o755
	}
	return 0o644
}

// Of returns what tree holds, in the order of their names.
func Of(tree fs.FS) ([]File, error) {
	var files []File
	err := fs.WalkDir(tree, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(tree, path)
		files = append(files, File{Path: path, Content: content})
		return err
	})
	return files, err
}

// Digest names what files hold: 16 hexadecimal digits.
func Digest(files []File) string {
	hash := sha256.New()
	for _, f := range files {
		fmt.Fprintf(hash, "%s %o %d\n%s", f.Path, f.Mode(), len(f.Content), f.Content)
	}
	return fmt.Sprintf("%x", hash.Sum(nil)[:8])
}

// Write brings every file under dir to the content and mode it should have. It may be called again after it
// was interrupted, and by several processes at once.
func Write(files []File, dir string) error {
	for _, f := range files {
		if err := write(f, dir); err != nil {
			return err
		}
	}
	return nil
}

func write(f File, dir string) error {
	path := filepath.Join(dir, filepath.FromSlash(f.Path))
	if isThere(f, path) {
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
	_, err = temp.Write(f.Content)
	if err == nil {
		err = temp.Chmod(f.Mode())
	}
	if e := temp.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	return err
}

func isThere(f File, path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != f.Mode() || info.Size() != int64(len(f.Content)) {
		return false
	}
	content, err := os.ReadFile(path)
	return err == nil && bytes.Equal(content, f.Content)
}

func makeDirs(top, dir string) error {
	if dir == top {
		return nil
	}
	if err := makeDirs(top, filepath.Dir(dir)); err != nil {
		return err
	}
	return MakeDir(dir)
}

// MakeDir makes one directory that everybody may read, whatever the umask. What is there already stays as it
// is.
func MakeDir(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil
		}
		return err
	}
	return os.Chmod(dir, 0o755)
}
