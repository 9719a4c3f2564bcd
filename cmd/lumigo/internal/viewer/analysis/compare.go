package analysis

import (
	"cmp"
	"slices"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/viewer/store"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// Row is a place in two traces: the spans that have the same services, kinds and names from the top down.
type Row struct {
	Depth         int
	Service, Name string
	Kind          otlp.Kind
	A, B          *Side // nil where the trace has no such span
	Change        Change
}

// Side is what one trace has at a place.
type Side struct {
	Count          int
	Duration, Self uint64 // of all of them together, in nanoseconds
	Errors         int
	Start          uint64 // of the first, in nanoseconds from the start of the trace
}

// Change says how B differs from A.
type Change string

const (
	Same    Change = "same"
	Slower  Change = "slower"
	Faster  Change = "faster"
	Added   Change = "added"   // it is in B only
	Removed Change = "removed" // it is in A only
)

// Compare lays one trace on another. Where each begins with one span, of the same service and kind, these are the same
// place whatever their names, which then is A's. Rows are in the order of a waterfall: depth first, siblings by their start in A,
// or in B where A has none. A place is slower or faster if its duration differs by more than a tenth, and by more
// than a hundredth of the longer trace's duration.
func Compare(a, b *Tree) []Row {
	startA, durationA := a.extent()
	startB, durationB := b.extent()
	least := max(durationA, durationB) / 100

	var rows []Row
	stack := merge(a, b, a.tops(), b.tops(), startA, startB)
	if root, ok := sameRoot(stack); ok {
		stack = []place{root}
	}
	slices.Reverse(stack)
	depths := make([]int, len(stack))
	for len(stack) > 0 {
		last := len(stack) - 1
		p, depth := stack[last], depths[last]
		stack, depths = stack[:last], depths[:last]
		row := Row{Depth: depth, Service: p.key.service, Name: p.key.name, Kind: p.key.kind, A: a.side(p.a, startA), B: b.side(p.b, startB)}
		row.Change = row.change(least)
		rows = append(rows, row)
		below := merge(a, b, a.below(p.a), b.below(p.b), startA, startB)
		slices.Reverse(below)
		for _, p := range below {
			stack, depths = append(stack, p), append(depths, depth+1)
		}
	}
	return rows
}

// sameRoot makes one place of two that are the only ones at the top, one in each trace.
func sameRoot(places []place) (root place, ok bool) {
	if len(places) != 2 || len(places[0].a)+len(places[1].a) != 1 || len(places[0].b)+len(places[1].b) != 1 {
		return place{}, false
	}
	root, other := places[0], places[1]
	if len(root.a) == 0 {
		root, other = other, root
	}
	root.b = other.b
	return root, root.key.service == other.key.service && root.key.kind == other.key.kind
}

// key is what makes spans of two traces the same.
type key struct {
	service, name string
	kind          otlp.Kind
}

// place is a key and the nodes that have it, in each tree.
type place struct {
	key   key
	a, b  []int
	start uint64
}

// merge makes places of nodes that are siblings, or as good as that.
func merge(a, b *Tree, inA, inB []int, startA, startB uint64) []place {
	var places []place
	index := map[key]int{}
	at := func(s *store.Span, from uint64) *place {
		k := key{s.Service, s.Name, s.Kind}
		i, known := index[k]
		if !known {
			i = len(places)
			index[k] = i
			places = append(places, place{key: k, start: since(s.Start, from)})
		}
		return &places[i]
	}
	for _, n := range inA {
		p := at(a.Nodes[n].Span, startA)
		p.a = append(p.a, n)
	}
	for _, n := range inB {
		p := at(b.Nodes[n].Span, startB)
		p.b = append(p.b, n)
	}
	slices.SortStableFunc(places, func(x, y place) int { return cmp.Compare(x.start, y.start) })
	return places
}

func (r *Row) change(least uint64) Change {
	switch {
	case r.A == nil:
		return Added
	case r.B == nil:
		return Removed
	}
	shorter, longer, change := r.A.Duration, r.B.Duration, Slower
	if shorter > longer {
		shorter, longer, change = longer, shorter, Faster
	}
	if difference := longer - shorter; difference <= longer/10 || difference <= least {
		return Same
	}
	return change
}

// side sums up nodes.
func (t *Tree) side(nodes []int, start uint64) *Side {
	if len(nodes) == 0 {
		return nil
	}
	side := &Side{Count: len(nodes), Start: since(t.Nodes[nodes[0]].Span.Start, start)}
	for _, n := range nodes {
		span := t.Nodes[n].Span
		side.Duration += span.End - span.Start
		side.Self += t.Nodes[n].Self
		if span.Status == otlp.StatusError {
			side.Errors++
		}
	}
	return side
}

// tops returns the nodes that are below no other.
func (t *Tree) tops() (nodes []int) {
	for n := range t.Nodes {
		if t.Nodes[n].Parent < 0 {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// below returns the children of nodes, those of the first one first.
func (t *Tree) below(nodes []int) (children []int) {
	for _, n := range nodes {
		children = append(children, t.children[n]...)
	}
	return children
}

// extent returns when the trace starts and how long it takes.
func (t *Tree) extent() (start, duration uint64) {
	var end uint64
	for i := range t.Nodes {
		if s := t.Nodes[i].Span; s.Start > 0 && (start == 0 || s.Start < start) {
			start = s.Start
		}
		end = max(end, t.Nodes[i].Span.End)
	}
	return start, since(end, start)
}

// since is the time from start until t, or none.
func since(t, start uint64) uint64 { return max(t, start) - start }
