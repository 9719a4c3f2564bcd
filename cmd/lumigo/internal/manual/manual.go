// Package manual makes of the help texts of the subcommands what shells and man want: completion and pages.
//
// A help text is the one source. It is made of paragraphs: what the command does, in one sentence; "usage:" and
// how to call it; lines that begin with a flag and explain it; prose; blocks that are indented by two blanks and
// stay as they are; and "Example:", which is followed by such a block.
package manual

import (
	"regexp"
	"strings"
)

// Command is a subcommand of lumigo.
type Command struct {
	Name string
	Help string
}

// Option is a flag of a command, as its help text explains it.
type Option struct {
	Flag  string // with its dashes
	Value string // what stands for its value; empty if it takes none
	Text  string
}

// brief is the beginning of what there is to say about the flag, short enough to stand in a list.
func (o Option) brief() string {
	brief, _, _ := strings.Cut(o.Text, ",")
	brief, _, _ = strings.Cut(brief, ";")
	brief, _, _ = strings.Cut(brief, " (")
	return brief
}

// summary is what the command does, to stand after its name.
func (c Command) summary() string {
	first, _, _ := strings.Cut(c.Help, "\n\n")
	first = strings.TrimSuffix(strings.ReplaceAll(first, "\n", " "), ".")
	first = strings.TrimPrefix(first, "Lumigo ")
	return strings.ToLower(first[:1]) + first[1:]
}

// usage are the ways to call the command.
func (c Command) usage() []string {
	for _, paragraph := range paragraphs(c.Help) {
		if rest, found := strings.CutPrefix(paragraph, "usage:"); found {
			lines := strings.Split(rest, "\n")
			for n := range lines {
				lines[n] = strings.TrimSpace(lines[n])
			}
			return lines
		}
	}
	return nil
}

// A value that may be left out, --view[=ADDRESS], is none for whoever completes the flag.
var option = regexp.MustCompile(`^  (--?[a-z][a-z-]*)(?: ([A-Z]+)|\[=[A-Z]+\])? {2,}(.*)$`)

// Options are the flags that the help text of the command explains.
func (c Command) Options() []Option {
	var options []Option
	for _, paragraph := range paragraphs(c.Help) {
		found, _ := optionsOf(paragraph)
		options = append(options, found...)
	}
	return options
}

// optionsOf reads a paragraph of flags; ok is false if it is none.
func optionsOf(paragraph string) (options []Option, ok bool) {
	for line := range strings.Lines(paragraph) {
		line = strings.TrimRight(line, "\n")
		if m := option.FindStringSubmatch(line); m != nil {
			options = append(options, Option{m[1], m[2], m[3]})
		} else if len(options) > 0 {
			last := &options[len(options)-1]
			last.Text += " " + strings.TrimSpace(line)
		}
	}
	return options, len(options) > 0 && strings.HasPrefix(paragraph, "  -")
}

// choices are the words that the command takes as its only argument, which its usage lists: one|another.
func (c Command) choices() []string {
	for _, usage := range c.usage() {
		for _, word := range strings.Fields(usage) {
			if strings.Contains(word, "|") && !strings.ContainsAny(word, "[]") {
				return strings.Split(word, "|")
			}
		}
	}
	return nil
}

// takesCommand reports whether the arguments of the command are a command line of its own.
func (c Command) takesCommand() bool {
	for _, usage := range c.usage() {
		if strings.Contains(usage, "[--] COMMAND") {
			return true
		}
	}
	return false
}

func paragraphs(text string) []string { return strings.Split(strings.Trim(text, "\n"), "\n\n") }
