// Package analysis finds out what traces say: the order of a waterfall, where the time went, how two traces differ,
// which services call each other.
//
// It takes spans as they come. Ids may repeat, parents be missing or form cycles, times make no sense: every span
// has its place exactly once, and no answer takes more than in proportion to the number of spans, but for sorting.
package analysis

import (
	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/viewer/store"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// Tree is the spans of a trace in the order of a waterfall: depth first, and the children of a span in the order of
// their start.
type Tree struct {
	Nodes []Node

	children [][]int // by node
}

// Node is a span in its place.
type Node struct {
	Span          *store.Span
	Parent        int    // index of the node above, -1 at the top
	Depth         int    // 0 at the top
	MissingParent bool   // the span names a parent which is not there
	Occurrence    int    // how many spans before it, by their start, have the same id
	Self          uint64 // nanoseconds in which no child was running
	Errors        bool   // the span, or one below, has failed
}

// NewTree orders spans, which are sorted by their start and must not change after. Of several spans with one id, the
// first is the parent of those that name it. Where parents form a cycle, the earliest of the cycle is at the top.
func NewTree(spans []store.Span) *Tree {
	first := make(map[store.SpanID]int, len(spans))
	occurrences := make([]int, len(spans))
	seen := map[store.SpanID]int{}
	for i := range spans {
		id := spans[i].ID
		if _, known := first[id]; known {
			seen[id]++
			occurrences[i] = seen[id]
		} else {
			first[id] = i
		}
	}
	below := make([][]int, len(spans)) // by the index of the span
	missing := make([]bool, len(spans))
	var tops []int
	for i := range spans {
		parent, known := first[spans[i].Parent]
		root := spans[i].Parent == store.SpanID{}
		switch {
		case root || known && parent == i:
			tops = append(tops, i)
		case !known:
			missing[i] = true
			tops = append(tops, i)
		default:
			below[parent] = append(below[parent], i)
		}
	}

	t := &Tree{Nodes: make([]Node, 0, len(spans)), children: make([][]int, len(spans))}
	placed := make([]bool, len(spans))
	type pending struct{ span, parent, depth int }
	var stack []pending
	place := func(top int) {
		stack = append(stack, pending{top, -1, 0})
		for len(stack) > 0 {
			p := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if placed[p.span] {
				continue
			}
			placed[p.span] = true
			n := len(t.Nodes)
			t.Nodes = append(t.Nodes, Node{
				Span: &spans[p.span], Parent: p.parent, Depth: p.depth,
				MissingParent: missing[p.span], Occurrence: occurrences[p.span],
			})
			if p.parent >= 0 {
				t.children[p.parent] = append(t.children[p.parent], n)
			}
			for k := len(below[p.span]) - 1; k >= 0; k-- {
				stack = append(stack, pending{below[p.span][k], n, p.depth + 1})
			}
		}
	}
	for _, top := range tops {
		place(top)
	}
	for i := range spans { // what is left are cycles, and what hangs on them
		if !placed[i] {
			place(i)
		}
	}

	for n := len(t.Nodes) - 1; n >= 0; n-- { // those below come before those above
		node := &t.Nodes[n]
		node.Self = t.self(n)
		node.Errors = node.Errors || node.Span.Status == otlp.StatusError
		if node.Errors && node.Parent >= 0 {
			t.Nodes[node.Parent].Errors = true
		}
	}
	return t
}

// self returns the time in which none of a node's children was running, which are sorted by their start.
func (t *Tree) self(n int) uint64 {
	span := t.Nodes[n].Span
	covered, until := uint64(0), span.Start
	for _, child := range t.children[n] {
		c := t.Nodes[child].Span
		from, to := max(c.Start, until), min(c.End, span.End)
		if to > from {
			covered += to - from
			until = to
		}
	}
	return span.End - span.Start - covered
}
