package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/launcher"
	"github.com/lumigo-io/opentelemetry-distro/python"
)

const runHelp = `Run a command with tracing.

usage: lumigo run [flags] [--] COMMAND [ARGS...]

  --flush-timeout D   how long to go on sending spans after the command has ended, at
                      most, for example 500ms or 10s (default 5s); a second Ctrl-C, or
                      any second signal to end, cuts it short

Python interpreters that the command is or starts are traced, unless they run with
-I, -E or -S or in an environment of their own. Everything else about the command is
as without lumigo: its input and output, its terminal, its signals, and its exit status
(128 and the number of the signal if one ended it).

The environment configures the tracing. LUMIGO_TRACER_TOKEN sends the spans to Lumigo,
OTEL_EXPORTER_OTLP_ENDPOINT anywhere else, LUMIGO_DEBUG_SPANDUMP writes them to a file,
and LUMIGO_SWITCH_OFF=true turns lumigo into nothing at all.

Example:

  $ LUMIGO_DEBUG_SPANDUMP=spans.json lumigo run -- python app.py
`

const defaultFlushTimeout = 5 * time.Second

func run(flags *flag.FlagSet, args []string) int {
	timeout := flags.Duration("flush-timeout", defaultFlushTimeout, "")
	if status, done := parse(flags, args, runHelp); done {
		return status
	}
	if flags.NArg() == 0 {
		return fail(statusUsage, errors.New("run: no command to run"), "for example: lumigo run -- python app.py")
	}
	if *timeout < 0 {
		return fail(statusUsage, fmt.Errorf("run: --flush-timeout %s is negative", *timeout), "0 does not wait at all")
	}
	beThrifty()
	status, err := launcher.Run(launcher.Options{
		Command:      flags.Args(),
		Environ:      os.Environ(),
		Python:       python.Files(),
		Listen:       listen,
		FlushTimeout: *timeout,
	})
	if err != nil {
		e := new(launcher.Error)
		errors.As(err, &e)
		return fail(e.Status, err, e.Hint)
	}
	return status
}
