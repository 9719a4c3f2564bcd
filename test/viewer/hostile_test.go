package viewer

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// Nothing that a span says is ever more than text. That no foreign request was made, no script of theirs ran into the
// policy and nothing was thrown is what every test of this package checks at its end.
func TestHostileTrace(t *testing.T) {
	v := startViewer(t)
	tr := hostile(time.Now().Add(-time.Minute))
	good := checkout("good", time.Now().Add(-time.Second), false, false)
	send(t, v, tr, good)

	unharmed := func(p *tab) {
		t.Helper()
		if harmed := eval[any](p, "window.harmed ?? null"); harmed != nil {
			t.Errorf("a script of the trace ran: %v", harmed)
		}
		if n := eval[int](p, "document.querySelectorAll('main script, main style, main img, main iframe, main [style*=fixed], main [onerror], main [onload]').length"); n != 0 {
			t.Errorf("%d elements came from the trace", n)
		}
		if bad := eval[[]string](p, "[...document.querySelectorAll('main a')].map((a) => a.href).filter((href) => !href.startsWith(location.origin + '/'))"); len(bad) > 0 {
			t.Errorf("links lead away: %q", bad)
		}
		if eval[bool](p, `/[\u0000-\u0008\u200b\u202a-\u202e\u2066-\u2069]/.test(document.body.innerText)`) {
			t.Error("characters that are not seen are in the page as they are")
		}
	}

	p := open(t, v, "/")
	p.see("<script>")
	unharmed(p)

	p = openTrace(t, v, tr)
	p.press("j", "Enter")
	p.see("gigantic")
	unharmed(p)
	panel := p.text(".panel")
	for _, want := range []string{`<img src="http://harm.example/a.png" onerror="window.harmed=1">`, "javascript:window.harmed=4", "safe‹U+202E›gnp.exe‹U+2066› and ‹U+200B›hidden‹U+0000›‹U+001B›[31m", "9007199254740993", "__proto__"} {
		if !strings.Contains(panel, want) {
			t.Errorf("the details lack %q", want)
		}
	}
	if size := len(panel); size > 100_000 {
		t.Errorf("%d characters are shown at once", size)
	}
	p.until("[...document.querySelectorAll('.rest button')].some((b) => { if (!b.innerText.includes('1,044,576')) return false; b.click(); return true })")
	p.until("document.querySelector('.panel').innerText.length > 1048576")
	unharmed(p)
	p.press("End")
	p.until("document.querySelector('.panel h2').innerText.startsWith('very long name')")
	unharmed(p)

	p.goTo("/map")
	p.until("document.querySelector('.node')")
	unharmed(p)
	p.goTo("/compare/" + tr.hex() + "/" + good.hex())
	p.until("document.querySelector('.compare .rows [role=row]')")
	unharmed(p)
	p.goTo("/")
	p.press("/")
	p.write("name:")
	p.until("document.querySelector('[role=option]')")
	unharmed(p)
}

// An address is data too.
func TestHostileAddress(t *testing.T) {
	v := startViewer(t)
	p := open(t, v, "/?text=%3Cimg%20src%3Dx%20onerror%3Dharmed%3D1%3E&service=%3Cscript%3Eharmed%3D1%3C%2Fscript%3E&attribute=%3Cb%3E%3D~%22")
	p.see("No trace matches")
	p.see("<script>")
	if eval[bool](p, "window.harmed !== undefined || document.querySelector('main script, main img, main b:not([class])') !== null") {
		t.Error("the address was more than text")
	}
}

// The page lives by this policy; if the server sent another, none of the tests here would notice its violation.
func TestPolicyIsStrict(t *testing.T) {
	response, err := http.Get(startViewer(t) + "/trace/00000000000000000000000000000001")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	policy := response.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy lacks %q: %s", want, policy)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is not strict: %s", policy)
	}
}
