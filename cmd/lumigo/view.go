package main

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/viewer"
	"github.com/lumigo-io/opentelemetry-distro/python"
)

const viewHelp = `Show traces in a browser as they arrive.

usage: lumigo view [flags]

  --listen ADDRESS   where to serve the page and to receive OTLP/HTTP
                     (default 127.0.0.1:4318)

Example:

  $ lumigo view
  $ OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 lumigo run -- python app.py
`

func view(flags *flag.FlagSet, args []string) int {
	listen := flags.String("listen", viewer.DefaultAddress, "")
	if status, done := parse(flags, args, viewHelp); done {
		return status
	}
	if status, done := noArguments(flags); done {
		return status
	}
	s, err := viewer.Start(viewer.Options{Listen: *listen, Version: python.Version()})
	if err != nil {
		return fail(statusFailed, err, "")
	}
	say(os.Stderr, "viewer", cyan, s.URL())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	<-ctx.Done()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	s.Close(ctx)
	return 0
}
