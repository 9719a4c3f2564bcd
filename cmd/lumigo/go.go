package main

import (
	"flag"
	"os"

	lumigo "github.com/lumigo-io/opentelemetry-distro"
	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/weaver"
)

const goHelp = `Run a go command such that what it builds traces itself.

usage: lumigo go [flags] build|run|test|install|vet [ARGS...]

  --strict   fail if something cannot be woven; otherwise a warning says so, and the
             plain go command runs
  --report   say what is woven, even if that is not new
`

func weave(flags *flag.FlagSet, args []string) int {
	strict := flags.Bool("strict", false, "")
	report := flags.Bool("report", false, "")
	if status, done := parse(flags, args, goHelp); done {
		return status
	}
	dir, err := os.Getwd()
	if err != nil {
		return fail(statusFailed, err, "")
	}
	err = weaver.Run(weaver.Options{
		Args: flags.Args(), Environ: os.Environ(), Dir: dir, Sources: lumigo.Sources(), Strict: *strict, Report: *report,
		Tell: func(kind, text string) { say(os.Stderr, kind, cyan, text) },
	})
	return fail(statusFailed, err, "")
}
