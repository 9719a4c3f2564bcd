package analysis

import (
	"fmt"
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	const a = `
		1 0 0 1000 order
		2 1 10 210 stock
		3 1 220 320 price
		4 1 330 430 price
		5 1 500 505 log`
	tests := []struct{ name, a, b, want string }{
		{"with itself", a, a, `
order same 1×1000 1×1000
  stock same 1×200 1×200
  price same 2×200 2×200
  log same 1×5 1×5`},
		{"slower, faster, once more", a, `
			1 0 0 2000 order
			2 1 10 20 stock
			3 1 220 320 price
			4 1 330 430 price
			6 1 440 540 price
			5 1 500 510 log`, `
order slower 1×1000 1×2000
  stock faster 1×200 1×10
  price slower 2×200 3×300
  log same 1×5 1×10`},
		{"added and removed, where they were", a, `
			1 0 0 1000 order
			7 1 5 100 check
			2 1 110 310 stock
			9 2 120 130 query
			5 1 500 505 log`, `
order same 1×1000 1×1000
  check added – 1×95
  stock same 1×200 1×200
    query added – 1×10
  price removed 2×200 –
  log same 1×5 1×5`},
		{"another service or kind is another place", "1 0 0 10 get shop client", "1 0 0 10 get shop server", `
get removed 1×10 –
get added – 1×10`},
		{"roots are the same place whatever their names", `
			1 0 0 10 order-1
			2 1 1 2 check`, `
			1 0 0 20 order-2
			2 1 1 2 check`, `
order-1 slower 1×10 1×20
  check same 1×1 1×1`},
		{"several roots are not", "1 0 0 10 order-1", `
			1 0 0 20 order-2
			2 0 1 2 check`, `
order-1 removed 1×10 –
order-2 added – 1×20
check added – 1×1`},
		{"nothing and something", "", "1 0 0 10 get", "get added – 1×10"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			side := func(s *Side) string {
				if s == nil {
					return "–"
				}
				return fmt.Sprintf("%d×%d", s.Count, s.Duration)
			}
			var b strings.Builder
			for _, r := range Compare(NewTree(trace(tt.a)), NewTree(trace(tt.b))) {
				fmt.Fprintf(&b, "%s%s %s %s %s\n", strings.Repeat("  ", r.Depth), r.Name, r.Change, side(r.A), side(r.B))
			}
			if got := lines(b.String()); got != lines(tt.want) {
				t.Errorf("got\n%s\nwant\n%s", got, lines(tt.want))
			}
		})
	}
}

func TestASideSumsUp(t *testing.T) {
	tree := NewTree(trace(`
		1 0 0 100 order
		2 1 10 30 query
		3 2 15 20 wait
		4 1 40 70 query shop error`))
	row := Compare(tree, tree)[1]
	if want := (Side{Count: 2, Duration: 50, Self: 45, Errors: 1, Start: 10}); *row.A != want || *row.B != want {
		t.Errorf("got %+v, %+v, want %+v", row.A, row.B, want)
	}
}
