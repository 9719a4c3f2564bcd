package viewer

import (
	"strings"
	"testing"
	"time"
)

const (
	spanRows = "[role=treegrid] .rows [role=row]"
	cursor   = "[role=treegrid] .active"
)

// openTrace opens the view of a trace and waits until its spans are there.
func openTrace(t testing.TB, v string, tr *trace) *tab {
	t.Helper()
	p := open(t, v, "/trace/"+tr.hex())
	p.until("document.querySelector('" + spanRows + "')")
	return p
}

// at waits until the cursor is on the span of a name, and a screen reader is told so.
func (p *tab) at(name string) {
	p.Helper()
	p.until("document.getElementById(document.querySelector('[role=treegrid]').getAttribute('aria-activedescendant'))?.querySelector('.name').innerText === " + quote(name))
}

// shop5 is a trace with every kind of thing in it, of fixed lengths.
func family(name string) (*trace, map[string]span) {
	t := newTrace(name, time.Now().Add(-time.Minute))
	s := map[string]span{}
	s["root"] = t.span(span{}, "web", "GET /", server, 0, 100*ms)
	s["first"] = t.span(s["root"], "web", "first", internal, 10*ms, 30*ms)
	s["query"] = t.span(s["first"], "web", "SELECT", client, 12*ms, 20*ms, statement("postgresql", "shop", "SELECT a, b FROM t LEFT JOIN u ON t.id = u.id WHERE token = '****' AND a > 1 ORDER BY b")...)
	s["second"] = t.span(s["root"], "web", "second", client, 45*ms, 50*ms)
	s["called"] = t.span(s["second"], "payments", "POST /charges", server, 50*ms, 40*ms, served("POST", "/charges", 500,
		attribute("http.request.body", `{"card":{"number":"4111","cvc":"****"},"big":12345678901234567890,"list":[1,true,null]}`))...)
	s["called"].fail("declined", "shop.CardDeclined", stack)
	s["called"].log(5*ms, 17, "the card was declined", attribute("attempt", 3))
	s["called"].event("retried", 20*ms, attribute("after", "10ms"))
	return t, s
}

func TestWaterfallIsATreeThatTheKeyboardMovesIn(t *testing.T) {
	v := startViewer(t)
	tr, _ := family("tree")
	send(t, v, tr)
	p := openTrace(t, v, tr)
	p.until(quoteEqual(spanRows+" .name", []string{"GET /", "first", "SELECT", "second", "POST /charges"}))
	levels := eval[[]string](p, "[...document.querySelectorAll('"+spanRows+"')].map((r) => r.getAttribute('aria-level') + r.getAttribute('aria-expanded'))")
	if got, want := strings.Join(levels, " "), "1true 2true 3null 2true 3null"; got != want {
		t.Errorf("levels and whether expanded: %s, want %s", got, want)
	}

	for _, step := range []struct{ key, at string }{
		{"j", "GET /"}, {"j", "first"}, {"ArrowDown", "SELECT"}, {"k", "first"},
		{"ArrowRight", "SELECT"},                    // to the first child
		{"ArrowLeft", "first"},                      // to the parent
		{"End", "POST /charges"}, {"Home", "GET /"}, // to the ends
		{"e", "POST /charges"}, {"Home", "GET /"}, // to the error
	} {
		p.press(step.key)
		p.at(step.at)
	}
	p.press("j", "ArrowLeft") // collapses the first
	p.until(quoteEqual(spanRows+" .name", []string{"GET /", "first", "second", "POST /charges"}))
	p.see("+1")
	p.press("ArrowRight")
	p.until(quoteEqual(spanRows+" .name", []string{"GET /", "first", "SELECT", "second", "POST /charges"}))
	p.press("_")
	p.until(quoteEqual(spanRows+" .name", []string{"GET /", "first", "second"}))
	p.press("e") // expands what hides the error
	p.at("POST /charges")
	p.press("*")
	p.until(quoteEqual(spanRows+" .name", []string{"GET /", "first", "SELECT", "second", "POST /charges"}))
	p.press("Escape")
	p.until("location.pathname === '/'")
}

func TestCriticalPathAndErrorsAreSeenAtAGlance(t *testing.T) {
	v := startViewer(t)
	tr := newTrace("critical", time.Now().Add(-time.Minute))
	root := tr.span(span{}, "web", "root", server, 0, 100*ms)
	tr.span(root, "web", "beside", internal, 10*ms, 20*ms)
	tr.span(root, "web", "decisive", internal, 10*ms, 80*ms).fail("no", "", "")
	send(t, v, tr)
	p := openTrace(t, v, tr)
	solid := func() map[string]int {
		return eval[map[string]int](p, "Object.fromEntries([...document.querySelectorAll('"+spanRows+"')].map((r) => [r.querySelector('.name').innerText, r.querySelectorAll('.solid').length]))")
	}
	if got := solid(); got["beside"] != 0 || got["decisive"] != 1 || got["root"] != 2 {
		t.Errorf("pieces on the critical path: %v", got)
	}
	p.press("x")
	p.until("document.querySelectorAll('.bar.solid').length === 3")
	p.press("x")
	p.until("document.querySelectorAll('.bar.solid').length === 3 && !document.querySelector('" + spanRows + "[aria-rowindex=\"3\"] .solid')")
	if row := p.text(spanRows + ".is-error"); !strings.Contains(row, "decisive") || !strings.Contains(row, "error") {
		t.Errorf("the row of the error: %q", row)
	}
}

func TestDetails(t *testing.T) {
	v := startViewer(t)
	tr, s := family("details")
	send(t, v, tr)
	p := openTrace(t, v, tr)
	p.press("e", "Enter")
	p.until("document.querySelector('.exception')")
	if got, want := p.address(), "/trace/"+tr.hex()+"?span="+s["called"].hex(); got != want {
		t.Errorf("the address is %s, want %s", got, want)
	}
	panel := p.text(".panel")
	for _, want := range []string{
		"POST /charges", "40.0 ms", "payments.gateway.GatewayTimeout: no answer", "shop.CardDeclined", "declined", // what it is and what went wrong
		"/charges", "500", "x-request-id", "9f2c4e", // the exchange
		"\"card\": {\n    \"number\": \"4111\",\n    \"cvc\": \"****\"\n  }", "12345678901234567890", // a body, set, with all its digits
		"the card was declined", "retried", "+70.0 ms", // logs and events
	} {
		if !strings.Contains(panel, want) {
			t.Errorf("the details lack %q", want)
		}
	}
	if t.Failed() {
		t.Log(panel)
	}
	if masked := p.texts(".panel [open] .t-masked"); len(masked) != 4 { // authorization, cookie, set-cookie, cvc
		t.Errorf("masked values: %q", masked)
	}
	if strings.Contains(panel, "telemetry.sdk.language") {
		t.Error("the resource is open at first")
	}
	p.clickText("Resource\n7")
	p.see("telemetry.sdk.language")

	// A statement is set as well.
	p.press("Home")
	p.press("j", "j")
	p.see("FROM t\nLEFT JOIN u ON t.id = u.id\nWHERE token = '****'\n  AND a > 1\nORDER BY b")
}

func TestSpanIsInTheAddress(t *testing.T) {
	v := startViewer(t)
	tr, s := family("address")
	send(t, v, tr)
	p := openTrace(t, v, tr)
	p.click(spanRows + "[aria-rowindex='3']")
	p.until("document.querySelector('.panel h2')?.innerText === 'first'")
	p.press("j") // the details follow the cursor
	p.until("document.querySelector('.panel h2')?.innerText === 'SELECT' && location.search.includes('" + s["query"].hex() + "')")
	p.back() // to the trace without a span
	p.see("Where the time goes")
	p.forward()
	p.until("document.querySelector('.panel h2')?.innerText === 'SELECT'")
	p.reload()
	p.until("document.querySelector('.panel h2')?.innerText === 'SELECT' && document.querySelector('" + cursor + "')")
	p.press("Escape")
	p.see("Where the time goes")
	if got, want := p.address(), "/trace/"+tr.hex(); got != want {
		t.Errorf("the address is %s, want %s", got, want)
	}

	p = open(t, v, "/trace/"+tr.hex()+"?span=0123456789abcdef")
	p.see("There is no span 0123456789abcdef in this trace")
}

func TestTraceAsAWhole(t *testing.T) {
	v := startViewer(t)
	tr, _ := family("whole")
	send(t, v, tr)
	p := openTrace(t, v, tr)
	p.see("Where the time goes")
	if got := p.text(".whole tbody tr"); !strings.Contains(got, "web") || !strings.Contains(got, "4") || !strings.Contains(got, "60.0 ms") {
		t.Errorf("the busiest service: %q", got)
	}
	if got := p.text(".whole .log"); !strings.Contains(got, "the card was declined") || !strings.Contains(got, "+55.0 ms") {
		t.Errorf("the log: %q", got)
	}
	p.clickText("Its span")
	p.at("POST /charges")
	p.until("document.querySelector('.exception')")
}

func TestFindingSpans(t *testing.T) {
	v := startViewer(t)
	tr := huge(3000, time.Now().Add(-time.Minute))
	send(t, v, tr)
	p := openTrace(t, v, tr)
	if n := len(p.texts(spanRows)); n > 100 {
		t.Errorf("%d of 3000 rows exist, though few are in sight", n)
	}
	p.press("/")
	p.write("batch 2")
	p.see("11 found") // batch 2 and batch 20 to 29
	p.at("batch 2")
	p.press("Enter")
	p.at("batch 20")
	p.press("Escape")
	p.until("!document.querySelector('.found').innerText && document.querySelectorAll('.dim').length === 0")
}

func TestZoom(t *testing.T) {
	v := startViewer(t)
	tr, _ := family("zoom")
	send(t, v, tr)
	p := openTrace(t, v, tr)
	ticks := func() string { return strings.Join(p.texts(".tick"), " ") }
	whole := ticks()
	p.press("j", "j", "z") // to "first", which is from 10 to 40 ms
	p.until("document.querySelector('.tick').innerText.startsWith('10')")
	if got := p.texts(".beyond"); len(got) == 0 {
		t.Error("no row says that its span is beyond the time that is shown")
	}
	p.press("0")
	p.until("document.querySelector('.tick').innerText === '0'")
	if got := ticks(); got != whole {
		t.Errorf("the scale is %q, was %q", got, whole)
	}
	// Dragging across the small picture shows that part of the time: the second half.
	box := eval[struct{ X, Y, W float64 }](p, "(() => { const b = document.querySelector('.minimap').getBoundingClientRect(); return { X: b.x, Y: b.y + 10, W: b.width } })()")
	p.drag(box.X+box.W/2, box.Y, box.X+box.W-1, box.Y)
	p.until("document.querySelector('.tick').innerText.replaceAll('\\u00a0', ' ') === '50 ms'")
}

func TestMoreSpansAreOffered(t *testing.T) {
	v := startViewer(t)
	tr, s := family("more")
	send(t, v, tr)
	p := openTrace(t, v, tr)
	tr.forget()
	tr.span(s["root"], "web", "late", internal, 96*ms, 2*ms)
	send(t, v, tr)
	p.see("1 more span arrived")
	p.clickText("Show")
	p.until(quoteEqual(spanRows+" .name", []string{"GET /", "first", "SELECT", "second", "POST /charges", "late"}))
}

func TestTraceWithoutItsRoot(t *testing.T) {
	v := startViewer(t)
	tr := orphans(time.Now().Add(-time.Minute))
	send(t, v, tr)
	p := openTrace(t, v, tr)
	p.see("incomplete")
	if got := p.texts(spanRows + " .tag"); len(got) != 2 || got[0] != "parent missing" {
		t.Errorf("marks of missing parents: %q", got)
	}
	p.goTo("/")
	p.see("incomplete")
}

func TestNoSuchTrace(t *testing.T) {
	v := startViewer(t)
	p := open(t, v, "/trace/00000000000000000000000000000001")
	p.expected = "404"
	p.see("There is no trace")
	p.clickText("All traces")
	p.see("Waiting for the first trace")
	p.goTo("/elsewhere")
	p.see("There is no such page")
}
