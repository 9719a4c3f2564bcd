package receiver

import (
	"fmt"
	"slices"
	"strings"
)

// Tree draws spans, one a line: kind, name, status of the response if there is one, ERROR if it is one. Children are
// below their parents, all in the order in which they began. Spans whose parents are not among them are roots.
func Tree(spans []Span) string {
	spans = slices.Clone(spans)
	slices.SortStableFunc(spans, func(a, b Span) int { return int(int64(a.Start) - int64(b.Start)) })
	children, known := map[string][]Span{}, map[string]bool{}
	for _, s := range spans {
		children[s.TraceID+s.ParentID] = append(children[s.TraceID+s.ParentID], s)
		known[s.TraceID+s.SpanID] = true
	}
	var b strings.Builder
	var draw func(s Span, depth int)
	draw = func(s Span, depth int) {
		fmt.Fprintf(&b, "%s%s %s", strings.Repeat("  ", depth), s.Kind, s.Name)
		if status := s.Attributes["http.response.status_code"]; status != nil {
			fmt.Fprintf(&b, " %v", status)
		}
		if status := s.Attributes["rpc.grpc.status_code"]; status != nil {
			fmt.Fprintf(&b, " %v", status)
		}
		if s.Status == "ERROR" {
			b.WriteString(" ERROR")
		}
		b.WriteByte('\n')
		for _, child := range children[s.TraceID+s.SpanID] {
			draw(child, depth+1)
		}
	}
	for _, s := range spans {
		if !known[s.TraceID+s.ParentID] {
			draw(s, 0)
		}
	}
	return b.String()
}
