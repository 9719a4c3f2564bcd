package viewer

import (
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
)

func TestWhoMayUseIt(t *testing.T) {
	tests := []struct {
		name, method, path string
		headers            []string
		want               int
	}{
		{"a program", "GET", "/api/v1/status", nil, 200},
		{"localhost", "GET", "/api/v1/status", []string{"Host", "localhost:4318"}, 200},
		{"capitals", "GET", "/api/v1/status", []string{"Host", "LocalHost"}, 200},
		{"IPv6", "GET", "/api/v1/status", []string{"Host", "[::1]:80"}, 200},
		{"a forwarded port", "GET", "/api/v1/status", []string{"Host", "127.0.0.1:9999"}, 200},
		{"another loopback address", "GET", "/api/v1/status", []string{"Host", "127.9.9.9"}, 200},

		{"DNS rebinding", "GET", "/api/v1/status", []string{"Host", "evil.example:4318"}, 403},
		{"DNS rebinding of the page", "GET", "/", []string{"Host", "evil.example"}, 403},
		{"DNS rebinding of a receiver", "POST", "/v1/traces", []string{"Host", "evil.example", "Content-Type", "application/json"}, 403},
		{"a name that begins like ours", "GET", "/api/v1/status", []string{"Host", "localhost.evil.example"}, 403},
		{"a name that begins like an address", "GET", "/api/v1/status", []string{"Host", "127.0.0.1.evil.example"}, 403},
		{"an address of another machine", "GET", "/api/v1/status", []string{"Host", "192.0.2.1"}, 403},
		{"a broken host", "GET", "/api/v1/status", []string{"Host", "[::1"}, 200}, // it is loopback all the same

		{"our page", "DELETE", "/api/v1/traces", []string{"Host", "localhost:4318", "Origin", "http://localhost:4318", "Sec-Fetch-Site", "same-origin"}, 200},
		{"typed into the address bar", "GET", "/api/v1/status", []string{"Sec-Fetch-Site", "none"}, 200},
		{"a link from elsewhere to the page", "GET", "/trace/00000000000000000000000000000001", []string{"Sec-Fetch-Site", "cross-site"}, 200},

		{"a foreign page reads", "GET", "/api/v1/traces", []string{"Origin", "https://evil.example"}, 403},
		{"a foreign page deletes", "DELETE", "/api/v1/traces", []string{"Origin", "https://evil.example"}, 403},
		{"a foreign page imports", "POST", "/api/v1/import", []string{"Origin", "https://evil.example", "Content-Type", "text/plain"}, 403},
		{"a foreign page sends spans", "POST", "/v1/traces", []string{"Origin", "https://evil.example", "Content-Type", "application/json"}, 403},
		{"a foreign page asks whether it may", "OPTIONS", "/v1/traces", []string{"Origin", "https://evil.example", "Access-Control-Request-Method", "POST"}, 403},
		{"a page of a file, or in a sandbox", "GET", "/api/v1/traces", []string{"Origin", "null"}, 403},
		{"a page of this machine on another port", "GET", "/api/v1/traces", []string{"Host", "localhost:4318", "Origin", "http://localhost:3000"}, 403},
		{"the same over TLS", "GET", "/api/v1/traces", []string{"Host", "localhost:4318", "Origin", "https://localhost:4318"}, 403},
		{"a foreign page shows it as an image", "GET", "/api/v1/traces", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"the same from this machine", "GET", "/api/v1/traces", []string{"Sec-Fetch-Site", "same-site"}, 403},
	}
	s := start(t, Options{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s.order(t, 1)
			r := s.do(t, tt.method, tt.path, []byte("{}"), tt.headers...)
			if r.StatusCode != tt.want {
				t.Errorf("got %s %s", r.Status, r.body)
			}
			if allowed := r.Header.Get("Access-Control-Allow-Origin"); allowed != "" {
				t.Errorf("pages of %q may read it", allowed)
			}
			if tt.want == 403 {
				if !strings.Contains(string(r.body), `"error":"`) || strings.Contains(string(r.body), "orders") {
					t.Errorf("got %s", r.body)
				}
				if list(t, s, "") != "POST /orders 1" {
					t.Error("something has happened all the same")
				}
			}
		})
	}
}

func TestHostsOfOtherAddresses(t *testing.T) {
	name, err := os.Hostname()
	if err != nil {
		t.Skipf("SKIP: this machine has no name: %v", err)
	}
	local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4318}
	tests := []struct {
		listen string
		yes    []string
		no     []string
		shown  string
	}{
		{"127.0.0.1:0", []string{"127.0.0.1", "localhost"}, []string{"192.0.2.1", name, ""}, "127.0.0.1:4318"},
		{"viewer.test:0", []string{"viewer.test", "Viewer.Test:4318", "localhost"}, []string{"192.0.2.1", "other.test"}, "viewer.test:4318"},
		{"192.0.2.1:0", []string{"192.0.2.1:80", "127.0.0.1"}, []string{"192.0.2.2"}, "192.0.2.1:4318"},
		{"0.0.0.0:0", []string{"192.0.2.1", "[2001:db8::1]:80", name, "localhost"}, []string{"evil.example"}, "127.0.0.1:4318"},
		{":0", []string{"192.0.2.1", name}, []string{"evil.example"}, "127.0.0.1:4318"},
		{"[::1]:0", []string{"[::1]:4318"}, []string{"[2001:db8::1]"}, "[::1]:4318"},
	}
	for _, tt := range tests {
		h := hostsOf(tt.listen, local)
		if h.shown != tt.shown {
			t.Errorf("%s is shown as %s, want %s", tt.listen, h.shown, tt.shown)
		}
		for _, host := range tt.yes {
			if !h.has(host) {
				t.Errorf("%s: %q is refused", tt.listen, host)
			}
		}
		for _, host := range tt.no {
			if h.has(host) {
				t.Errorf("%s: %q is let in", tt.listen, host)
			}
		}
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	s := start(t, Options{})
	want := map[string]string{
		"Content-Security-Policy":      contentSecurityPolicy,
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "no-referrer",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
	}
	for _, path := range []string{"/", "/trace/1", "/missing.js", "/api/v1/status", "/api/v1/traces", "/api/v1/nothing", "/v1/traces", "/../../etc/passwd"} {
		r := s.do(t, "GET", path, nil)
		for name, value := range want {
			if got := r.Header.Get(name); got != value {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		if r.Header.Get("Set-Cookie") != "" || r.Header.Get("Server") != "" {
			t.Errorf("%s: %v", path, r.Header)
		}
	}
}

func TestThePage(t *testing.T) {
	s := start(t, Options{})
	entry := s.do(t, "GET", "/", nil)
	if entry.StatusCode != 200 || !strings.HasPrefix(entry.Header.Get("Content-Type"), "text/html") {
		t.Fatalf("%s %v", entry.Status, entry.Header)
	}
	for _, path := range []string{"/trace/" + traceOf(1), "/compare/a/b", "/map"} {
		if r := s.do(t, "GET", path, nil); string(r.body) != string(entry.body) {
			t.Errorf("%s is not the page: %s", path, r.Status)
		}
	}
	for _, path := range []string{"/missing.js", "/..%2f..%2fgo.mod", "/page.go"} {
		if r := s.do(t, "GET", path, nil); r.StatusCode != 404 {
			t.Errorf("%s: %s", path, r.Status)
		}
	}
	for _, path := range []string{"/", "/map"} {
		if r := s.do(t, "POST", path, nil); r.StatusCode != 404 {
			t.Errorf("POST %s: %s", path, r.Status)
		}
	}
}

func TestAMistakeOfOursIsOneFailedRequest(t *testing.T) {
	var warning string
	s := start(t, Options{Warn: func(text string) { warning = text }})
	s.http.Handler = s.guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oh no") }))
	if r := s.do(t, "GET", "/api/v1/status", nil); r.StatusCode != 500 || warning != "internal error in the viewer: oh no" {
		t.Errorf("%s %s, %q", r.Status, r.body, warning)
	}
}
