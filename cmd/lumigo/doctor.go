package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	lumigo "github.com/lumigo-io/opentelemetry-distro"
	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/doctor"
	"github.com/lumigo-io/opentelemetry-distro/python"
)

const doctorHelp = `Say what would be traced and what would not, and why.

usage: lumigo doctor [--json] [--] [COMMAND [ARGS...]]

  --json   as a JSON object, whose keys and words stay what they are: version, command,
           traced, and findings, each with group, check, status (ok, warning, problem or
           skipped), found and, where there is something to do about it, remedy

COMMAND is what would follow "lumigo run --", or a go command that builds, or a program
that Go has built. Without one, the Go module in this directory is examined, or else
python3. The environment counts, so call it with that of your application.

COMMAND is not run. Its interpreter is started, with a line of our own; the backend gets a
request without spans; and of a Go build, a plan is made.

It exits with 0 if nothing prevents tracing, and with 1 if something does.

Example:

  $ OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318 lumigo doctor -- gunicorn shop:app
`

func examine(flags *flag.FlagSet, args []string) int {
	asJSON := flags.Bool("json", false, "")
	if status, done := parse(flags, args, doctorHelp); done {
		return status
	}
	dir, err := os.Getwd()
	if err != nil {
		return fail(statusFailed, fmt.Errorf("doctor: %w", err), "")
	}
	self, err := os.Executable()
	if err != nil {
		return fail(statusFailed, fmt.Errorf("doctor: %w", err), "")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	report := doctor.Examine(ctx, doctor.Options{
		Command: flags.Args(),
		Environ: os.Environ(),
		Dir:     dir,
		Version: python.Version(),
		Python:  python.Files(),
		Sources: lumigo.Sources(),
		Root:    os.DirFS("/"),
		Self:    []string{self},
	})
	if *asJSON {
		err = report.WriteJSON(os.Stdout)
	} else {
		err = report.Print(os.Stdout, doctor.Style{Colour: colourful(os.Stdout), Width: width(os.Stdout)})
	}
	switch {
	case err != nil:
		return fail(statusFailed, fmt.Errorf("doctor: cannot write the report: %w", err), "")
	case !report.Traced:
		return statusFailed
	}
	return 0
}
