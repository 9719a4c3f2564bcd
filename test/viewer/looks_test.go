package viewer

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
)

// Every view fits every window, in both themes, and everything in it that can be used has a name for those who do not
// see it.
func TestViewsFitAndAreNamed(t *testing.T) {
	v := startViewer(t)
	send(t, v, shop(time.Now())...)
	now := time.Now()
	fast, slow, failing := checkout("fast", now.Add(-9*time.Second), false, false), checkout("slow", now.Add(-8*time.Second), true, false), checkout("failing", now.Add(-7*time.Second), false, true)
	send(t, v, fast, slow, failing)
	views := []struct{ name, path, ready string }{
		{"list", "/", traceRows},
		{"trace", "/trace/" + failing.hex(), spanRows},
		{"span", "/trace/" + failing.hex() + "?span=" + failing.failed().hex(), ".exception"},
		{"compare", "/compare/" + fast.hex() + "/" + slow.hex(), ".compare .rows [role=row]"},
		{"map", "/map", ".node"},
	}
	for _, as := range []look{desktop, {"desktop-dark", 1360, 820, true}, {"narrow", 375, 740, false}, {"narrow-dark", 375, 740, true}} {
		for _, view := range views {
			t.Run(view.name+" "+as.name, func(t *testing.T) {
				p := openAs(t, v, view.path, as)
				p.until("document.querySelector(" + quote(view.ready) + ")")
				if over := eval[[]string](p, `(() => {
					const wide = document.documentElement.scrollWidth
					if (wide <= innerWidth) return []
					return ['the page is ' + wide + ' pixels wide']
				})()`); len(over) > 0 {
					t.Error(over)
				}
				background := eval[string](p, "getComputedStyle(document.body).backgroundColor")
				if dark := !strings.HasPrefix(background, "rgb(255"); dark != as.dark {
					t.Errorf("the background is %s", background)
				}
				for _, node := range call(p, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{}).Nodes {
					if node.Ignored || node.Role == nil {
						continue
					}
					switch role := string(node.Role.Value); strings.Trim(role, `"`) {
					case "button", "link", "combobox", "checkbox", "textbox", "searchbox", "grid", "treegrid", "separator", "columnheader", "navigation", "complementary", "dialog":
						if node.Name == nil || len(node.Name.Value) <= 2 {
							t.Errorf("a %s has no name", role)
						}
					}
				}
				p.keep(view.name + "-" + as.name)
			})
		}
	}
}

func TestThemeIsChosen(t *testing.T) {
	v := startViewer(t)
	p := open(t, v, "/")
	p.click(button("Dark theme"))
	p.until("getComputedStyle(document.body).backgroundColor !== 'rgb(255, 255, 255)'")
	p.reload()
	p.until("document.querySelector('[aria-label=\"Light theme\"]') && getComputedStyle(document.body).backgroundColor !== 'rgb(255, 255, 255)'")
	p.click(button("Light theme"))
	p.until("getComputedStyle(document.body).backgroundColor === 'rgb(255, 255, 255)'")
}

func TestKeysAreExplained(t *testing.T) {
	v := startViewer(t)
	send(t, v, single("shop", "GET /one", time.Second))
	p := open(t, v, "/")
	showsTraces(p, "GET /one")
	p.press("?")
	p.see("Pick for comparison")
	p.press("j") // means nothing while the overlay is open
	p.click("dialog input[type=checkbox]")
	p.press("Escape")
	p.until("!document.querySelector('dialog[open]')")
	p.press("j") // switched off
	if eval[bool](p, "document.querySelector('.list .active') !== null") {
		t.Error("a key moved the cursor that should not have")
	}
	p.press("ArrowDown")
	p.until("document.querySelector('.list .active')")
	p.press("g", "m")
	if got := p.address(); got != "/" {
		t.Errorf("keys that are switched off led to %s", got)
	}
	p.click(button("Keyboard"))
	p.click("dialog input[type=checkbox]")
	p.press("Escape")
	p.press("g", "m")
	p.until("location.pathname === '/map'")
}
