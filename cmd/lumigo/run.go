package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/launcher"
	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/viewer"
	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
	"github.com/lumigo-io/opentelemetry-distro/python"
)

const runHelp = `Run a command with tracing.

usage: lumigo run [flags] [--] COMMAND [ARGS...]

  --flush-timeout D   how long to go on sending spans after the command has ended, at
                      most, for example 500ms or 10s (default 5s); a second Ctrl-C, or
                      any second signal to end, cuts it short
  --view[=ADDRESS]    show the traces in a browser as they are made; the page is at
                      ADDRESS, a host and a port (default 127.0.0.1:4318)
  --open              open a browser at it; implies --view

Python interpreters that the command is or starts are traced, unless they run with
-I, -E or -S or in an environment of their own. Everything else about the command is
as without lumigo: its input and output, its terminal, its signals, and its exit status
(128 and the number of the signal if one ended it).

The environment configures the tracing. LUMIGO_TRACER_TOKEN sends the spans to Lumigo,
OTEL_EXPORTER_OTLP_ENDPOINT anywhere else, LUMIGO_DEBUG_SPANDUMP writes them to a file,
and LUMIGO_SWITCH_OFF=true turns lumigo into nothing at all.

With --view, the viewer of "lumigo view" runs in the same process, with the same traces,
and gets every span that is made, and with LUMIGO_ENABLE_LOGS=true what Python programs
log; wherever else they go, they still go. When the command has ended, it stays until
Ctrl-C, and then exits as the command did. Programs that lumigo does not trace can send
their spans to the page's address, as OTLP over HTTP.

Example:

  $ lumigo run --view -- python app.py
`

const defaultFlushTimeout = 5 * time.Second

func run(flags *flag.FlagSet, args []string) int {
	timeout := flags.Duration("flush-timeout", defaultFlushTimeout, "")
	view := addressFlag{}
	flags.Var(&view, "view", "")
	open := flags.Bool("open", false, "")
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
	o := launcher.Options{
		Command:      flags.Args(),
		Environ:      os.Environ(),
		Python:       python.Files(),
		Listen:       listenFor(nil),
		FlushTimeout: *timeout,
	}
	if view.given || *open {
		v, status := viewRun(&o, view.address, *open)
		if status != 0 {
			return status
		}
		if v != nil {
			defer closeViewer(v)
		}
	}
	status, err := launcher.Run(o)
	if err != nil {
		e := new(launcher.Error)
		errors.As(err, &e)
		return fail(e.Status, err, e.Hint)
	}
	return status
}

// viewRun starts a viewer for what is about to run. There is none, and no error, if lumigo is switched off.
func viewRun(o *launcher.Options, address string, open bool) (v *viewer.Server, status int) {
	cfg, _ := config.Parse(o.Environ)
	if cfg.SwitchOff {
		return nil, 0
	}
	log := diag.New(os.Stderr, cfg.LogLevel)
	v, status = startViewer("run", viewer.Options{Listen: address, Warn: func(text string) { log.Warningf("%s", text) }})
	if v == nil {
		return nil, status
	}
	o.Listen = listenFor(v)
	o.Stay = func() {
		v.Flush()
		say(os.Stderr, "viewer", cyan, fmt.Sprintf("the command has ended; its traces are at %s until Ctrl-C", v.URL()))
	}
	say(os.Stderr, "viewer", cyan, v.URL())
	if open {
		openBrowser(v.URL())
	}
	return v, 0
}

// addressFlag is a flag that may have an address.
type addressFlag struct {
	given   bool
	address string // "" for the default one
}

func (f *addressFlag) String() string   { return f.address }
func (f *addressFlag) IsBoolFlag() bool { return true }

func (f *addressFlag) Set(text string) error {
	if f.given = text != "false"; text != "true" && text != "false" {
		f.address = text
	}
	return nil
}
