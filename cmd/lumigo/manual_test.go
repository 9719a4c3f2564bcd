package main

import (
	"flag"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/manual"
)

// What shells complete and man explains is read from the help texts, so they must name every flag that there is,
// and whether it takes a value.
func TestHelpNamesEveryFlag(t *testing.T) {
	silence(t)
	unnamed := []string{"--detached of engine", "--toolexec of go"} // processes of ours start others with them
	for _, c := range subcommands() {
		flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
		flags.SetOutput(io.Discard)
		if status := c.run(flags, []string{"-h"}); status != 0 {
			t.Errorf("lumigo %s -h exits with %d", c.name, status)
		}
		there := map[string]bool{} // and whether it takes a value
		flags.VisitAll(func(f *flag.Flag) {
			name := "--" + f.Name
			if len(f.Name) == 1 {
				name = "-" + f.Name
			}
			isBool, ok := f.Value.(interface{ IsBoolFlag() bool })
			if !slices.Contains(unnamed, name+" of "+c.name) {
				there[name] = !ok || !isBool.IsBoolFlag()
			}
		})
		for _, o := range (manual.Command{Name: c.name, Help: c.help}).Options() {
			takesValue, found := there[o.Flag]
			if !found {
				t.Errorf("the help of %s explains %s, which it does not know", c.name, o.Flag)
			} else if takesValue != (o.Value != "") {
				t.Errorf("the help of %s and the command disagree on whether %s takes a value", c.name, o.Flag)
			}
			delete(there, o.Flag)
		}
		for name := range there {
			t.Errorf("the help of %s does not explain %s", c.name, name)
		}
	}
}

// Every help text begins with a sentence and how to call the command.
func TestHelpTextsAreOfOneForm(t *testing.T) {
	for _, c := range subcommands() {
		first, rest, _ := strings.Cut(c.help, "\n\n")
		if !strings.HasSuffix(first, ".") || !strings.HasPrefix(rest, "usage: lumigo "+c.name) {
			t.Errorf("the help of %s begins with %q", c.name, c.help[:min(len(c.help), 80)])
		}
		for line := range strings.Lines(c.help) {
			if len(strings.TrimRight(line, "\n")) > 100 {
				t.Errorf("the help of %s has a line that terminals break: %s", c.name, line)
			}
		}
	}
}

func silence(t *testing.T) {
	t.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = null
	t.Cleanup(func() { os.Stdout = stdout; null.Close() })
}
