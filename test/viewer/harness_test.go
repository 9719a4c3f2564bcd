package viewer

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
)

// patience is how long a test waits for something that must happen. It is long because the machine may be busy with
// anything else; nothing is measured with it, and no test that passes waits for its end.
const patience = 2 * time.Minute

func TestMain(m *testing.M) {
	code := m.Run()
	if chromium.stop != nil {
		chromium.stop()
	}
	pythonenv.Cleanup()
	os.Exit(code)
}

// --- the viewer ---------------------------------------------------------------------------

// startViewer starts a viewer that has no traces yet, and returns its address.
func startViewer(t testing.TB) string {
	t.Helper()
	binary, err := pythonenv.Lumigo()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "view", "--listen", "127.0.0.1:0", "--dir", t.TempDir())
	output, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	addresses := make(chan string, 1)
	said := make(chan string, 1)
	go func() {
		var all strings.Builder
		for lines := bufio.NewScanner(output); lines.Scan(); {
			fmt.Fprintln(&all, lines.Text())
			if address := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(lines.Text()); address != "" {
				select {
				case addresses <- address:
				default:
				}
			}
		}
		said <- all.String()
	}()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		text := <-said
		cmd.Wait()
		if t.Failed() {
			t.Logf("the viewer said:\n%s", text)
		}
	})
	select {
	case address := <-addresses:
		return address
	case text := <-said:
		said <- text
		t.Fatal("the viewer did not start")
	case <-time.After(patience):
		t.Fatal("the viewer did not say its address")
	}
	return ""
}

// faults stands before a viewer and answers 500 while broken is set, which a request for /mend ends.
type faults struct {
	address string
	server  *httptest.Server
	broken  atomic.Bool
}

func startFaults(t testing.TB, viewer string) *faults {
	target, err := url.Parse(viewer)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Header.Del("Origin")
	}}
	f := &faults{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/mend" {
			f.broken.Store(false)
			return
		}
		if f.broken.Load() && strings.HasPrefix(r.URL.Path, "/api/") {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprint(w, `{"error": "the disk is on fire", "hint": "put it out"}`)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	f.address, f.server = s.URL, s
	t.Cleanup(func() {
		s.CloseClientConnections() // the page's stream never ends by itself
		s.Close()
	})
	return f
}

// --- the browser --------------------------------------------------------------------------

var chromium struct {
	once sync.Once
	ctx  context.Context
	stop context.CancelFunc
	err  error
}

func browser(t testing.TB) context.Context {
	t.Helper()
	chromium.once.Do(func() {
		if os.Getenv("LUMIGO_TEST_BROWSER") == "" {
			chromium.err = errors.New("tests in a browser take minutes, and run if LUMIGO_TEST_BROWSER is set")
			return
		}
		path := os.Getenv("LUMIGO_TEST_CHROMIUM")
		for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
			if path == "" {
				path, _ = exec.LookPath(name)
			}
		}
		if path == "" {
			chromium.err = fmt.Errorf("there is no Chromium: install the package chromium, or name one by LUMIGO_TEST_CHROMIUM")
			return
		}
		options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.WSURLReadTimeout(patience))
		if os.Getuid() == 0 {
			options = append(options, chromedp.NoSandbox) // which Chromium refuses to root
		}
		allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
		ctx, stop := chromedp.NewContext(allocator)
		chromium.ctx, chromium.stop = ctx, func() { stop(); stopAllocator() }
		chromium.err = chromedp.Do(ctx)
	})
	if chromium.err != nil {
		if os.Getenv("LUMIGO_TEST_STRICT") != "" {
			t.Fatalf("would be skipped: %v", chromium.err)
		}
		fmt.Printf("%s is skipped: %v\n", t.Name(), chromium.err)
		t.Skip(chromium.err)
	}
	return chromium.ctx
}

// A tab shows the page of a viewer, with storage and history of its own.
type tab struct {
	testing.TB
	ctx    context.Context
	viewer string
	mobile bool

	mu       sync.Mutex
	troubles []string // what no page may do: throw, violate the policy, ask others
	expected string   // what such a line may match in this test, as a regular expression
}

// A look is how a page is looked at.
type look struct {
	name          string
	width, height int64
	dark          bool
}

var desktop = look{name: "desktop", width: 1360, height: 820}

// open opens a path of a viewer's page. At the end of the test the page must not have been in any trouble.
func open(t testing.TB, viewer, path string) *tab {
	t.Helper()
	return openAs(t, viewer, path, desktop)
}

func openAs(t testing.TB, viewer, path string, as look) *tab {
	t.Helper()
	parent := browser(t)
	ctx, closeTab := chromedp.NewContext(parent, chromedp.WithNewBrowserContext())
	p := &tab{TB: t, ctx: ctx, viewer: viewer, mobile: as.width < 500}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the page at the end: %s\n%s", p.address(), p.page())
		}
		closeTab()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, trouble := range p.troubles {
			if p.expected == "" || !regexp.MustCompile(p.expected).MatchString(trouble) {
				t.Errorf("trouble in the page: %s", trouble)
			}
		}
	})
	if err := chromedp.Listen(ctx, p.watch); err != nil {
		t.Fatal(err)
	}
	call(p, log.Enable, cdp.Empty{})
	call(p, network.Enable, network.EnableParams{})
	scheme := "light"
	if as.dark {
		scheme = "dark"
	}
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	call(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: as.width, Height: as.height, DeviceScaleFactor: 1, Mobile: p.mobile})
	p.goTo(path)
	return p
}

func (p *tab) watch(event any) {
	trouble := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		trouble = "exception: " + e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			trouble += " " + e.ExceptionDetails.Exception.Description
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			trouble = "console.error was called"
		}
	case *log.EventEntryAdded: // violations of the policy are among them
		if e.Entry.Level == log.EntryLevelError {
			trouble = fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		u := e.Request.URL
		if !strings.HasPrefix(u, p.viewer+"/") && !strings.HasPrefix(u, "data:") && u != "about:blank" {
			trouble = "foreign request: " + u
		}
	}
	if trouble != "" {
		p.mu.Lock()
		p.troubles = append(p.troubles, trouble)
		p.mu.Unlock()
	}
}

// call sends a command of the DevTools protocol.
func call[P, R any](p *tab, command cdp.Command[P, R], parameters P) R {
	p.Helper()
	result, err := chromedp.Call(p.ctx, command, parameters)
	if err != nil {
		p.Fatal(err)
	}
	return result
}

// run runs an action and returns its result.
func run[T any](p *tab, action chromedp.Action[T]) T {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	result, err := chromedp.Run(ctx, action)
	if err != nil {
		p.Fatal(err)
	}
	return result
}

// goTo opens a path anew, as if it had been typed.
func (p *tab) goTo(path string) {
	p.Helper()
	run(p, chromedp.Navigate(p.viewer+path))
}

func (p *tab) back()    { p.Helper(); p.evaluate("history.back()") }
func (p *tab) reload()  { p.Helper(); run(p, chromedp.Reload()) }
func (p *tab) forward() { p.Helper(); p.evaluate("history.forward()") }

// address is the path and query of the page.
func (p *tab) address() string {
	return eval[string](p, "decodeURIComponent(location.pathname + location.search)")
}

// page is what can be read on it.
func (p *tab) page() string {
	return eval[string](p, "document.body?.innerText ?? ''")
}

func (p *tab) evaluate(script string) { p.Helper(); eval[any](p, script) }

// eval returns what a script evaluates to; promises are waited for.
func eval[T any](p *tab, script string) T {
	p.Helper()
	return run(p, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
}

// until waits until a JavaScript expression is true.
func (p *tab) until(condition string) {
	p.Helper()
	script := fmt.Sprintf(`new Promise((yes) => {
		const end = Date.now() + %d
		const look = () => {
			let holds = false
			try { holds = (%s) } catch {}
			if (holds || Date.now() > end) yes(Boolean(holds))
			else setTimeout(look, 15)
		}
		look()
	})`, (patience - time.Second).Milliseconds(), condition)
	if !eval[bool](p, script) {
		p.Fatalf("waited in vain until %s", condition)
	}
}

// see waits until the page shows a text.
func (p *tab) see(text string) {
	p.Helper()
	p.until(fmt.Sprintf("document.body.innerText.replaceAll('\\u00a0', ' ').includes(%s)", quote(text)))
}

// text is what an element shows, as soon as there is one.
func (p *tab) text(selector string) string {
	p.Helper()
	p.until(fmt.Sprintf("document.querySelector(%s)", quote(selector)))
	return eval[string](p, fmt.Sprintf("document.querySelector(%s).innerText.replaceAll('\\u00a0', ' ')", quote(selector)))
}

// texts is what all elements show that a selector finds.
func (p *tab) texts(selector string) []string {
	p.Helper()
	return eval[[]string](p, fmt.Sprintf("[...document.querySelectorAll(%s)].map((e) => e.innerText.replaceAll('\\u00a0', ' ').trim())", quote(selector)))
}

// click presses the mouse in the middle of an element.
func (p *tab) click(selector string) {
	p.Helper()
	p.clickOn(fmt.Sprintf("document.querySelector(%s)", quote(selector)))
}

// clickOn presses the mouse in the middle of the element that a JavaScript expression finds, as soon as it is there and
// has stopped moving.
func (p *tab) clickOn(element string) {
	p.Helper()
	at := eval[*struct{ X, Y float64 }](p, fmt.Sprintf(`new Promise((yes) => {
		const end = Date.now() + %d
		let before = ''
		const look = () => {
			const element = %s
			element?.scrollIntoView({ block: 'nearest' })
			const box = element?.getBoundingClientRect()
			const now = box?.width > 0 ? JSON.stringify(box) : ''
			if (now !== '' && now === before) yes({ X: box.x + box.width / 2, Y: box.y + box.height / 2 })
			else if (Date.now() > end) yes(null)
			else setTimeout(look, 15)
			before = now
		}
		look()
	})`, (patience-time.Second).Milliseconds(), element))
	if at == nil {
		p.Fatalf("waited in vain to click on %s", element)
	}
	run(p, chromedp.MouseClickXY(at.X, at.Y))
}

// drag presses the mouse at one point and lets it go at another.
func (p *tab) drag(fromX, fromY, toX, toY float64) {
	p.Helper()
	run(p, chromedp.DragAndDropXY(fromX, fromY, toX, toY))
}

// button is the selector of the button with a label.
func button(label string) string { return fmt.Sprintf(`[aria-label=%s]`, quote(label)) }

// clickText clicks the button, link or summary that shows a text.
func (p *tab) clickText(text string) {
	p.Helper()
	p.clickOn(fmt.Sprintf(`[...document.querySelectorAll('button, a, summary')].find((e) => e.innerText.replaceAll('\u00a0', ' ').trim() === %s && e.getBoundingClientRect().width > 0)`, quote(text)))
}

// press presses keys, one after the other: a character, or a name as in KeyboardEvent.key.
func (p *tab) press(keys ...string) {
	p.Helper()
	for _, key := range keys {
		event := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: key, Code: key, WindowsVirtualKeyCode: keyCodes[key]}
		switch {
		case key == "Enter":
			event.Text = "\r"
		case len(key) == 1:
			event.Text, event.Code = key, ""
		}
		call(p, input.DispatchKeyEvent, event)
		event.Type, event.Text = input.DispatchKeyEventTypeKeyUp, ""
		call(p, input.DispatchKeyEvent, event)
	}
}

// What the browser itself does at a key depends on its code.
var keyCodes = map[string]int64{"Backspace": 8, "Tab": 9, "Enter": 13, "Escape": 27, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}

// write types a text into the field that has the focus.
func (p *tab) write(text string) {
	p.Helper()
	call(p, input.InsertText, input.InsertTextParams{Text: text})
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// keep writes a picture of the page to LUMIGO_TEST_SCREENSHOTS, if that is set.
func (p *tab) keep(name string) {
	p.Helper()
	dir := os.Getenv("LUMIGO_TEST_SCREENSHOTS")
	if dir == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), run(p, chromedp.CaptureScreenshot()), 0o644); err != nil {
		p.Fatal(err)
	}
}
