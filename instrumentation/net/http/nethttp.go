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
	"strconv"
	"strings"
	"sync"

	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
)

const scopeName = "lumigo_opentelemetry.net/http"

var scope = sync.OnceValue(func() *otlp.Scope { return tracer.Active().Scope(scopeName) })

// What most spans have.
var (
	methods = func() map[string]*tracer.Constant {
		m := map[string]*tracer.Constant{"": tracer.ConstantText("http.request.method", "GET")}
		for _, name := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE", "QUERY"} {
			m[name] = tracer.ConstantText("http.request.method", name)
		}
		return m
	}()
	schemeHTTP, schemeHTTPS = tracer.ConstantText("url.scheme", "http"), tracer.ConstantText("url.scheme", "https")
	version10               = tracer.ConstantText("network.protocol.version", "1.0")
	version11               = tracer.ConstantText("network.protocol.version", "1.1")
	version2                = tracer.ConstantText("network.protocol.version", "2")
	status200               = tracer.ConstantInt("http.response.status_code", 200)
)

// method writes a method as an attribute, and returns how it names a span: those that clients make up do not.
func method(s *tracer.Span, m string) string {
	if known := methods[m]; known != nil {
		s.Constant(known)
		if m == "" {
			return http.MethodGet
		}
		return m
	}
	s.Known("http.request.method", "_OTHER")
	s.Text("http.request.method_original", m)
	return "HTTP"
}

func status(s *tracer.Span, code int) {
	if code == http.StatusOK {
		s.Constant(status200)
	} else {
		s.Int("http.response.status_code", int64(code))
	}
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
	s.Text("server.address", withoutBrackets(name))
	s.Int("server.port", port)
}

// withoutBrackets is an address of IPv6 as it is outside of URLs, or any other host.
func withoutBrackets(host string) string {
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

func protocol(s *tracer.Span, major, minor int) {
	switch {
	case major == 1 && minor == 1:
		s.Constant(version11)
	case major == 2:
		s.Constant(version2)
	case major == 1 && minor == 0:
		s.Constant(version10)
	}
}

// headers writes headers as one attribute, sorted: their order on the wire is not known.
func headers(s *tracer.Span, key string, c mask.Category, h http.Header, host string) {
	if len(h) == 0 && host == "" || !s.Recording() {
		return
	}
	if s.Hides(c) {
		s.Known(key, mask.Mask)
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
	for i := 1; i < len(list) && len(list) <= 64; i++ {
		for j := i; j > 0 && list[j].Name < list[j-1].Name; j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
	s.Headers(key, c, list)
}

// kept reports whether a body of this type and encoding is text that can be shown.
func kept(h http.Header) bool {
	if len(h) == 0 {
		return true
	}
	switch strings.ToLower(encoding(h)) {
	case "", "identity", "gzip", "x-gzip":
	default:
		return false
	}
	kind := ""
	if types := h["Content-Type"]; len(types) > 0 {
		kind, _, _ = strings.Cut(types[0], ";")
	}
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

func encoding(h http.Header) string {
	if encodings := h["Content-Encoding"]; len(encodings) > 0 {
		return encodings[0]
	}
	return ""
}

// A capture keeps the beginning of a body.
type capture struct {
	limit  int     // of what is kept, in bytes
	hidden bool    // the body is masked whole: one byte tells that there is one
	data   *[]byte // lent by the span; nil until there is something
	cut    bool
}

func newCapture(s *tracer.Span, t *tracer.Tracer, c mask.Category) capture {
	if s.Hides(c) {
		return capture{limit: min(t.Capture(), 1), hidden: true}
	}
	return capture{limit: t.Capture()}
}

func (c *capture) add(b []byte, s string, room *[]byte) {
	c.data = room
	left := c.limit - len(*room)
	if len(b)+len(s) > left {
		c.cut = true
	}
	*room = append(*room, b[:min(len(b), left)]...)
	*room = append(*room, s[:min(len(s), left)]...)
}

// unpacked is what was kept, as it was before it was packed for the way.
func (c *capture) unpacked(encoding string) (data []byte, cut bool) {
	if c.data == nil || len(*c.data) == 0 {
		return nil, false
	}
	if c.hidden || encoding == "" || !strings.Contains(strings.ToLower(encoding), "gzip") {
		return *c.data, c.cut
	}
	r, err := gzip.NewReader(bytes.NewReader(*c.data))
	if err != nil {
		return nil, false
	}
	data, err = io.ReadAll(io.LimitReader(r, int64(c.limit)))
	return data, err != nil || c.cut || len(data) == c.limit
}

// guard keeps our own mistakes from the application. It is deferred.
func guard() {
	if fault := recover(); fault != nil {
		if t := tracer.Active(); t != nil {
			t.Log().Debugf("An exception occurred in lumigo's code: net/http: %v", fault)
		}
	}
}
