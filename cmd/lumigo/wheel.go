package main

import (
	_ "embed"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/wheel"
	"github.com/lumigo-io/opentelemetry-distro/python"
)

const wheelHelp = `Pack the Python part, and this program as its engine, into a wheel.

usage: lumigo wheel [-o DIR]

  -o DIR   where to put the wheel (default ".")

The name of the wheel, which is all that goes to standard output, says where it can be
installed: on every Linux if this program was linked statically, so build it that way.

Example:

  $ CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o lumigo ./cmd/lumigo
  $ ./lumigo wheel -o dist
`

// The same as at the top of the repository, which go:embed does not reach.
//
//go:embed LICENSE
var license []byte

func buildWheel(flags *flag.FlagSet, args []string) int {
	dir := flags.String("o", ".", "")
	if status, done := parse(flags, args, wheelHelp); done {
		return status
	}
	if status, done := noArguments(flags); done {
		return status
	}
	path, err := writeWheel(*dir)
	if err != nil {
		return fail(statusFailed, fmt.Errorf("wheel: %w", err), "")
	}
	return tell(os.Stdout, path+"\n")
}

func writeWheel(dir string) (path string, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	engine, err := os.ReadFile(self)
	if err != nil {
		return "", err
	}
	built, err := wheel.Build(wheel.Options{
		Version: python.Version(),
		Python:  python.Files(),
		Engine:  engine,
		License: license,
	})
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	path = filepath.Join(dir, built.Filename)
	return path, os.WriteFile(path, built.Content, 0o644)
}
