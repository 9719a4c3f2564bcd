package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

const overview = `Lumigo traces your application, with no change to its code.

usage: lumigo COMMAND [ARGS...]

  demo      run a small shop, and show its traces in a browser
  run       run a Python application with tracing
  go        build a Go application with tracing
  view      show traces in a browser
  doctor    say what would be traced and what would not, and why
  install   lay the tracer out for containers that mount it
  version   print the version
  help      explain a command

Example:

  $ export LUMIGO_TRACER_TOKEN=t_0123456789abcdef01234 OTEL_SERVICE_NAME=shop
  $ lumigo run -- python app.py
  $ lumigo go run .
`

// Exit statuses of our own. Those of a command that does not start are the shell's, 126 and 127.
const (
	statusFailed = 1
	statusUsage  = 2
)

// A subcommand is one word after lumigo. It returns the status to exit with.
type subcommand struct {
	name string
	help string
	run  func(flags *flag.FlagSet, args []string) int
}

func subcommands() []subcommand {
	return []subcommand{
		{"demo", demoHelp, demonstrate},
		{"run", runHelp, run},
		{"go", goHelp, weave},
		{"view", viewHelp, view},
		{"doctor", doctorHelp, examine},
		{"engine", engineHelp, serve},
		{"version", versionHelp, printVersion},
		{"wheel", wheelHelp, buildWheel},
		{"install", installHelp, installFiles},
		{"completion", completionHelp, printCompletion},
		{"man", manHelp, writeManual},
	}
}

// command is the whole program: it runs the subcommand that args begins with.
func command(args []string) int {
	if len(args) == 0 {
		tell(os.Stderr, overview)
		return statusUsage
	}
	name, args := args[0], args[1:]
	switch name {
	case "help":
		return help(args)
	case "-h", "-help", "--help":
		return help(nil)
	case "-version", "--version":
		name = "version"
	}
	i := slices.IndexFunc(subcommands(), func(c subcommand) bool { return c.name == name })
	if i < 0 {
		hint := `"lumigo help" lists the commands`
		if !strings.HasPrefix(name, "-") {
			hint += fmt.Sprintf("; did you mean: lumigo run -- %s", strings.Join(append([]string{name}, args...), " "))
		}
		return fail(statusUsage, fmt.Errorf("unknown command %q", name), hint)
	}
	return call(subcommands()[i], args)
}

func help(args []string) int {
	if len(args) == 0 {
		return tell(os.Stdout, overview)
	}
	for _, c := range subcommands() {
		if c.name == args[0] {
			return tell(os.Stdout, c.help)
		}
	}
	return fail(statusUsage, fmt.Errorf("no help for %q: there is no such command", args[0]), `"lumigo help" lists the commands`)
}

func call(c subcommand, args []string) int {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return c.run(flags, args)
}

// parse reads the flags of a subcommand. If they end the matter, because there is a mistake in them or they
// ask for help, done is true and status is what to exit with.
func parse(flags *flag.FlagSet, args []string, help string) (status int, done bool) {
	switch err := flags.Parse(args); {
	case err == nil:
		return 0, false
	case errors.Is(err, flag.ErrHelp):
		return tell(os.Stdout, help), true
	default:
		return fail(statusUsage, fmt.Errorf("%s: %w", flags.Name(), err), fmt.Sprintf(`"lumigo help %s" explains its flags`, flags.Name())), true
	}
}

func noArguments(flags *flag.FlagSet) (status int, done bool) {
	if flags.NArg() == 0 {
		return 0, false
	}
	return fail(statusUsage, fmt.Errorf("%s: unexpected argument %q", flags.Name(), flags.Arg(0)), ""), true
}
