package main

import (
	"bytes"
	"debug/buildinfo"
	_ "embed"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/wheel"
	"github.com/lumigo-io/opentelemetry-distro/python"
)

const wheelHelp = `Pack the Python part and its engine into a wheel.

usage: lumigo wheel [flags]

  -o DIR          where to put the wheel (default ".")
  --engine FILE   the lumigo program to pack, perhaps one for another architecture
                  (default this program)

The name of the wheel, which is all that goes to standard output, says where it can be
installed: on every Linux of the engine's architecture if the engine was linked statically,
so build it that way. The same input makes the same wheel, byte for byte; the files in it
are of 1980, or of the time that SOURCE_DATE_EPOCH says.

Example:

  $ export CGO_ENABLED=0
  $ GOARCH=arm64 go build -trimpath -ldflags="-s -w" -o lumigo-arm64 ./cmd/lumigo
  $ lumigo wheel --engine lumigo-arm64 -o dist
`

// The same as at the top of the repository, which go:embed does not reach.
//
//go:embed LICENSE
var license []byte

func buildWheel(flags *flag.FlagSet, args []string) int {
	dir := flags.String("o", ".", "")
	engine := flags.String("engine", "", "")
	if status, done := parse(flags, args, wheelHelp); done {
		return status
	}
	if status, done := noArguments(flags); done {
		return status
	}
	path, err := writeWheel(*dir, *engine)
	if err != nil {
		return fail(statusFailed, fmt.Errorf("wheel: %w", err), "")
	}
	return tell(os.Stdout, path+"\n")
}

func writeWheel(dir, enginePath string) (path string, err error) {
	modified, err := sourceDate(os.Getenv("SOURCE_DATE_EPOCH"))
	if err != nil {
		return "", err
	}
	engine, err := readEngine(enginePath)
	if err != nil {
		return "", err
	}
	built, err := wheel.Build(wheel.Options{
		Version:  python.Version(),
		Python:   python.Files(),
		Engine:   engine,
		License:  license,
		Modified: modified,
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

// readEngine gives the program that a package carries: the one at path, or this one if path is empty.
func readEngine(path string) ([]byte, error) {
	if path == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		return os.ReadFile(self)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	const program = "github.com/lumigo-io/opentelemetry-distro/cmd/lumigo"
	if info, err := buildinfo.Read(bytes.NewReader(content)); err != nil || info.Path != program {
		return nil, fmt.Errorf("%s is not a lumigo program", path)
	}
	return content, nil
}

// sourceDate reads SOURCE_DATE_EPOCH (https://reproducible-builds.org/specs/source-date-epoch/).
func sourceDate(value string) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseInt(value, 10, 64)
	if err != nil || seconds < 0 {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH=%s is not a number of seconds since 1970", value)
	}
	return time.Unix(seconds, 0).UTC(), nil
}
