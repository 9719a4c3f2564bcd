package analysis

import (
	"cmp"
	"slices"
)

// Step is a time in which the trace waited for a span.
type Step struct {
	Node       int    // index in the tree
	Start, End uint64 // nanoseconds since 1970
}

// CriticalPath says what the trace waited for, from the start of its root to its end, without a gap: at each moment
// the span that, had it been faster, would have let the root end earlier. From the root's end it goes back in time: a
// span waits for the child that ended last, that one for its own, and before that child began for the one that had
// ended last by then. What a child does outside the time of its parent, nobody waits for.
//
// The root is the first span that has no parent, or without one the first of the tree.
func (t *Tree) CriticalPath() []Step {
	if len(t.Nodes) == 0 {
		return nil
	}
	root := max(0, slices.IndexFunc(t.Nodes, func(n Node) bool { return n.Parent < 0 && !n.MissingParent }))
	var steps []Step
	stack := []visit{t.visit(root, t.Nodes[root].Span.Start, t.Nodes[root].Span.End)}
	for len(stack) > 0 {
		v := &stack[len(stack)-1]
		from, until := v.start, v.until
		if len(v.children) > 0 {
			child := v.children[len(v.children)-1]
			v.children = v.children[:len(v.children)-1]
			span := t.Nodes[child].Span
			start, end := max(span.Start, v.start), min(span.End, v.end)
			if start >= end || end > v.until {
				continue // it ran outside of the time in question, or beside the one that is waited for
			}
			from, v.until = end, start
			if from < until {
				steps = append(steps, Step{v.node, from, until})
			}
			stack = append(stack, t.visit(child, start, end))
			continue
		}
		if from < until {
			steps = append(steps, Step{v.node, from, until})
		}
		stack = stack[:len(stack)-1]
	}
	slices.Reverse(steps)
	return steps
}

// visit is a span in the time in which it is waited for.
type visit struct {
	node       int
	start, end uint64
	until      uint64 // what comes later is explained
	children   []int  // that are still to be looked at, the one that ends last at the end
}

func (t *Tree) visit(node int, start, end uint64) visit {
	children := slices.Clone(t.children[node])
	slices.SortStableFunc(children, func(a, b int) int {
		return cmp.Compare(min(t.Nodes[a].Span.End, end), min(t.Nodes[b].Span.End, end))
	})
	return visit{node, start, end, end, children}
}
