package analysis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/viewer/store"
)

// drawn is a tree as text: the name and the self time of each span, and what is special about it.
func drawn(t *Tree) string {
	var b strings.Builder
	for _, n := range t.Nodes {
		fmt.Fprintf(&b, "%s%s %d", strings.Repeat("  ", n.Depth), n.Span.Name, n.Self)
		if n.MissingParent {
			b.WriteString(" (parent missing)")
		}
		if n.Occurrence > 0 {
			fmt.Fprintf(&b, " (occurrence %d)", n.Occurrence)
		}
		if n.Errors {
			b.WriteString(" (errors)")
		}
		b.WriteByte('\n')
	}
	return strings.TrimSpace(b.String())
}

func TestTree(t *testing.T) {
	tests := []struct{ name, spans, want string }{
		{"nothing", "", ""},
		{"children by their start, depth first", `
			1 0 0 100 root
			3 1 50 60 second
			2 1 10 40 first
			4 2 20 30 below`, `
root 60
  first 20
    below 10
  second 10`},
		{"children that overlap are counted once", `
			1 0 0 100 root
			2 1 10 50 a
			3 1 30 70 b
			4 1 40 45 c`, `
root 40
  a 40
  b 40
  c 5`},
		{"what children do outside of their parent's time is not taken from it", `
			1 0 10 20 root
			2 1 0 12 early
			3 1 18 40 late
			4 1 50 60 after`, `
root 6
  early 12
  late 22
  after 10`},
		{"errors are seen from above", `
			1 0 0 9 root
			2 1 1 2 well
			3 1 3 6 middle
			4 3 4 5 failed shop error`, `
root 5 (errors)
  well 1
  middle 2 (errors)
    failed 1 (errors)`},
		{"missing parents and several roots", `
			1 0 0 10 root
			2 9 1 2 orphan
			3 2 1 2 below
			4 0 5 6 another`, `
root 10
orphan 0 (parent missing)
  below 1
another 1`},
		{"a span that is its own parent", `
			1 1 0 9 self
			2 1 1 2 below`, `
self 8
  below 1`},
		{"a cycle begins with the earliest, and what hangs on it follows", `
			1 3 5 6 late
			2 1 3 4 middle
			3 2 1 2 early
			4 2 3 4 hanging`, `
early 1
  late 1
    middle 0
      hanging 1`},
		{"ids that repeat", `
			1 0 0 9 first
			1 0 1 8 second
			1 2 2 7 third
			2 1 3 4 below`, `
first 8
  below 0
    third 5 (occurrence 2)
second 7 (occurrence 1)`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := drawn(NewTree(trace(tt.spans))); got != lines(tt.want) {
				t.Errorf("got\n%s\nwant\n%s", got, lines(tt.want))
			}
		})
	}
}

func TestDeepAndWideTrees(t *testing.T) {
	const n = 50_000
	shapes := map[string]func(i uint64) uint64{
		"a chain":   func(i uint64) uint64 { return i },
		"a fan":     func(i uint64) uint64 { return min(i, 1) },
		"a cycle":   func(i uint64) uint64 { return (i+n-1)%n + 1 },
		"all alone": func(i uint64) uint64 { return n + 7 },
	}
	for name, parent := range shapes {
		t.Run(name, func(t *testing.T) {
			spans := make([]store.Span, n)
			for i := range spans {
				spans[i] = store.Span{ID: spanID(uint64(i + 1)), Parent: spanID(parent(uint64(i))), Start: uint64(i), End: 2*n - uint64(i)}
			}
			tree := NewTree(spans)
			tree.CriticalPath()
			if rows := Compare(tree, tree); len(tree.Nodes) != n || len(rows) > n {
				t.Errorf("%d nodes, %d rows", len(tree.Nodes), len(rows))
			}
			new(Map).Add(spans)
		})
	}
}

func TestCriticalPath(t *testing.T) {
	tests := []struct{ name, spans, want string }{
		{"nothing", "", ""},
		{"a root alone", "1 0 0 10 root", "root 0-10"},
		{"one child after the other", `
			1 0 0 100 root
			2 1 10 40 a
			3 1 50 90 b`, "root 0-10, a 10-40, root 40-50, b 50-90, root 90-100"},
		{"of two at a time the one that ends last", `
			1 0 0 100 root
			2 1 10 50 short
			3 1 10 90 long`, "root 0-10, long 10-90, root 90-100"},
		{"what ends before the one that is waited for begins", `
			1 0 0 100 root
			2 1 0 30 first
			3 1 20 45 overlaps
			4 1 40 100 last`, "first 0-30, root 30-40, last 40-100"},
		{"down to the leaves", `
			1 0 0 100 root
			2 1 10 90 middle
			3 2 20 80 leaf`, "root 0-10, middle 10-20, leaf 20-80, middle 80-90, root 90-100"},
		{"a child that goes on after its parent", `
			1 0 0 10 root
			2 1 5 50 background
			3 2 20 30 later`, "root 0-5, background 5-10"},
		{"a child that begins before its parent", `
			1 0 10 20 root
			2 1 0 15 early`, "early 10-15, root 15-20"},
		{"the root that is one, not the orphan before it", `
			1 9 0 50 orphan
			2 0 10 20 root`, "root 10-20"},
		{"orphans alone", `
			1 9 0 50 orphan
			2 8 10 20 another`, "orphan 0-50"},
		{"no time at all", `
			1 0 5 5 root
			2 1 5 5 child`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree := NewTree(trace(tt.spans))
			var steps []string
			for _, s := range tree.CriticalPath() {
				steps = append(steps, fmt.Sprintf("%s %d-%d", tree.Nodes[s.Node].Span.Name, s.Start-epoch, s.End-epoch))
			}
			if got := strings.Join(steps, ", "); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
