package nethttp

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/semconv"
	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
	"github.com/lumigo-io/opentelemetry-distro/internal/untraced"
)

// calling is a request that is on its way.
type calling struct {
	span     *tracer.Span
	sent     capture
	request  *requestBody // nil when it is not kept that way
	received capture
	header   http.Header // of the response, for its encoding
	mu       sync.Mutex
	over     bool
}

// roundTrip starts a span. The request that it returns is to be sent: the caller's own must not change.
func roundTrip(r *http.Request) (sent *http.Request, done func(*http.Response, error)) {
	return roundTripAs(scope, r)
}

func roundTripAs(scope func() *otlp.Scope, r *http.Request) (sent *http.Request, done func(*http.Response, error)) {
	t := tracer.Active()
	if t == nil || r.URL == nil || r.Header == nil || untraced.Is(r.Context()) {
		return r, nil
	}
	defer guard()
	if agent := r.Header["User-Agent"]; len(agent) > 0 && strings.HasPrefix(agent[0], "OTel OTLP Exporter") {
		return r, nil // telemetry of the application's own
	}
	start := tracer.Start{Kind: otlp.KindClient, Scope: scope(), Convention: semconv.HTTP, Name: "HTTP", Parent: tracer.FromContext(r.Context())}
	named, found := tracer.ParentIn(r.Header)
	byHand := found && !forwarded(named, start.Parent)
	if byHand {
		if !tracer.MadeElsewhere(r.Context(), named) {
			return r, nil // somebody traces this request already
		}
		start.SpanID = named // where ours go, it is the span that the receiver will name
	}
	if t.Filters(otlp.KindClient) {
		start.Endpoint = r.URL.String()
	}
	span := t.Start(start)
	c := &calling{span: span, sent: newCapture(span, t, mask.RequestBodies), received: newCapture(span, t, mask.ResponseBodies)}
	sent = r.WithContext(r.Context())
	sent.Header = maps.Clone(r.Header)
	// A header that is added now might void the signature of a request to AWS.
	if !byHand && r.Header.Get("X-Amz-Content-Sha256") == "" && !strings.HasPrefix(r.Header.Get("Authorization"), "AWS") {
		t.Inject(sent.Header, span.ID())
	}
	if !span.Recording() {
		return sent, func(*http.Response, error) { span.End() }
	}
	c.describe(r, sent)
	return sent, c.done
}

// forwarded says that the parent named in a request is not a span that somebody has made for it: a proxy has copied
// that of the request being served, or the application has named the span that it is in.
func forwarded(spanID [8]byte, in *tracer.Identity) bool {
	return in != nil && (spanID == in.Parent() || spanID == in.SpanID) && in.Kind() != otlp.KindClient
}

func (c *calling) describe(r, sent *http.Request) {
	span := c.span
	span.SetName(method(span, r.Method))
	span.Text("url.full", r.URL.String())
	host := r.URL.Host
	address(span, host, r.URL.Scheme == "https")
	if agent := r.Header["User-Agent"]; len(agent) > 0 {
		span.Text("user_agent.original", agent[0])
	}
	if r.Host != "" {
		host = r.Host
	}
	headers(span, "http.request.headers", mask.RequestHeaders, r.Header, host)
	if r.Body == nil || r.Body == http.NoBody || c.sent.limit <= 0 || !kept(r.Header) {
		return
	}
	if r.GetBody != nil && inMemory[reflect.TypeOf(r.Body)] {
		copied, err := r.GetBody()
		if err != nil {
			return
		}
		data, _ := io.ReadAll(io.LimitReader(copied, int64(c.sent.limit)+1))
		c.sent.add(data, "", span.Room(0))
		data, cut := c.sent.unpacked(encoding(r.Header))
		span.Body("http.request.body", mask.RequestBodies, data, cut)
		return
	}
	if _, file := r.Body.(*os.File); !file { // which the kernel may send by itself
		c.request = &requestBody{ReadCloser: r.Body, kept: c.sent}
		sent.Body = c.request
	}
}

// inMemory are the types of bodies that http.NewRequest makes, which can be read again without any effect. The
// transport knows them too, and sends them in another way than others.
var inMemory = map[reflect.Type]bool{
	reflect.TypeOf(io.NopCloser(new(bytes.Reader))):        true,
	reflect.TypeOf(io.NopCloser(struct{ io.Reader }{nil})): true,
}

// requestBody keeps what is sent.
type requestBody struct {
	io.ReadCloser
	mu   sync.Mutex
	data []byte
	kept capture
}

func (b *requestBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.mu.Lock()
		b.kept.add(p[:n], "", &b.data)
		b.mu.Unlock()
	}
	return n, err
}

// done takes in what came of the request.
func (c *calling) done(resp *http.Response, err error) {
	defer guard()
	span := c.span
	if err != nil {
		span.Fail(err)
	}
	if resp == nil {
		if value, panicking := span.Panicking(); panicking {
			span.Panicked(value, "")
		}
		c.finish()
		return
	}
	status(span, resp.StatusCode)
	if resp.StatusCode >= 400 {
		span.SetStatus(otlp.StatusError, "")
		span.Known("error.type", strconv.Itoa(resp.StatusCode))
	}
	protocol(span, resp.ProtoMajor, resp.ProtoMinor)
	headers(span, "http.response.headers", mask.ResponseHeaders, resp.Header, "")
	c.header = resp.Header
	if resp.Body == nil || resp.Body == http.NoBody || resp.StatusCode == http.StatusSwitchingProtocols {
		c.finish()
		return
	}
	if _, both := resp.Body.(io.Writer); both || c.received.limit <= 0 || !kept(resp.Header) {
		c.finish()
		return
	}
	b := &responseBody{ReadCloser: resp.Body, call: c}
	resp.Body = b
	// One that is never read to its end nor closed. A finalizer would keep it for ever: HTTP/2's own body refers to it.
	runtime.AddCleanup(b, (*calling).finish, c)
}

func (c *calling) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	c.over = true
	defer guard()
	span := c.span
	c.span = nil
	defer span.End()
	if c.request != nil {
		c.request.mu.Lock()
		defer c.request.mu.Unlock()
		data, cut := c.request.kept.unpacked("")
		span.Body("http.request.body", mask.RequestBodies, data, cut)
	}
	data, cut := c.received.unpacked(encoding(c.header))
	span.Body("http.response.body", mask.ResponseBodies, data, cut)
}

// responseBody is what the application reads.
type responseBody struct {
	io.ReadCloser
	call *calling
}

func (b *responseBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	c := b.call
	if n > 0 {
		c.mu.Lock()
		if !c.over {
			c.received.add(p[:n], "", c.span.Room(1))
		}
		c.mu.Unlock()
	}
	if err != nil {
		if err != io.EOF {
			c.mu.Lock()
			if !c.over {
				c.span.Fail(err)
			}
			c.mu.Unlock()
		}
		c.finish()
	}
	return n, err
}

func (b *responseBody) Close() error {
	err := b.ReadCloser.Close()
	b.call.finish()
	return err
}
