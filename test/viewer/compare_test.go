package viewer

import (
	"strings"
	"testing"
	"time"
)

func TestTwoTracesAreCompared(t *testing.T) {
	v := startViewer(t)
	now := time.Now()
	fast, slow := checkout("fast", now.Add(-20*time.Second), false, false), checkout("slow", now.Add(-10*time.Second), true, false)
	send(t, v, fast, slow)
	p := open(t, v, "/")
	showsTraces(p, "POST /checkout", "POST /checkout")
	p.press("j", "j", "c", "k", "c")
	p.until("document.querySelectorAll('.tray .letter').length === 2 && !document.querySelector('.tray .primary').disabled")
	p.press("C")
	p.until("document.querySelector('.compare .rows [role=row]')")
	if got, want := p.address(), "/compare/"+fast.hex()+"/"+slow.hex(); got != want {
		t.Errorf("the address is %s, want %s", got, want)
	}
	p.see("slower")
	rows := strings.Join(p.texts(".compare .rows [role=row]"), "\n---\n")
	for _, want := range []string{"24×", "only in A"} { // many queries instead of one, and an update that is gone
		if !strings.Contains(rows, want) {
			t.Errorf("the comparison lacks %q:\n%s", want, rows)
		}
	}
	all := len(p.texts(".compare .rows [role=row]"))
	p.clickText("Only what differs")
	p.until("document.querySelectorAll('.compare .rows [role=row]').length > 0 && ![...document.querySelectorAll('.compare .rows [role=row]')].some((r) => r.classList.contains('change-same'))")
	if some := len(p.texts(".compare .rows [role=row]")); some >= all {
		t.Errorf("%d of %d rows differ", some, all)
	}
	p.press("j")
	p.until("document.querySelector('.compare .active')")

	p.press("s")
	p.until("location.pathname === '/compare/" + slow.hex() + "/" + fast.hex() + "'")
	p.see("faster")
	p.see("only in B")
	p.reload() // what is shown is in the address
	p.until("document.querySelector('[aria-pressed=true]')?.innerText === 'Only what differs'")

	p.press("Escape")
	p.until("location.pathname === '/'")
}

func TestATraceIsComparedWithItself(t *testing.T) {
	v := startViewer(t)
	tr := checkout("one", time.Now().Add(-time.Second), false, false)
	send(t, v, tr)
	p := open(t, v, "/compare/"+tr.hex()+"/"+tr.hex()+"?show=changes")
	p.see("equally long")
	p.see("No difference")
}

func TestComparisonBeginsAtATrace(t *testing.T) {
	v := startViewer(t)
	now := time.Now()
	a, b := checkout("a", now.Add(-20*time.Second), false, false), checkout("b", now.Add(-10*time.Second), false, true)
	send(t, v, a, b, browse("other", now.Add(-5*time.Second)))
	p := openTrace(t, v, a)
	p.press("c")
	showsTraces(p, "POST /checkout", "POST /checkout") // those of the same name
	p.see("pick another trace")
	p.press("j", "c")
	p.clickText("Compare")
	p.until("location.pathname === '/compare/" + a.hex() + "/" + b.hex() + "'")
}
