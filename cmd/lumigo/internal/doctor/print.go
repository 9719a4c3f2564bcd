package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// WriteJSON writes the report as an object, whose keys and words stay what they are.
func (r Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// Style says how a report is printed.
type Style struct {
	Colour bool
	Width  int // of a line, in characters; 0 for any
}

var colours = map[Status]string{OK: "32", Skipped: "2", Warning: "33", Problem: "31"}

// Print writes the report for people: a heading for each group, a line for each finding, and what to do about it
// beneath.
func (r Report) Print(w io.Writer, s Style) error {
	var b strings.Builder
	paint := func(colour, text string) string {
		if !s.Colour {
			return text
		}
		return "\x1b[" + colour + "m" + text + "\x1b[0m"
	}
	fmt.Fprintf(&b, "lumigo %s examines: %s\n", r.Version, strings.Join(r.Command, " "))
	names, statuses := 0, len(Problem)
	for _, f := range r.Findings {
		names = max(names, len(f.Check))
	}
	margin := 2 + statuses + 2 + names + 2
	group, check := "", ""
	for _, f := range r.Findings {
		if f.Group != group {
			fmt.Fprintf(&b, "\n%s\n", paint("1", strings.ToUpper(f.Group[:1])+f.Group[1:]))
			group, check = f.Group, ""
		}
		name := f.Check
		if name == check {
			name = "" // one more finding of the same check
		}
		check = f.Check
		fmt.Fprintf(&b, "  %s  %-*s  %s\n", paint(colours[f.Status], fmt.Sprintf("%-*s", statuses, f.Status)), names, name, wrap(f.Found, margin, s.Width))
		if f.Remedy != "" {
			fmt.Fprintf(&b, "%s%s %s\n", strings.Repeat(" ", margin), paint("36", "→"), wrap(f.Remedy, margin+2, s.Width))
		}
	}
	fmt.Fprintf(&b, "\n%s\n", r.verdict(paint))
	_, err := io.WriteString(w, b.String())
	return err
}

func (r Report) verdict(paint func(colour, text string) string) string {
	problems, warnings := r.Count(Problem), r.Count(Warning)
	count := func(n int, what string) string {
		if n == 1 {
			return "1 " + what
		}
		return fmt.Sprintf("%d %ss", n, what)
	}
	if problems > 0 {
		return paint(colours[Problem], fmt.Sprintf("Traces would not arrive: %s, %s.", count(problems, "problem"), count(warnings, "warning")))
	}
	if warnings > 0 {
		return paint(colours[OK], "Nothing prevents tracing") + "; " + count(warnings, "warning") + "."
	}
	return paint(colours[OK], "Nothing prevents tracing.")
}

// wrap breaks a text into lines that begin at a margin and are no longer than width, if that is not 0.
func wrap(text string, margin, width int) string {
	if width-margin < 20 {
		return text
	}
	var b strings.Builder
	column := margin
	for i, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+n > width:
			b.WriteString("\n" + strings.Repeat(" ", margin))
			column = margin
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}
