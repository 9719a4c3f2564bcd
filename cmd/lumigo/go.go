package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	lumigo "github.com/lumigo-io/opentelemetry-distro"
	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/weaver"
)

const goHelp = `Run a go command such that what it builds traces itself.

usage: lumigo go [flags] COMMAND [ARGS...]
       eval "$(lumigo go env)"

  --strict   fail if something cannot be woven; otherwise a warning says so, and at
             worst the plain go command runs
  --report   say what is traced, even if that is not new

COMMAND and ARGS are those of go. What build, install, run, test and vet compile is woven:
programs and tests of your own modules import the tracer, and functions of the standard
library begin with a call of it. Nothing in your tree changes, nor any version, nor what
your code means; positions in messages are those of your files.

"lumigo go env" prints variables that let the plain go command do the same in this module,
until programs or imports are added to it; then ask again. While they are set, go will not
change go.mod: "env -u GOFLAGS go get" does.

A link with the name go to this program is a go command that weaves. Put it first on PATH:

  $ ln -s "$(command -v lumigo)" ~/bin/go

LUMIGO_SWITCH_OFF=true makes all of this the plain go command.

Example:

  $ lumigo go run ./cmd/shop
`

func weave(flags *flag.FlagSet, args []string) int {
	strict := flags.Bool("strict", false, "")
	report := flags.Bool("report", false, "")
	tool := flags.Bool("toolexec", false, "") // the go command has started this process
	if status, done := parse(flags, args, goHelp); done {
		return status
	}
	if *tool {
		return fail(statusFailed, weaver.Tool(flags.Args()), "")
	}
	o, status := weaverOptions(flags.Args())
	if status != 0 {
		return status
	}
	o.Strict, o.Report = *strict, *report
	if flags.NArg() == 1 && flags.Arg(0) == "env" {
		return printEnvironment(o)
	}
	return fail(statusFailed, weaver.Run(o), "")
}

// beGo is this program under the name of go.
func beGo(args []string) int {
	o, status := weaverOptions(args)
	if status != 0 {
		return status
	}
	return fail(statusFailed, weaver.Run(o), "")
}

// calledGo reports whether this program was started under the name of go.
func calledGo() bool { return filepath.Base(os.Args[0]) == "go" }

func weaverOptions(args []string) (weaver.Options, int) {
	dir, err := os.Getwd()
	if err != nil {
		return weaver.Options{}, fail(statusFailed, err, "")
	}
	self, err := os.Executable()
	if err != nil {
		return weaver.Options{}, fail(statusFailed, err, "")
	}
	return weaver.Options{
		Args:    args,
		Environ: os.Environ(),
		Dir:     dir,
		Sources: lumigo.Sources(),
		Tool:    []string{self, "go", "--toolexec"},
		Tell: func(kind, text string) {
			colour := cyan
			if kind == "warning" {
				colour = yellow
			}
			say(os.Stderr, kind, colour, text)
		},
	}, 0
}

func printEnvironment(o weaver.Options) int {
	environ, err := weaver.Environment(o)
	if err != nil {
		return fail(statusFailed, err, "")
	}
	var b strings.Builder
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		fmt.Fprintf(&b, "export %s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`))
	}
	return tell(os.Stdout, b.String())
}
