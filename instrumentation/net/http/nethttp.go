// Package nethttp traces the servers and clients of net/http.
//
// A server's span is around its handler, with what the woven package tells of the response: nothing is wrapped, so
// the application finds what it always did. A client's span is around each round trip, redirects and retries of the
// application's included, and ends when the response's body has been read or closed.
package nethttp

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
)

const scopeName = "lumigo_opentelemetry.net/http"

var scope = sync.OnceValue(func() *otlp.Scope { return tracer.Active().Scope(scopeName) })

// method writes a method as an attribute, and returns how it names a span: those that clients make up do not.
func method(s *tracer.Span, m string) string {
	switch m {
	case "":
		m = http.MethodGet
	case "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE", "QUERY":
	default:
		s.Known("http.request.method", "_OTHER")
		s.Text("http.request.method_original", m)
		return "HTTP"
	}
	s.Known("http.request.method", m)
	return m
}

// address writes the address that a request goes to.
func address(s *tracer.Span, host string, secure bool) {
	if host == "" {
		return
	}
	name, port := host, int64(80)
	if secure {
		port = 443
	}
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.IndexByte(host[i:], ']') < 0 {
		if n, err := strconv.ParseUint(host[i+1:], 10, 16); err == nil {
			name, port = host[:i], int64(n)
		}
	}
	s.Text("server.address", strings.Trim(name, "[]"))
	s.Int("server.port", port)
}

func protocol(s *tracer.Span, major, minor int) {
	switch {
	case major == 1 && minor == 1:
		s.Known("network.protocol.version", "1.1")
	case major == 2:
		s.Known("network.protocol.version", "2")
	case major == 1 && minor == 0:
		s.Known("network.protocol.version", "1.0")
	}
}

// headers writes headers as one attribute, sorted: their order on the wire is not known.
func headers(s *tracer.Span, key string, c mask.Category, h http.Header, host string) {
	if len(h) == 0 && host == "" || !s.Recording() {
		return
	}
	list := s.Buffer()
	if host != "" {
		list = append(list, mask.Header{Name: "Host", Value: host})
	}
	for name, values := range h {
		for _, value := range values {
			list = append(list, mask.Header{Name: name, Value: value})
		}
	}
	if len(list) > 1 {
		slices.SortStableFunc(list, func(a, b mask.Header) int { return strings.Compare(a.Name, b.Name) })
	}
	s.Headers(key, c, list)
}

// kept reports whether a body of this type and encoding is text that can be shown.
func kept(h http.Header) bool {
	switch encoding := h.Get("Content-Encoding"); strings.ToLower(encoding) {
	case "", "identity", "gzip", "x-gzip":
	default:
		return false
	}
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	if kind = strings.TrimSpace(kind); kind == "" {
		return true
	}
	kind = strings.ToLower(kind)
	for _, part := range []string{"json", "text/", "xml", "x-www-form-urlencoded", "graphql", "yaml"} {
		if strings.Contains(kind, part) {
			return true
		}
	}
	return false
}

// A capture keeps the beginning of a body.
type capture struct {
	data []byte
	cut  bool
}

func (c *capture) add(b []byte, s string, limit int) {
	room := limit - len(c.data)
	if len(b)+len(s) > room {
		c.cut = true
	}
	c.data = append(c.data, b[:min(len(b), room)]...)
	c.data = append(c.data, s[:min(len(s), room)]...)
}

// unpacked is what was kept, as it was before it was packed for the way.
func (c *capture) unpacked(h http.Header, limit int) (data []byte, cut bool) {
	if len(c.data) == 0 || !strings.Contains(strings.ToLower(h.Get("Content-Encoding")), "gzip") {
		return c.data, c.cut
	}
	r, err := gzip.NewReader(bytes.NewReader(c.data))
	if err != nil {
		return nil, false
	}
	data, err = io.ReadAll(io.LimitReader(r, int64(limit)))
	return data, err != nil || c.cut || len(data) == limit
}

// guard keeps our own mistakes from the application. It is deferred.
func guard() {
	if fault := recover(); fault != nil {
		if t := tracer.Active(); t != nil {
			t.Log().Debugf("An exception occurred in lumigo's code: net/http: %v", fault)
		}
	}
}
