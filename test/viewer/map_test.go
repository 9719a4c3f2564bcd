package viewer

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMapShowsWhoCallsWhom(t *testing.T) {
	v := startViewer(t)
	send(t, v, shop(time.Now())...)
	p := open(t, v, "/map")
	p.until("document.querySelector('.node')")
	nodes := eval[[]string](p, "[...document.querySelectorAll('.node')].map((n) => n.dataset.node)")
	for _, want := range []string{"service:web", "service:catalog", "service:orders", "service:payments", "service:warehouse"} {
		if !slices.Contains(nodes, want) {
			t.Errorf("the map lacks %s; it has %q", want, nodes)
		}
	}
	edges := strings.Join(eval[[]string](p, "[...document.querySelectorAll('.edge title')].map((e) => e.textContent)"), "\n")
	for _, want := range []string{"web → catalog: ", "web → payments: ", "orders → ", "errors, p50 "} {
		if !strings.Contains(edges, want) {
			t.Errorf("the calls lack %q:\n%s", want, edges)
		}
	}
	// Nodes do not lie on each other, and callers are left of what they call.
	if overlap := eval[[]string](p, `(() => {
		const boxes = [...document.querySelectorAll('.node')].map((n) => [n.dataset.node, n.querySelector('.node-box').getBoundingClientRect()])
		return boxes.flatMap(([a, p], i) => boxes.slice(0, i).filter(([, q]) => p.left < q.right && q.left < p.right && p.top < q.bottom && q.top < p.bottom).map(([b]) => a + ' on ' + b))
	})()`); len(overlap) > 0 {
		t.Errorf("nodes overlap: %q", overlap)
	}
	if !eval[bool](p, "document.querySelector('[data-node=\"service:web\"]').getBoundingClientRect().right < document.querySelector('[data-node=\"service:catalog\"]').getBoundingClientRect().left") {
		t.Error("web calls catalog, but is not left of it")
	}
	// The table says the same.
	p.until("[...document.querySelectorAll('.panel tbody tr')].some((r) => r.innerText.startsWith('payments'))")

	// A node is chosen by mouse or keyboard, and is in the address.
	p.evaluate(`document.querySelector('[data-node="service:payments"]').focus()`)
	p.press("Enter")
	p.until("document.querySelector('.panel h2')?.innerText === 'payments'")
	p.see("Called by")
	if got, want := p.address(), "/map?node=service:payments"; got != want {
		t.Errorf("the address is %s, want %s", got, want)
	}
	p.clickText("With errors")
	p.until("location.pathname === '/' && document.querySelectorAll('" + traceRows + "').length === 4")
	p.back()
	p.until("document.querySelector('.panel h2')?.innerText === 'payments'")
	p.press("Escape")
	p.see("Services and what they call")
}

func TestMapOfNothing(t *testing.T) {
	v := startViewer(t)
	p := open(t, v, "/map")
	p.see("Waiting for the first trace")
	tr := checkout("old", time.Now().Add(-2*time.Hour), false, false)
	send(t, v, tr)
	p = open(t, v, "/map?since=5m")
	p.see("Nothing happened in this time")
	p.clickText("Show all time")
	p.until("document.querySelector('.node')")
}

// The layout is tried on graphs that no shop has.
func TestLayoutOfAnyGraph(t *testing.T) {
	p := open(t, startViewer(t), "/")
	for name, graph := range map[string]string{
		"nothing":   "[[], []]",
		"one":       "[['a'], []]",
		"itself":    "[['a'], [['a', 'a']]]",
		"a cycle":   "[['a', 'b', 'c'], [['a', 'b'], ['b', 'c'], ['c', 'a']]]",
		"two ways":  "[['a', 'b'], [['a', 'b'], ['b', 'a']]]",
		"a jump":    "[['a', 'b', 'c', 'd'], [['a', 'b'], ['b', 'c'], ['c', 'd'], ['a', 'd']]]",
		"apart":     "[['a', 'b', 'c', 'd'], [['a', 'b'], ['c', 'd']]]",
		"all pairs": "[[...'abcdefghij'], [...'abcdefghij'].flatMap((a) => [...'abcdefghij'].map((b) => [a, b]))]",
		"a crowd":   "[Array.from({ length: 80 }, (_, i) => 'n' + i), Array.from({ length: 240 }, (_, i) => ['n' + i % 80, 'n' + (i * 7 + i * i) % 80])]",
	} {
		t.Run(name, func(t *testing.T) {
			got := eval[string](p, `import('/script/layers.js').then(({ layOut }) => {
				const [names, pairs] = `+graph+`
				const nodes = names.map((id) => ({ id, breadth: 60, length: 180 }))
				const edges = pairs.map(([from, to]) => ({ from, to }))
				const laid = layOut(nodes, edges, { layerGap: 100, nodeGap: 20 })
				const places = [...laid.nodes.values()]
				if (laid.nodes.size !== nodes.length || laid.edges.length !== edges.length) return 'something is missing'
				if (!places.every((p) => Number.isFinite(p.along) && Number.isFinite(p.across))) return 'a place is no number'
				if (!places.every((p) => p.along >= 90 && p.across >= 29.99 && p.along <= laid.along && p.across <= laid.across)) return 'a place is outside'
				for (const [i, p] of places.entries()) for (const q of places.slice(0, i)) if (Math.abs(p.along - q.along) < 180 && Math.abs(p.across - q.across) < 79.99) return 'two places overlap'
				for (const [i, points] of laid.edges.entries()) {
					const ends = [points[0], points.at(-1)]
					if (ends[0].along !== laid.nodes.get(edges[i].from).along || ends[1].across !== laid.nodes.get(edges[i].to).across) return 'an edge ends elsewhere'
				}
				return 'well'
			})`)
			if got != "well" {
				t.Error(got)
			}
		})
	}
}
