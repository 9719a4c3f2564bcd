package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/demo"
	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/viewer"
	"github.com/lumigo-io/opentelemetry-distro/examples/shop"
	"github.com/lumigo-io/opentelemetry-distro/python"
)

const demoHelp = `Run a small shop, and show its traces in a browser.

usage: lumigo demo [flags]

  --port N    where to serve the page (default 4318, or another if that is taken)
  --no-open   do not open a browser
  --once      end when one trace is printed
  --json      print that trace as JSON, as the page's own API has it

The shop has two services in Python and two in Go, which know nothing of tracing: the
ones are started by "lumigo run", the others built by "lumigo go build". One order is
slow, and one fails. Without Go, or without Python, it opens with what there is.

It goes on until Ctrl-C. Nothing is kept, and nothing leaves this machine.
`

func demonstrate(flags *flag.FlagSet, args []string) int {
	port := flags.Int("port", 0, "")
	noOpen := flags.Bool("no-open", false, "")
	once := flags.Bool("once", false, "")
	asJSON := flags.Bool("json", false, "")
	if status, done := parse(flags, args, demoHelp); done {
		return status
	}
	if status, done := noArguments(flags); done {
		return status
	}
	self, err := os.Executable()
	if err != nil {
		return fail(statusFailed, fmt.Errorf("demo: %w", err), "")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait
	page, status := demoViewer(*port)
	if page == nil {
		return status
	}
	defer closeViewer(page)

	note := func(text string) { say(os.Stderr, "note", cyan, text) }
	err = demo.Run(ctx, demo.Options{
		Shop:    shop.Files,
		Environ: os.Environ(),
		Self:    []string{self},
		Viewer:  page.URL(),
		Once:    *once,
		Tell:    note,
		Busy:    func(text string) func() { return busy(os.Stderr, text) },
		Show: func(t *demo.Trace, s demo.Shop) error {
			if *asJSON {
				tell(os.Stdout, string(t.JSON())+"\n")
				return nil
			}
			if err := t.Draw(os.Stdout, demo.Style{Colour: colourful(os.Stdout), Width: width(os.Stdout)}); err != nil {
				return err
			}
			if *once {
				return nil
			}
			address := page.URL() + "/trace/" + t.Summary.TraceID
			tell(os.Stdout, fmt.Sprintf("\nThis trace   %s\nAll traces   %s\nBuy a pear   curl -d '%s' %s\nThe end      Ctrl-C\n", address, page.URL(), demo.Order(1), s.Till))
			if !*noOpen && atDesktop() {
				openBrowser(address)
			}
			return nil
		},
	})
	switch {
	case errors.Is(err, demo.ErrNothing):
		return fail(statusFailed, fmt.Errorf("demo: %w", err), "https://go.dev/dl and https://www.python.org/downloads have them")
	case err != nil:
		return fail(statusFailed, fmt.Errorf("demo: %w", err), `"lumigo doctor" tells what stands in the way of tracing`)
	}
	return 0
}

// atDesktop reports whether somebody seems to sit in front of this machine.
func atDesktop() bool {
	return colourful(os.Stdout) && os.Getenv("BROWSER")+os.Getenv("DISPLAY")+os.Getenv("WAYLAND_DISPLAY")+os.Getenv("WSL_DISTRO_NAME") != ""
}

// demoViewer starts a viewer that keeps traces in memory, on a port, or with 0 on the one of OTLP, if that is free.
func demoViewer(port int) (*viewer.Server, int) {
	o := viewer.Options{Listen: viewer.DefaultAddress, Version: python.Version(), Warn: func(text string) { say(os.Stderr, "warning", yellow, text) }}
	if port != 0 {
		o.Listen = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	}
	page, err := viewer.Start(o)
	switch {
	case err == nil:
		return page, 0
	case port != 0:
		return nil, fail(statusFailed, fmt.Errorf("demo: %w", err), "without --port, it takes one that is free")
	}
	taken := o.Listen
	o.Listen = "127.0.0.1:0"
	if page, err = viewer.Start(o); err != nil {
		return nil, fail(statusFailed, fmt.Errorf("demo: %w", err), "")
	}
	say(os.Stderr, "note", cyan, fmt.Sprintf("%s is taken, so the page is at %s", taken, page.URL()))
	return page, 0
}
