package launcher

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Error says why a command did not start.
type Error struct {
	Status int    // what shells exit with in this case: 127 if there is no such command, 126 if it cannot be run
	Hint   string // what the user may have meant; may be empty
	Err    error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// find gives the file that command runs, looking along PATH as a shell does.
func find(command string) (string, error) {
	path, err := exec.LookPath(command)
	switch {
	case err == nil, errors.Is(err, exec.ErrDot):
		return path, nil
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return "", &Error{Status: 127, Err: fmt.Errorf("command %q not found", command), Hint: meant(command)}
	}
	if cause := new(exec.Error); errors.As(err, &cause) {
		err = cause.Err
	}
	return "", refused(command, err)
}

// refused is the error of a file that is there, but which the system does not run.
func refused(command string, err error) error {
	e := &Error{Status: 126, Err: fmt.Errorf("command %q cannot be run: %w", command, err)}
	switch {
	case strings.HasSuffix(command, ".py"):
		e.Hint = fmt.Sprintf("start it with its interpreter: lumigo run -- python3 %s", command)
	case errors.Is(err, syscall.ENOEXEC):
		e.Hint = `its first line should name its interpreter, for example "#!/bin/sh"`
	}
	return e
}

func meant(command string) string {
	if strings.HasPrefix(command, "-") {
		return "flags of lumigo stand before the command: lumigo run [flags] -- COMMAND ARGS..."
	}
	if strings.ContainsRune(command, filepath.Separator) {
		return ""
	}
	if info, err := os.Stat(command); err == nil && info.Mode().IsRegular() {
		if strings.HasSuffix(command, ".py") {
			return fmt.Sprintf("start it with its interpreter: lumigo run -- python3 %s", command)
		}
		return fmt.Sprintf("a file of that name is in this directory: lumigo run -- ./%s", command)
	}
	if command == "python" {
		if _, err := exec.LookPath("python3"); err == nil {
			return "there is a python3: lumigo run -- python3 ..."
		}
	}
	return ""
}

// runsPython guesses whether a command's own process is a Python interpreter: by the name of its file, or
// by the interpreter that a script names. The second line is for pip's scripts in directories whose path is
// too long for the first: those start as a shell script that replaces itself by the interpreter.
func runsPython(path string) bool {
	if strings.HasPrefix(filepath.Base(path), "python") {
		return true
	}
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	head := make([]byte, 512)
	n, _ := file.Read(head)
	first, rest, _ := strings.Cut(string(head[:n]), "\n")
	if !strings.HasPrefix(first, "#!") {
		return false
	}
	second, _, _ := strings.Cut(rest, "\n")
	return strings.Contains(first, "python") || strings.Contains(second, "exec") && strings.Contains(second, "python")
}
