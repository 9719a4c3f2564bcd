package demo

import (
	"bytes"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// Style says how a trace is drawn.
type Style struct {
	Colour bool
	Width  int // of a line, in characters; 0 for any
}

const (
	red    = "31"
	bold   = "1"
	faint  = "2"
	longer = 32 // characters of the bar of the longest span
)

// palette has a colour for each service, in the order in which they come.
var palette = []string{"36", "33", "35", "34", "32"}

// Draw writes the trace as a tree: a line for each span, with its service, a bar for its time, how long it took, and
// what came of it.
func (t *Trace) Draw(w io.Writer, s Style) error {
	paint := func(colour, text string) string {
		if !s.Colour || text == "" {
			return text
		}
		return "\x1b[" + colour + "m" + text + "\x1b[0m"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s  %s, %s, %s, %s\n\n", paint(bold, "trace "+t.Summary.TraceID), length(t.Summary.Duration),
		count(len(t.Spans), "span"), count(len(t.Summary.Services), "service"), count(t.Summary.Errors, "error"))
	branches := branches(t.Spans)
	names, services := 0, 0
	colours := map[string]string{}
	for i, span := range t.Spans {
		names = max(names, utf8.RuneCountInString(branches[i]+span.label()))
		services = max(services, utf8.RuneCountInString(span.Service))
		if colours[span.Service] == "" {
			colours[span.Service] = palette[len(colours)%len(palette)]
		}
	}
	bars := longer
	if s.Width > 0 {
		bars = min(bars, s.Width-names-services-24)
	}
	for i, span := range t.Spans {
		label := span.label()
		pad := func(text string, width int) string {
			return strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
		}
		b.WriteString(paint(faint, branches[i]) + label + pad(branches[i]+label, names) + "  ")
		b.WriteString(paint(colours[span.Service], span.Service) + pad(span.Service, services) + "  ")
		if bars >= 8 {
			bar := span.bar(t.Summary.Duration, bars)
			b.WriteString(paint(colours[span.Service], bar) + pad(bar, bars) + "  ")
		}
		took := length(span.Duration)
		b.WriteString(pad(took, 8) + took)
		if came := span.outcome(); came != "" {
			b.WriteString("  " + paint(red, came))
		}
		b.WriteByte('\n')
	}
	_, err := w.Write(b.Bytes())
	return err
}

// branches returns what stands before the name of each span, to draw the tree.
func branches(spans []Span) []string {
	drawn := make([]string, len(spans))
	for i, span := range spans {
		var b strings.Builder
		for depth := 1; depth <= span.Depth; depth++ {
			more := goesOn(spans[i+1:], depth)
			switch {
			case depth == span.Depth && more:
				b.WriteString("├─ ")
			case depth == span.Depth:
				b.WriteString("└─ ")
			case more:
				b.WriteString("│  ")
			default:
				b.WriteString("   ")
			}
		}
		drawn[i] = b.String()
	}
	return drawn
}

// goesOn reports whether another span of this depth follows below the same parent.
func goesOn(following []Span, depth int) bool {
	for _, span := range following {
		if span.Depth < depth {
			return false
		}
		if span.Depth == depth {
			return true
		}
	}
	return false
}

// label is the name of a span, with the path of a request that is not in it.
func (s Span) label() string {
	path := s.text("url.path")
	if full, err := url.Parse(s.text("url.full")); path == "" && err == nil {
		path = full.Path
	}
	if path == "" || strings.Contains(s.Name, "/") {
		return s.Name
	}
	return s.Name + " " + path
}

// bar shows when a span was, in so many characters for the whole trace.
func (s Span) bar(whole int64, width int) string {
	if whole <= 0 {
		return ""
	}
	at := func(t int64) int { return int(t * int64(width) / whole) }
	begin := min(max(at(s.Start), 0), width-1)
	end := min(max(at(s.Start+s.Duration), begin+1), width)
	return strings.Repeat(" ", begin) + strings.Repeat("█", end-begin)
}

// outcome says what came of a span that failed; "" for all others.
func (s Span) outcome() string {
	if s.Status != "error" {
		return ""
	}
	if status := s.text("http.response.status_code"); status != "" {
		return "✗ " + status
	}
	if kind := s.text("error.type"); kind != "" {
		return "✗ " + kind
	}
	return "✗ error"
}

func length(nanoseconds int64) string {
	switch d := time.Duration(nanoseconds); {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	default:
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
