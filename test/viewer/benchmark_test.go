package viewer

import (
	"testing"
	"time"
)

// BenchmarkOpen measures how long it takes from a click on a trace of 10,000 spans until its waterfall is on the
// screen, as the browser's clock has it: asking the viewer, reading its answer, and drawing. The second figure is what
// a step of the cursor takes in it.
//
//	go test -run='^$' -bench=Open ./test/viewer
func BenchmarkOpen(b *testing.B) {
	v := startViewer(b)
	tr := huge(10_000, time.Now().Add(-time.Minute))
	send(b, v, tr)
	p := open(b, v, "/")
	p.until("document.querySelector('" + traceRows + "')")
	var opened, moved float64
	for b.Loop() {
		opened += eval[float64](p, `new Promise((done) => {
			const begin = performance.now()
			document.querySelector('`+traceRows+` a').click()
			const look = () => {
				if (document.querySelectorAll('`+spanRows+`').length < 10) return requestAnimationFrame(look)
				requestAnimationFrame(() => setTimeout(() => done(performance.now() - begin)))
			}
			look()
		})`)
		moved += eval[float64](p, `new Promise((done) => {
			const begin = performance.now()
			let steps = 0
			const step = () => {
				if (steps++ === 60) return done((performance.now() - begin) / 60)
				document.dispatchEvent(new KeyboardEvent('keydown', { key: 'PageDown', bubbles: true }))
				requestAnimationFrame(step)
			}
			step()
		})`)
		p.back()
		p.until("document.querySelector('" + traceRows + "')")
	}
	b.ReportMetric(opened/float64(b.N), "ms/open")
	b.ReportMetric(moved/float64(b.N), "ms/step")
	b.ReportMetric(0, "ns/op")
}
