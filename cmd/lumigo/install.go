package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"syscall"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/injector"
	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/install"
	"github.com/lumigo-io/opentelemetry-distro/python"
)

const installHelp = `Lay the tracer out in a directory that other containers mount.

usage: lumigo install [--target DIR]

  --target DIR   where (default: what TARGET_DIRECTORY says)

This is what an init container in Kubernetes runs. A container that mounts DIR, be it
read-only and under another path, is then traced in any one of these ways:

  its command begins with DIR/bin/lumigo run --
  LD_PRELOAD=DIR/injector/lumigo_injector.so, as the Lumigo operator sets it
  PYTHONPATH=DIR/python/sitecustomize

Run again, it upgrades: what starts sees all of the old version or all of the new, and
what runs goes on with the old one, which stays until the upgrade after this one.

Example:

  $ lumigo install --target /opt/lumigo
  $ LUMIGO_TRACER_TOKEN=t_… LD_PRELOAD=/opt/lumigo/injector/lumigo_injector.so python3 app.py
`

func installFiles(flags *flag.FlagSet, args []string) int {
	dir := flags.String("target", os.Getenv("TARGET_DIRECTORY"), "")
	if status, done := parse(flags, args, installHelp); done {
		return status
	}
	if status, done := noArguments(flags); done {
		return status
	}
	if *dir == "" {
		return fail(statusUsage, errors.New("install: no directory to install into"), "for example: lumigo install --target /opt/lumigo")
	}
	engine, err := readEngine("")
	if err != nil {
		return fail(statusFailed, fmt.Errorf("install: %w", err), "")
	}
	library, _ := injector.Library(runtime.GOARCH)
	changed, err := install.Install(install.Options{
		Dir:      *dir,
		Version:  python.Version(),
		Python:   python.Files(),
		Engine:   engine,
		Injector: library,
	})
	if err != nil {
		return fail(statusFailed, fmt.Errorf("install: %w", err), roomFor(err, len(engine)))
	}
	if !changed {
		return tell(os.Stdout, fmt.Sprintf("lumigo %s is in %s already\n", python.Version(), *dir))
	}
	return tell(os.Stdout, fmt.Sprintf("lumigo %s is now in %s\n", python.Version(), *dir))
}

// roomFor hints at what to do about a volume that has no room for a program of so many bytes.
func roomFor(err error, size int) string {
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Sprintf("mount a volume there that user %d can write to", os.Geteuid())
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Sprintf("a version takes %d MB, and an upgrade keeps the one before it", size/1_000_000+1)
	}
	return ""
}
