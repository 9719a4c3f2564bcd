package main

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/detached"
	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/launcher"
	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
	"github.com/lumigo-io/opentelemetry-distro/internal/engine"
	"github.com/lumigo-io/opentelemetry-distro/python"
)

const engineHelp = `Serve applications that "lumigo run" has not started.

usage: lumigo engine --listen-fd N [flags]

  --listen-fd N       the listening socket, a descriptor that this program inherits
  --flush-timeout D   how long to go on sending spans after all processes are gone, at
                      most (default 5s)

The Python part in such an application starts it; you do not. It goes into the background,
and ends when nobody has been connected for two seconds. LUMIGO_ENGINE has the
key that processes have to show to be served.
`

func serve(flags *flag.FlagSet, args []string) int {
	fd := flags.Int("listen-fd", -1, "")
	timeout := flags.Duration("flush-timeout", defaultFlushTimeout, "")
	background := flags.Bool("detached", false, "") // this is the process in the background
	if status, done := parse(flags, args, engineHelp); done {
		return status
	}
	if status, done := noArguments(flags); done {
		return status
	}
	if *fd < 0 {
		return fail(statusUsage, fmt.Errorf("engine: --listen-fd is missing"), `applications are traced by "lumigo run", which brings its own engine`)
	}
	if !*background {
		if err := detached.Start(*fd, "engine", "--detached", "--listen-fd", strconv.Itoa(detached.Descriptor), "--flush-timeout", timeout.String()); err != nil {
			return fail(statusFailed, fmt.Errorf("engine: %w", err), "")
		}
		return 0
	}
	beThrifty()
	if err := detached.Serve(detached.Options{Environ: os.Environ(), Version: python.Version(), Idle: 2 * time.Second, FlushTimeout: *timeout}); err != nil {
		return statusFailed // a log line has said why
	}
	return 0
}

// listenFor returns what makes the engine of a launcher, with its socket somewhere under dir. The viewer may be nil.
func listenFor(viewer engine.Viewer) func(dir string, log *diag.Logger) (launcher.Engine, error) {
	return func(dir string, log *diag.Logger) (launcher.Engine, error) {
		return engine.Listen(engine.Options{Dir: dir, Log: log, Version: python.Version(), Environ: os.Environ(), Viewer: viewer})
	}
}
