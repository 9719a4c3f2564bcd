package e2e

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/test/receiver"
)

// byTrace groups spans by trace; traces come in the order of their first span.
func byTrace(spans []receiver.Span) [][]receiver.Span {
	sorted := slices.Clone(spans)
	slices.SortStableFunc(sorted, func(a, b receiver.Span) int { return cmp.Compare(a.Start, b.Start) })
	place := map[string]int{}
	var traces [][]receiver.Span
	for _, s := range sorted {
		n, known := place[s.TraceID]
		if !known {
			n = len(traces)
			place[s.TraceID] = n
			traces = append(traces, nil)
		}
		traces[n] = append(traces[n], s)
	}
	return traces
}

// tree draws a trace as an indented list of "KIND name", children below their parent in the order of their
// start. A span whose parent is not there stands at the left, marked as remote if it has a parent.
func tree(trace []receiver.Span) string {
	ids := map[string]bool{}
	children := map[string][]receiver.Span{}
	for _, s := range trace {
		ids[s.SpanID] = true
	}
	var roots []receiver.Span
	for _, s := range trace {
		if ids[s.ParentID] {
			children[s.ParentID] = append(children[s.ParentID], s)
		} else {
			roots = append(roots, s)
		}
	}
	var b strings.Builder
	var draw func(s receiver.Span, depth int)
	draw = func(s receiver.Span, depth int) {
		fmt.Fprintf(&b, "%s%s %s", strings.Repeat("  ", depth), s.Kind, s.Name)
		if depth == 0 && s.ParentID != "" {
			b.WriteString(" (remote parent)")
		}
		if s.Status != "UNSET" {
			b.WriteString(" " + s.Status)
		}
		b.WriteByte('\n')
		for _, c := range children[s.SpanID] {
			draw(c, depth+1)
		}
	}
	for _, s := range roots {
		draw(s, 0)
	}
	return b.String()
}

// forest draws all traces, for failure messages.
func forest(spans []receiver.Span) string {
	var b strings.Builder
	for _, trace := range byTrace(spans) {
		b.WriteString(tree(trace))
	}
	return clip(b.String())
}

func filter(spans []receiver.Span, keep func(receiver.Span) bool) []receiver.Span {
	return slices.DeleteFunc(slices.Clone(spans), func(s receiver.Span) bool { return !keep(s) })
}

func ofKind(spans []receiver.Span, kind string) []receiver.Span {
	return filter(spans, func(s receiver.Span) bool { return s.Kind == kind })
}

func named(spans []receiver.Span, prefix string) []receiver.Span {
	return filter(spans, func(s receiver.Span) bool { return strings.HasPrefix(s.Name, prefix) })
}

// theOnly is the one span there must be.
func theOnly(t testing.TB, what string, spans []receiver.Span) receiver.Span {
	t.Helper()
	if len(spans) != 1 {
		t.Fatalf("%s: got %d spans, want 1:\n%s", what, len(spans), forest(spans))
	}
	return spans[0]
}

// attribute is the text of an attribute, "" if there is none.
func attribute(s receiver.Span, key string) string {
	if v, ok := s.Attributes[key]; ok {
		return fmt.Sprint(v)
	}
	return ""
}

// noDuplicates requires that no span came twice, and that no two have the same span id, in whatever trace:
// ids that repeat are what forked processes with one random generator make.
func noDuplicates(t testing.TB, r *receiver.Receiver) {
	t.Helper()
	if n := r.Counts().Duplicates; n > 0 {
		t.Errorf("%d spans arrived twice", n)
	}
	seen := map[string]bool{}
	for _, s := range r.Spans() {
		if seen[s.SpanID] {
			t.Errorf("span id %s occurs twice", s.SpanID)
		}
		seen[s.SpanID] = true
	}
}
