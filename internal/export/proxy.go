package export

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
)

// proxyFor returns the proxy by which target is reached; nil for none. Its
// rules are those of Go's http.ProxyFromEnvironment, whose NO_PROXY most
// programs agree on; the environment, however, is that of the traced process.
func proxyFor(p config.Proxy, target *url.URL) (*url.URL, error) {
	name, text := "HTTP_PROXY", p.HTTP
	if target.Scheme == "https" {
		name, text = "HTTPS_PROXY", p.HTTPS
	}
	if text == "" || bypasses(p.No, target) {
		return nil, nil
	}
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		// The value is not shown: it may hold a password.
		return nil, fmt.Errorf("%s is not the address of a proxy", name)
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return u, nil
	}
	return nil, fmt.Errorf("%s has the scheme %q, which is not one of http, https, socks5, socks5h", name, u.Scheme)
}

// bypasses tells whether target is to be reached without a proxy: it is this
// machine, or an item of noProxy covers it.
func bypasses(noProxy string, target *url.URL) bool {
	host, port := strings.ToLower(strings.TrimSuffix(target.Hostname(), ".")), target.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[target.Scheme]
	}
	ip, _ := netip.ParseAddr(host)
	if host == "localhost" || ip.IsLoopback() {
		return true
	}
	for item := range strings.SplitSeq(noProxy, ",") {
		item = strings.ToLower(strings.TrimSpace(item))
		if item == "" {
			continue
		}
		if item == "*" {
			return true
		}
		if network, err := netip.ParsePrefix(item); err == nil {
			if network.Contains(ip) {
				return true
			}
			continue
		}
		if h, p, err := net.SplitHostPort(item); err == nil {
			if p != port {
				continue
			}
			item = h
		}
		item = strings.Trim(item, "[]")
		if ip.IsValid() {
			if other, err := netip.ParseAddr(item); err == nil && other == ip {
				return true
			}
			continue
		}
		item = strings.TrimPrefix(item, "*")
		if domain, ok := strings.CutPrefix(item, "."); ok {
			if strings.HasSuffix(host, "."+domain) {
				return true
			}
		} else if host == item || strings.HasSuffix(host, "."+item) {
			return true
		}
	}
	return false
}
