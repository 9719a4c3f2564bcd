package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// A progress shows how far a run has come: a line for each result, and on a terminal, as the last line, what is under
// way. What others write through it stays above that line.
type progress struct {
	to       io.Writer
	terminal bool
	total, n int
	status   string
	began    time.Time
}

func newProgress(to *os.File, total int) *progress {
	info, err := to.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	return &progress{to: to, terminal: terminal, total: total, began: time.Now()}
}

// begin shows what is under way.
func (p *progress) begin(what string) {
	if p.terminal {
		p.status = fmt.Sprintf("%d of %d: %s …", p.n+1, p.total, what)
		p.Write(nil)
	}
}

// add shows a result; one that an earlier run has brought counts, but is not shown.
func (p *progress) add(r result, known bool) {
	p.n++
	if !known {
		p.status = ""
		fmt.Fprintf(p, "%d of %d %-7s %s %s on python%s (%.1f s) %s\n", p.n, p.total, r.Outcome, r.Library, r.Version, r.Python, r.Seconds, r.Why)
	}
}

// end sums up.
func (p *progress) end(results []result) {
	p.status = ""
	counts := count(results)
	fmt.Fprintf(p, "%d passed, %d failed, %d skipped in %s\n", counts["passed"], counts["failed"], counts["skipped"], time.Since(p.began).Round(time.Second))
}

func (p *progress) Write(text []byte) (int, error) {
	if p.terminal {
		fmt.Fprint(p.to, "\r\x1b[K")
	}
	n, err := p.to.Write(text)
	fmt.Fprint(p.to, p.status)
	return n, err
}
