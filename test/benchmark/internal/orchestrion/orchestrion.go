// Package orchestrion lets benchmarks build their programs with orchestrion, and with aspects of our own that trace
// as one does by hand.
package orchestrion

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Prepare builds orchestrion and puts a program among the aspects. It returns the command and the program's directory,
// both in dir. The error says why orchestrion cannot be had.
func Prepare(aspects, dir, program string) (command, source string, err error) {
	command, source = filepath.Join(dir, "bin", "orchestrion"), filepath.Join(dir, "orchestrated")
	if err := os.CopyFS(source, os.DirFS(aspects)); err != nil {
		return "", "", err
	}
	text, err := os.ReadFile(program)
	if err != nil {
		return "", "", err
	}
	if err := os.WriteFile(filepath.Join(source, "main.go"), text, 0o644); err != nil {
		return "", "", err
	}
	fmt.Fprintln(os.Stderr, "benchmark: building orchestrion itself")
	cmd := exec.Command("go", "build", "-o", command, "github.com/DataDog/orchestrion")
	cmd.Dir, cmd.Env = source, append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", "", fmt.Errorf("orchestrion cannot be built: %w\n%s", err, out)
	}
	return command, source, nil
}
