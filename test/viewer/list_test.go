package viewer

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

const traceRows = ".list .rows [role=row]"

// names are the names of the traces that the list shows, from the top.
func names(p *tab) []string {
	p.Helper()
	return p.texts(traceRows + " .name")
}

// showsTraces waits until the list shows traces of these names in this order.
func showsTraces(p *tab, want ...string) {
	p.Helper()
	p.until(quoteEqual(traceRows+" .name", want))
}

// quoteEqual is the JavaScript condition that the texts of elements are these.
func quoteEqual(selector string, want []string) string {
	parts := make([]string, len(want))
	for i, w := range want {
		parts[i] = quote(w)
	}
	return "JSON.stringify([...document.querySelectorAll(" + quote(selector) + ")].map((e) => e.innerText.trim())) === JSON.stringify([" + strings.Join(parts, ",") + "])"
}

// search types into the search box.
func (p *tab) search(text string) {
	p.Helper()
	p.evaluate("document.activeElement.blur()")
	p.press("/")
	p.write(text)
	p.press("Enter")
}

// single makes a trace of one span of a service, so many seconds ago.
func single(service, name string, ago time.Duration, attributes ...any) *trace {
	t := newTrace(service+name, time.Now().Add(-ago))
	s := t.span(span{}, service, name, server, 0, 10*ms)
	for i := 0; i < len(attributes); i += 2 {
		s.Attributes = append(s.Attributes, attribute(attributes[i].(string), attributes[i+1]))
	}
	return t
}

func TestEmptyViewerSaysWhatToRun(t *testing.T) {
	v := startViewer(t)
	p := open(t, v, "/")
	p.see("Waiting for the first trace")
	commands := strings.Join(p.texts(".command pre"), "\n")
	for _, want := range []string{"lumigo demo", "OTEL_EXPORTER_OTLP_ENDPOINT=" + v, "lumigo run -- python app.py", "lumigo go build"} {
		if !strings.Contains(commands, want) {
			t.Errorf("the commands lack %q:\n%s", want, commands)
		}
	}
	p.keep("empty-desktop")

	send(t, v, single("shop", "GET /first", time.Second))
	showsTraces(p, "GET /first")
	p.see("1 new trace") // said to screen readers
}

func TestTracesAppearAsTheyArrive(t *testing.T) {
	v := startViewer(t)
	send(t, v, single("shop", "GET /one", 9*time.Second))
	p := open(t, v, "/")
	showsTraces(p, "GET /one")

	send(t, v, single("shop", "GET /two", 8*time.Second))
	showsTraces(p, "GET /two", "GET /one")

	// A trace that grows changes its row.
	grows := newTrace("grows", time.Now().Add(-7*time.Second))
	root := grows.span(span{}, "shop", "POST /grows", server, 0, 50*ms)
	send(t, v, grows)
	showsTraces(p, "POST /grows", "GET /two", "GET /one")
	grows.forget()
	grows.span(root, "payments", "POST /charges", server, ms, 20*ms).fail("declined", "", "")
	send(t, v, grows)
	p.until("document.querySelector('" + traceRows + "').innerText.includes('payments')")
	if row := p.text(traceRows); !strings.Contains(row, "1 error") {
		t.Errorf("the row of a trace with an error: %q", row)
	}

	// Paused, the list holds still and says what it holds back.
	p.press("p")
	p.see("Paused")
	send(t, v, single("shop", "GET /three", 6*time.Second))
	p.see("1 trace came meanwhile")
	if got := names(p); slices.Contains(got, "GET /three") {
		t.Errorf("paused, the list shows %q", got)
	}
	p.clickText("Show")
	showsTraces(p, "GET /three", "POST /grows", "GET /two", "GET /one")
}

func TestSearch(t *testing.T) {
	v := startViewer(t)
	slow := newTrace("slow", time.Now().Add(-40*time.Second))
	slow.span(span{}, "shop", "GET /slow", server, 0, 1500*ms)
	bad := newTrace("bad", time.Now().Add(-20*time.Second))
	bad.span(span{}, "payments", "POST /bad", server, 0, 5*ms, attribute("http.route", "/bad"), attribute("note", "two words")).fail("card declined", "", "")
	send(t, v, single("shop", "GET /fast", 60*time.Minute, "http.route", "/fast"), slow, bad)
	all := []string{"POST /bad", "GET /slow", "GET /fast"}
	p := open(t, v, "/")
	defer func() { p.TB = t }()

	for _, test := range []struct {
		typed   string
		want    []string
		address string
	}{
		{"service:shop", []string{"GET /slow", "GET /fast"}, "/?service=shop"},
		{`name:"GET /slow"`, []string{"GET /slow"}, "/?name=GET+/slow"},
		{"status:error", []string{"POST /bad"}, "/?status=error"},
		{"status:unset", []string{"GET /slow", "GET /fast"}, "/?status=unset"},
		{"duration>1s", []string{"GET /slow"}, "/?minDuration=1s"},
		{"duration<1000", []string{"POST /bad", "GET /fast"}, "/?maxDuration=1000ms"},
		{"since:10m", []string{"POST /bad", "GET /slow"}, "/?since=10m"},
		{"http.route=/bad", []string{"POST /bad"}, "/?attribute=http.route=/bad"},
		{"http.route~bad", []string{"POST /bad"}, "/?attribute=http.route=~bad"},
		{`note="two words"`, []string{"POST /bad"}, "/?attribute=note=two+words"},
		{"DECLINED", []string{"POST /bad"}, "/?text=DECLINED"},
		{"service:shop duration<1s", []string{"GET /fast"}, "/?service=shop&maxDuration=1s"},
	} {
		t.Run(test.typed, func(t *testing.T) {
			p.TB = t
			p.goTo("/")
			showsTraces(p, all...)
			p.search(test.typed)
			showsTraces(p, test.want...)
			if got := p.address(); got != test.address {
				t.Errorf("the address is %s, want %s", got, test.address)
			}
			p.reload()
			showsTraces(p, test.want...)
			p.back()
			showsTraces(p, all...)
		})
	}
}

func TestSearchIsCompleted(t *testing.T) {
	v := startViewer(t)
	send(t, v, single("shop", "GET /fast", 3*time.Second, "http.route", "/fast"), single("payments", "POST /charges", 2*time.Second))
	p := open(t, v, "/")
	showsTraces(p, "POST /charges", "GET /fast")

	p.press("/")
	p.write("ser")
	p.see("the service of any span")
	p.press("ArrowDown", "Enter") // service:
	p.until("[...document.querySelectorAll('[role=option]')].some((o) => o.innerText.includes('service:payments'))")
	p.write("sh")
	p.until("document.querySelectorAll('[role=option]').length === 1")
	p.press("ArrowDown", "Enter")
	showsTraces(p, "GET /fast")

	p.write("htt")
	p.see("http.route=")
	p.press("ArrowDown", "Tab")
	p.write("/other")
	p.press("Enter")
	p.see("No trace matches")
	if got, want := p.address(), "/?service=shop&attribute=http.route=/other"; got != want {
		t.Errorf("the address is %s, want %s", got, want)
	}
	p.press("Backspace") // takes the last condition back
	showsTraces(p, "GET /fast")
}

func TestSearchSaysWhatIsWrong(t *testing.T) {
	v := startViewer(t)
	p := open(t, v, "/")
	for typed, want := range map[string]string{
		"duration>soon": "“soon” is no duration: write duration>100ms",
		"status:bad":    "write status:error, status:ok or status:unset",
		"since:once":    "“once” is no time: write since:15m",
		"service:":      "wants a value",
	} {
		p.search(typed)
		p.see(want)
		p.evaluate("document.querySelector('[role=combobox]').value = ''")
	}

	p = open(t, v, "/?minDuration=soon") // by hand, so that the server says it
	p.expected = "400"
	p.until("document.querySelector('.failure')")
	p.clickText("Try again")
	p.see("Waiting for the first trace")
}

func TestTraceIdLeadsToTheTrace(t *testing.T) {
	v := startViewer(t)
	tr := checkout("one", time.Now().Add(-time.Second), false, false)
	send(t, v, tr)
	p := open(t, v, "/")
	p.search(tr.hex())
	p.until("document.querySelector('[role=treegrid]')")
	if got, want := p.address(), "/trace/"+tr.hex(); got != want {
		t.Errorf("the address is %s, want %s", got, want)
	}
}

func TestFiltersAndOrder(t *testing.T) {
	v := startViewer(t)
	send(t, v, shop(time.Now())...)
	p := open(t, v, "/")
	p.until("document.querySelectorAll('" + traceRows + "').length > 10")
	p.evaluate(`(() => { const s = document.querySelector('select[aria-label=Status]'); s.value = 'error'; s.dispatchEvent(new Event('change')) })()`)
	p.until("document.querySelectorAll('" + traceRows + "').length === 4 && [...document.querySelectorAll('" + traceRows + "')].every((r) => r.innerText.includes('error'))")
	p.click(button("Clear the search"))
	p.until("document.querySelectorAll('" + traceRows + "').length > 10")

	// By duration, the slow ones come first; the order is in the address.
	p.clickText("Duration")
	p.until("[...document.querySelectorAll('" + traceRows + "')].slice(0, 4).every((r) => r.innerText.includes('POST /checkout'))")
	p.reload()
	p.until("document.querySelector('[aria-sort]')?.innerText === 'Duration' && document.querySelector('" + traceRows + "')")

	// A click on a point of the picture opens its trace, dragging across a time asks for that time.
	box := eval[struct{ X, Y, W float64 }](p, "(() => { const b = document.querySelector('.scatter').getBoundingClientRect(); return { X: b.x, Y: b.y + 10, W: b.width } })()")
	p.drag(box.X+box.W/2, box.Y, box.X+box.W-30, box.Y)
	p.until("location.search.includes('since=') && location.search.includes('until=') && document.querySelector('" + traceRows + "')")
	if n := len(names(p)); n > 25 {
		t.Errorf("%d traces are in half of the time of 36", n)
	}
}

func TestForgetAll(t *testing.T) {
	v := startViewer(t)
	send(t, v, single("shop", "GET /one", time.Second))
	p := open(t, v, "/")
	showsTraces(p, "GET /one")
	p.clickText("Forget all")
	p.see("Forget all traces?")
	p.press("Escape")
	showsTraces(p, "GET /one")
	p.clickText("Forget all")
	p.click("dialog .danger")
	p.see("Waiting for the first trace")
}

func TestFailuresAreShownWithARetry(t *testing.T) {
	v := startViewer(t)
	tr := checkout("one", time.Now().Add(-time.Second), false, false)
	send(t, v, tr)
	f := startFaults(t, v)
	for _, test := range []struct{ path, sees string }{
		{"/", "POST /checkout"},
		{"/trace/" + tr.hex(), "SELECT stock"},
		{"/compare/" + tr.hex() + "/" + tr.hex(), "equally long"},
		{"/map", "Services and what they call"},
	} {
		f.broken.Store(true)
		p := open(t, f.address, test.path)
		p.expected = "500"
		p.see("The disk is on fire")
		p.see("put it out")
		// Some views try again by themselves. It is mended by nothing but the button, so that these cannot be first.
		p.evaluate(`document.addEventListener('click', (event) => {
			if (!event.target.closest('.failure button')) return
			const mend = new XMLHttpRequest()
			mend.open('GET', '/mend', false)
			mend.send()
		}, { capture: true })`)
		p.clickText("Try again")
		p.see(test.sees)
	}
}

func TestConnectionThatIsLostIsMadeAnew(t *testing.T) {
	v := startViewer(t)
	send(t, v, single("shop", "GET /one", 9*time.Second))
	f := startFaults(t, v)
	p := open(t, f.address, "/")
	showsTraces(p, "GET /one")
	p.expected = "500|ERR_" // what the browser itself says of it
	f.broken.Store(true)
	f.server.CloseClientConnections()
	p.see("Trying again in")
	showsTraces(p, "GET /one") // what is there stays
	f.broken.Store(false)
	send(t, v, single("shop", "GET /two", 8*time.Second))
	showsTraces(p, "GET /two", "GET /one")
	p.until("document.querySelector('.banner').hidden")
}

func TestListComesBackAsItWas(t *testing.T) {
	v := startViewer(t)
	send(t, v, shop(time.Now())...)
	p := open(t, v, "/")
	p.until("document.querySelectorAll('" + traceRows + "').length > 10")
	for range 25 {
		p.press("j")
	}
	before := eval[float64](p, "document.querySelector('.list').scrollTop")
	if before == 0 {
		t.Fatal("the list did not scroll with its cursor")
	}
	active := p.text(traceRows + ".active .name")
	p.press("Enter")
	p.until("document.querySelector('[role=treegrid]')")
	p.back()
	p.until("document.querySelector('.list .active')")
	if got := eval[float64](p, "document.querySelector('.list').scrollTop"); got != before {
		t.Errorf("the list is scrolled to %v, was at %v", got, before)
	}
	if got := p.text(traceRows + ".active .name"); got != active {
		t.Errorf("the cursor is at %q, was at %q", got, active)
	}
}

func TestPointsAreTraces(t *testing.T) {
	v := startViewer(t)
	older, newer := single("shop", "GET /older", 50*time.Second), single("shop", "GET /newer", 10*time.Second)
	send(t, v, older, newer)
	p := open(t, v, "/")
	showsTraces(p, "GET /newer", "GET /older")
	// The newest is at the right end. Of equal durations, all are at 85 % of the height, which is 76 pixels.
	box := eval[struct{ X, Y float64 }](p, "(() => { const b = document.querySelector('.scatter').getBoundingClientRect(); return { X: b.right - 16, Y: b.top + 8 + 0.85 * 76 } })()")
	run(p, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, box.X, box.Y))
	p.until("document.querySelector('.scatter-tip').innerText.includes('GET /newer')")
	run(p, chromedp.MouseClickXY(box.X, box.Y))
	p.until("location.pathname === '/trace/" + newer.hex() + "'")
}
