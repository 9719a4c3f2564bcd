package receiver

import (
	"fmt"
	"slices"
	"strings"
)

// Tree draws spans, one a line, as [Span.String] has them. Children are below their parents, all in the order in which
// they began. Spans whose parents are not among them are roots.
func Tree(spans []Span) string {
	var b strings.Builder
	Walk(spans, func(s Span, depth int) {
		fmt.Fprintf(&b, "%s%s\n", strings.Repeat("  ", depth), s)
	})
	return b.String()
}

// String is a span's kind, its name, the status of the response if there is one, and ERROR if it is one.
func (s Span) String() string {
	text := s.Kind + " " + s.Name
	for _, key := range []string{"http.response.status_code", "rpc.grpc.status_code"} {
		if status := s.Attributes[key]; status != nil {
			text += fmt.Sprintf(" %v", status)
		}
	}
	if s.Status == "ERROR" {
		text += " ERROR"
	}
	return text
}

// Walk calls visit with each span, in the order of [Tree], and with how many spans are above it.
func Walk(spans []Span, visit func(s Span, depth int)) {
	spans = slices.Clone(spans)
	slices.SortStableFunc(spans, func(a, b Span) int { return int(int64(a.Start) - int64(b.Start)) })
	children, known := map[string][]Span{}, map[string]bool{}
	for _, s := range spans {
		children[s.TraceID+s.ParentID] = append(children[s.TraceID+s.ParentID], s)
		known[s.TraceID+s.SpanID] = true
	}
	var walk func(s Span, depth int)
	walk = func(s Span, depth int) {
		visit(s, depth)
		for _, child := range children[s.TraceID+s.SpanID] {
			walk(child, depth+1)
		}
	}
	for _, s := range spans {
		if !known[s.TraceID+s.ParentID] {
			walk(s, 0)
		}
	}
}
