package manual

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
)

// Man is the page of a command for man, named lumigo-COMMAND.1.
func Man(c Command, version string) (filename, page string) {
	title := "lumigo-" + c.Name
	return title + ".1", roff(title, version, c)
}

// Overview is the page lumigo.1: what the commands are, which there are, and the variables that configure them.
func Overview(help, version string, commands []Command) (filename, page string) {
	// The list of the commands is made anew, of all that there are.
	isList := func(paragraph string) bool {
		return strings.HasPrefix(paragraph, "  ") && !strings.HasPrefix(paragraph, "  $")
	}
	help = strings.Join(slices.DeleteFunc(paragraphs(help), isList), "\n\n")
	var b strings.Builder
	b.WriteString(roff("lumigo", version, Command{"lumigo", help}))
	b.WriteString(".SH COMMANDS\n")
	for _, c := range commands {
		fmt.Fprintf(&b, ".TP\n.BR lumigo\\-%s (1)\n%s\n", escape(c.Name), escape(c.summary()))
	}
	b.WriteString(".SH ENVIRONMENT\n")
	group := ""
	for _, v := range config.Variables() {
		if v.Group != group {
			group = v.Group
			fmt.Fprintf(&b, ".SS %s\n", escape(group))
		}
		text := plain(v.Description)
		if v.Default != "" {
			text += fmt.Sprintf(" The default is %s.", v.Default)
		}
		fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", escape(v.Name), escape(text))
	}
	return "lumigo.1", b.String()
}

var link = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`)

// plain takes the marks of Markdown out of a line.
func plain(text string) string {
	return strings.ReplaceAll(link.ReplaceAllString(text, "$1"), "`", "")
}

// roff sets a help text in the macros of man(7).
func roff(title, version string, c Command) string {
	var b strings.Builder
	// No date: a page is the same whenever it is made.
	fmt.Fprintf(&b, ".TH %s 1 \"\" \"lumigo %s\"\n.SH NAME\n%s \\- %s\n.SH SYNOPSIS\n", escape(strings.ToUpper(title)), escape(version), escape(title), escape(c.summary()))
	for n, usage := range c.usage() {
		if n > 0 {
			b.WriteString(".br\n")
		}
		fmt.Fprintf(&b, "%s\n", escape(usage))
	}
	section := "" // the heading that what comes next stands under
	begin := func(name, paragraph string) {
		if section != name {
			fmt.Fprintf(&b, ".SH %s\n", name)
		} else if paragraph != "" {
			b.WriteString(paragraph + "\n")
		}
		section = name
	}
	for _, paragraph := range paragraphs(c.Help)[1:] {
		options, areOptions := optionsOf(paragraph)
		switch {
		case strings.HasPrefix(paragraph, "usage:"):
		case paragraph == "Example:":
			begin("EXAMPLE", "")
		case areOptions:
			begin("OPTIONS", "")
			for _, o := range options {
				fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", escape(strings.TrimSpace(o.Flag+" "+o.Value)), escape(o.Text))
			}
		case strings.HasPrefix(paragraph, "  "):
			if section != "EXAMPLE" {
				begin("DESCRIPTION", ".PP")
			}
			fmt.Fprintf(&b, ".RS 4\n.nf\n%s\n.fi\n.RE\n", escape(dedent(paragraph)))
		default:
			begin("DESCRIPTION", ".PP")
			fmt.Fprintf(&b, "%s\n", escape(paragraph))
		}
	}
	if c.Name != "lumigo" {
		b.WriteString(".SH SEE ALSO\n.BR lumigo (1)\n")
	}
	return b.String()
}

func dedent(paragraph string) string {
	return strings.ReplaceAll("\n"+paragraph, "\n  ", "\n")[1:]
}

var special = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "…", `\&...`, "\n.", "\n\\&.", "~", `\(ti`, "^", `\(ha`, "`", `\(ga`)

// escape keeps roff from taking text for anything but text.
func escape(text string) string {
	return special.Replace("\n" + text)[1:]
}
