package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/viewer"
	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/python"
)

const viewHelp = `Show traces in a browser as they arrive.

usage: lumigo view [flags]

  --listen ADDRESS   where to serve the page and to receive spans and logs as OTLP over
                     HTTP, a host and a port (default 127.0.0.1:4318); port 0 takes any
                     that is free
  --dir DIR          where to keep traces (default $XDG_STATE_HOME/lumigo/view, or
                     ~/.local/state/lumigo/view)
  --max-size SIZE    how much to keep there, in KiB, MiB or GiB (default 256MiB); the
                     oldest traces make room for new ones
  --open             open a browser

It takes what any OpenTelemetry SDK or Collector sends. Programs and pages of this machine
alone can reach it, unless --listen says otherwise. Ctrl-C ends it; the traces stay.

Example:

  $ lumigo view --open &
  $ OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 lumigo run -- python app.py
`

// viewerMemory is what the garbage collector tries to get along with: the index of what is kept, and what requests
// take meanwhile.
const viewerMemory = 110 << 20

// closeTimeout is how long answers that are on their way keep the viewer from ending.
const closeTimeout = 2 * time.Second

func view(flags *flag.FlagSet, args []string) int {
	listen := flags.String("listen", viewer.DefaultAddress, "")
	dir := flags.String("dir", "", "")
	size := flags.String("max-size", "", "")
	open := flags.Bool("open", false, "")
	if status, done := parse(flags, args, viewHelp); done {
		return status
	}
	if status, done := noArguments(flags); done {
		return status
	}
	maxSize := int64(viewer.DefaultSize)
	if *size != "" {
		var ok bool
		if maxSize, ok = config.ParseBytes(*size); !ok || maxSize < viewer.MinSize {
			return fail(statusUsage, fmt.Errorf("view: --max-size is %q", *size), fmt.Sprintf("it is at least %dMiB, such as 256MiB or 1GiB", viewer.MinSize>>20))
		}
	}
	// Before anything is there that a signal should not tear down.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	beThrifty()
	debug.SetMemoryLimit(viewerMemory)
	v, status := startViewer("view", viewer.Options{
		Listen: *listen, Dir: *dir, MaxSize: maxSize,
		Warn: func(text string) { say(os.Stderr, "warning", yellow, text) },
	})
	if v == nil {
		return status
	}
	say(os.Stderr, "viewer", cyan, v.URL())
	say(os.Stderr, "hint", cyan, fmt.Sprintf("OTEL_EXPORTER_OTLP_ENDPOINT=%s makes a program send its spans there; Ctrl-C ends the viewer", v.URL()))
	if *open {
		openBrowser(v.URL())
	}
	<-ctx.Done()
	return closeViewer(v)
}

// startViewer starts a viewer for a subcommand, or says why it cannot.
func startViewer(subcommand string, o viewer.Options) (v *viewer.Server, status int) {
	var err error
	if o.Dir == "" {
		if o.Dir, err = stateDir(); err != nil {
			return nil, fail(statusFailed, fmt.Errorf("%s: no directory for traces: %w", subcommand, err), "set XDG_STATE_HOME or HOME")
		}
	}
	o.Version = python.Version()
	if v, err = viewer.Start(o); err != nil {
		e := new(viewer.Error)
		errors.As(err, &e)
		return nil, fail(statusFailed, fmt.Errorf("%s: %w", subcommand, err), e.Hint)
	}
	return v, 0
}

func closeViewer(v *viewer.Server) int {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := v.Close(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fail(statusFailed, fmt.Errorf("view: %w", err), "")
	}
	return 0
}

// stateDir is where the viewer keeps traces unless it is told otherwise.
func stateDir() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "lumigo", "view"), nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".local", "state", "lumigo", "view"), err
}

// openBrowser opens a browser, if there is one.
func openBrowser(url string) {
	for _, program := range []string{os.Getenv("BROWSER"), "xdg-open", "wslview"} {
		if program == "" {
			continue
		}
		if path, err := exec.LookPath(program); err == nil {
			cmd := exec.Command(path, url)
			if err := cmd.Start(); err == nil {
				go cmd.Wait()
				return
			}
		}
	}
	say(os.Stderr, "warning", yellow, "there is no browser to open; the page is at "+url)
}
