package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/manual"
	"github.com/lumigo-io/opentelemetry-distro/python"
)

const completionHelp = `Print what lets a shell complete the commands and flags of lumigo.

usage: lumigo completion bash|zsh|fish

Example:

  $ source <(lumigo completion bash)
  $ lumigo completion zsh > "${fpath[1]}/_lumigo"
  $ lumigo completion fish > ~/.config/fish/completions/lumigo.fish
`

const manHelp = `Write the manual pages into a directory.

usage: lumigo man DIR

Example:

  $ lumigo man ~/.local/share/man/man1
  $ man lumigo-run
`

func printCompletion(flags *flag.FlagSet, args []string) int {
	if status, done := parse(flags, args, completionHelp); done {
		return status
	}
	if flags.NArg() != 1 {
		return fail(statusUsage, errors.New("completion: one shell is to be named"), "there is completion for "+strings.Join(manual.Shells(), ", "))
	}
	script, err := manual.Completion(flags.Arg(0), commandsForPeople())
	if err != nil {
		return fail(statusUsage, fmt.Errorf("completion: %w", err), "")
	}
	return tell(os.Stdout, script)
}

func writeManual(flags *flag.FlagSet, args []string) int {
	if status, done := parse(flags, args, manHelp); done {
		return status
	}
	if flags.NArg() != 1 {
		return fail(statusUsage, errors.New("man: one directory is to be named"), "for example: lumigo man ~/.local/share/man/man1")
	}
	if err := writePages(flags.Arg(0)); err != nil {
		return fail(statusFailed, fmt.Errorf("man: %w", err), "")
	}
	return 0
}

func writePages(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	commands := commandsForPeople()
	name, page := manual.Overview(overview, python.Version(), commands)
	err := os.WriteFile(filepath.Join(dir, name), []byte(page), 0o644)
	for _, c := range commands {
		if err == nil {
			name, page = manual.Man(c, python.Version())
			err = os.WriteFile(filepath.Join(dir, name), []byte(page), 0o644)
		}
	}
	return err
}

// commandsForPeople are all subcommands but the one that other programs of ours call.
func commandsForPeople() []manual.Command {
	var commands []manual.Command
	for _, c := range subcommands() {
		if c.name != "engine" {
			commands = append(commands, manual.Command{Name: c.name, Help: c.help})
		}
	}
	return commands
}
