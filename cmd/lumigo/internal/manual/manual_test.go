package manual_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/manual"
)

const paintHelp = `Paint a fence, in any colour.

usage: lumigo paint [flags] [--] COMMAND [ARGS...]

  --colour NAME   the colour that the fence is to have, which must be one that
                  there is (default "green")
  --dry           don't wet the brush
  -o FILE         where to write about it

A fence is painted from C:\fences, or from
'here'; -dashes, too.

  .hidden = a line that roff would swallow

Example:

  $ lumigo paint --colour red
`

var commands = []manual.Command{
	{Name: "paint", Help: paintHelp},
	{Name: "dry", Help: "Wait for the paint.\n\nusage: lumigo dry sun|wind\n"},
}

func TestOptionsAreThoseThatTheHelpExplains(t *testing.T) {
	want := []manual.Option{
		{Flag: "--colour", Value: "NAME", Text: `the colour that the fence is to have, which must be one that there is (default "green")`},
		{Flag: "--dry", Text: "don't wet the brush"},
		{Flag: "-o", Value: "FILE", Text: "where to write about it"},
	}
	if got := commands[0].Options(); !reflect.DeepEqual(got, want) {
		t.Errorf("options %+v\nwant %+v", got, want)
	}
	if got := commands[1].Options(); got != nil {
		t.Errorf("options of a command that has none: %v", got)
	}
}

func TestManualPage(t *testing.T) {
	name, page := manual.Man(commands[0], "1.2.3")
	if name != "lumigo-paint.1" {
		t.Errorf("name %q", name)
	}
	want := `.TH LUMIGO\-PAINT 1 "" "lumigo 1.2.3"
.SH NAME
lumigo\-paint \- paint a fence, in any colour
.SH SYNOPSIS
lumigo paint [flags] [\-\-] COMMAND [ARGS...]
.SH OPTIONS
.TP
.B \-\-colour NAME
the colour that the fence is to have, which must be one that there is (default "green")
.TP
.B \-\-dry
don\(aqt wet the brush
.TP
.B \-o FILE
where to write about it
.SH DESCRIPTION
A fence is painted from C:\efences, or from
\(aqhere\(aq; \-dashes, too.
.PP
.RS 4
.nf
\&.hidden = a line that roff would swallow
.fi
.RE
.SH EXAMPLE
.RS 4
.nf
$ lumigo paint \-\-colour red
.fi
.RE
.SH SEE ALSO
.BR lumigo (1)
`
	if page != want {
		t.Errorf("page:\n%s\nwant:\n%s", page, want)
	}
}

func TestOverviewNamesCommandsAndVariables(t *testing.T) {
	name, page := manual.Overview("Lumigo paints fences.\n\nusage: lumigo COMMAND\n\n  paint   do it\n", "1.2.3", commands)
	if name != "lumigo.1" {
		t.Errorf("name %q", name)
	}
	for _, text := range []string{
		"lumigo \\- paints fences\n",
		".BR lumigo\\-paint (1)\npaint a fence, in any colour\n",
		".BR lumigo\\-dry (1)\nwait for the paint\n",
		".B LUMIGO_TRACER_TOKEN\nThe token of your Lumigo project.",
		".B OTEL_SERVICE_NAME\n",
	} {
		if !strings.Contains(page, text) {
			t.Errorf("the page lacks %q:\n%s", text, page)
		}
	}
	if strings.Contains(page, "do it") {
		t.Error("the page has the list of the commands twice")
	}
}

// Roff's own reader has nothing to complain of.
func TestPagesAreGoodRoff(t *testing.T) {
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skip("SKIP: there is no groff here")
	}
	_, page := manual.Man(commands[0], "1.2.3")
	_, overview := manual.Overview("Lumigo paints fences.\n\nusage: lumigo COMMAND\n", "1.2.3", commands)
	for _, page := range []string{page, overview} {
		cmd := exec.Command(groff, "-ww", "-man", "-Tascii", "-P-c")
		cmd.Stdin = strings.NewReader(page)
		var complaints strings.Builder
		cmd.Stderr = &complaints
		out, err := cmd.Output()
		if err != nil || complaints.Len() > 0 {
			t.Errorf("groff: %v %s", err, complaints.String())
		}
		if strings.Contains(string(out), "hidden") != strings.Contains(page, "hidden") {
			t.Errorf("a line is gone:\n%s", out)
		}
	}
}

// What shells offer after a line. They are asked, so that their own reading of the script is tested.
func TestCompletion(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a-file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "brush-of-the-test"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	asks := map[string]func(script, line string) []string{
		"bash": func(script, line string) []string {
			return []string{"bash", "--norc", "-c", script + `
				read -ra COMP_WORDS <<<"$1"
				[[ $1 == *" " ]] && COMP_WORDS+=("")
				COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
				_lumigo
				printf '%s\n' "${COMPREPLY[@]}"`, "bash", line}
		},
		"fish": func(script, line string) []string {
			return []string{"fish", "--no-config", "-c", script + "\ncomplete -C $argv[1] | string replace -r '\\t.*' ''\ntrue", line}
		},
	}
	for _, shell := range []string{"bash", "fish"} {
		t.Run(shell, func(t *testing.T) {
			if _, err := exec.LookPath(shell); err != nil {
				t.Skipf("SKIP: there is no %s here", shell)
			}
			script, err := manual.Completion(shell, commands)
			if err != nil {
				t.Fatal(err)
			}
			for line, want := range map[string][]string{
				"lumigo ":                              {"dry", "help", "paint"},
				"lumigo p":                             {"paint"},
				"lumigo help ":                         {"dry", "paint"},
				"lumigo dry ":                          {"sun", "wind"},
				"lumigo dry w":                         {"wind"},
				"lumigo paint --c":                     {"--colour"},
				"lumigo paint --colour ":               nil,
				"lumigo paint brush-of":                {"brush-of-the-test"},
				"lumigo paint -- brush-of":             {"brush-of-the-test"},
				"lumigo paint --colour red brush-of":   {"brush-of-the-test"},
				"lumigo paint --dry --colour red -- b": {"brush-of-the-test"},
			} {
				ask := asks[shell](script, line)
				cmd := exec.Command(ask[0], ask[1:]...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "PATH="+dir+":/usr/bin:/bin", "HOME="+dir)
				out, err := cmd.Output()
				if err != nil {
					t.Fatalf("%s: %v", line, err)
				}
				got := slices.Sorted(slices.Values(strings.Fields(string(out))))
				if strings.HasSuffix(line, "-- b") {
					// Every program with a b is offered.
					got = slices.DeleteFunc(got, func(word string) bool { return word != "brush-of-the-test" })
				}
				if !slices.Equal(slices.Compact(got), want) {
					t.Errorf("%q is completed by %q, want %q", line, got, want)
				}
			}
		})
	}
	t.Run("zsh", func(t *testing.T) {
		if _, err := exec.LookPath("zsh"); err != nil {
			t.Skip("SKIP: there is no zsh here")
		}
		script, err := manual.Completion("zsh", commands)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("zsh", "-f", "-c", "autoload -U compinit; compinit -u -D;"+script+"\n[ $_comps[lumigo] = _lumigo ]").CombinedOutput(); err != nil {
			t.Errorf("zsh does not take the script: %v\n%s", err, out)
		}
	})
	if _, err := manual.Completion("csh", commands); err == nil || err.Error() != `no completion for "csh": there is one for bash, zsh, fish` {
		t.Errorf("error %v", err)
	}
}
