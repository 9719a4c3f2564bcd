package export

import (
	"net/url"
	"testing"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
)

func TestProxyFor(t *testing.T) {
	tests := []struct {
		name     string
		proxy    config.Proxy
		endpoint string
		want     string
		fails    bool
	}{
		{"none set", config.Proxy{}, "http://backend.test", "", false},
		{"by scheme: http", config.Proxy{HTTP: "http://p:1", HTTPS: "http://s:2"}, "http://backend.test", "http://p:1", false},
		{"by scheme: https", config.Proxy{HTTP: "http://p:1", HTTPS: "http://s:2"}, "https://backend.test", "http://s:2", false},
		{"without a scheme of its own", config.Proxy{HTTP: "p:1"}, "http://backend.test", "http://p:1", false},
		{"with credentials", config.Proxy{HTTP: "http://u:w@p:1"}, "http://backend.test", "http://u:w@p:1", false},
		{"socks", config.Proxy{HTTP: "socks5://p:1"}, "http://backend.test", "socks5://p:1", false},
		{"an unknown scheme", config.Proxy{HTTP: "ftp://p:1"}, "http://backend.test", "", true},
		{"no URL", config.Proxy{HTTP: "http://%zz"}, "http://backend.test", "", true},
		{"never for localhost", config.Proxy{HTTP: "p:1"}, "http://localhost:4318", "", false},
		{"never for loopback", config.Proxy{HTTP: "p:1"}, "http://127.8.9.1:4318", "", false},
		{"never for IPv6 loopback", config.Proxy{HTTP: "p:1"}, "http://[::1]:4318", "", false},
		{"not for a host in NO_PROXY", config.Proxy{HTTP: "p:1", No: "x, Backend.test"}, "http://backend.TEST", "", false},
		{"nor for its subdomains", config.Proxy{HTTP: "p:1", No: "backend.test"}, "http://a.backend.test", "", false},
		{"but for another name that ends like it", config.Proxy{HTTP: "p:1", No: "end.test"}, "http://backend.test", "http://p:1", false},
		{"a leading dot means subdomains only", config.Proxy{HTTP: "p:1", No: ".backend.test"}, "http://backend.test", "http://p:1", false},
		{"so does a star and a dot", config.Proxy{HTTP: "p:1", No: "*.backend.test"}, "http://a.backend.test", "", false},
		{"a star means all", config.Proxy{HTTP: "p:1", No: "*"}, "http://backend.test", "", false},
		{"with the same port", config.Proxy{HTTP: "p:1", No: "backend.test:80"}, "http://backend.test", "", false},
		{"with another port", config.Proxy{HTTP: "p:1", No: "backend.test:81"}, "http://backend.test", "http://p:1", false},
		{"an address", config.Proxy{HTTP: "p:1", No: "10.0.0.1"}, "http://10.0.0.1:4318", "", false},
		{"an IPv6 address with a port", config.Proxy{HTTP: "p:1", No: "[fd00::1]:4318"}, "http://[fd00::1]:4318", "", false},
		{"a network", config.Proxy{HTTP: "p:1", No: "10.0.0.0/8"}, "http://10.1.2.3:4318", "", false},
		{"another network", config.Proxy{HTTP: "p:1", No: "10.0.0.0/8,,"}, "http://11.1.2.3:4318", "http://p:1", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target, err := url.Parse(tt.endpoint)
			if err != nil {
				t.Fatal(err)
			}
			u, err := proxyFor(tt.proxy, target)
			got := ""
			if u != nil {
				got = u.String()
			}
			if got != tt.want || (err != nil) != tt.fails {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	tests := []struct {
		header string
		want   time.Duration
	}{
		{"", 0},
		{"7", 7 * time.Second},
		{"0", 0},
		{"-1", 0},
		{"soon", 0},
		{"99999999999", longestRetryAfter},
		{"Fri, 02 Jan 2026 15:04:35 GMT", 30 * time.Second},
		{"Fri, 02 Jan 2026 15:00:00 GMT", 0},
		{"Sat, 02 Jan 2027 15:00:00 GMT", longestRetryAfter},
	}
	for _, tt := range tests {
		if got := retryAfter(tt.header, now); got != tt.want {
			t.Errorf("%q: got %v, want %v", tt.header, got, tt.want)
		}
	}
}

func TestValidHeader(t *testing.T) {
	tests := []struct {
		key, value string
		want       bool
	}{
		{"x-key", "any thing\tat all é", true},
		{"", "v", false},
		{"a b", "v", false},
		{"a:", "v", false},
		{"é", "v", false},
		{"k", "two\nlines", false},
		{"k", "\x7f", false},
	}
	for _, tt := range tests {
		if got := validHeader(tt.key, tt.value); got != tt.want {
			t.Errorf("%q: %q: got %v", tt.key, tt.value, got)
		}
	}
}
