package nethttp

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/tracertest"
)

func TestOtherServersAndClients(t *testing.T) {
	r := httptest.NewRequest("GET", "http://h/users/ann", nil)
	if s, _ := Serve("fasthttp", r); s != nil {
		t.Error("a request is traced without a tracer")
	}
	Route(context.Background(), "chi", "/users/:name") // of a request that nobody traces

	spans := tracertest.Activate(t)
	s, ctx := Serve("fasthttp", r)
	Route(ctx, "chi", "")
	Route(ctx, "chi", "/users/:name")
	s.Done(200, nil, false)
	sent, done := RoundTrip("fasthttp", r)
	if sent.Header.Get("Traceparent") == "" {
		t.Error("it is sent without its span")
	}
	resp := &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("answer"))}
	done(resp, nil)
	io.Copy(io.Discard, resp.Body)
	got := spans()
	if len(got) != 2 || got[0].Name != "GET /users/:name" || got[1].Attributes["http.response.body"] != "answer" {
		t.Errorf("got %+v", got)
	}

	spans = tracertest.Activate(t, "LUMIGO_DISABLE_INSTRUMENTATION=fasthttp,chi")
	if s, _ := Serve("fasthttp", r); s != nil {
		t.Error("a request is traced by an instrumentation that is disabled")
	}
	s, ctx = Serve("another", r)
	Route(ctx, "chi", "/users/:name")
	s.Done(200, nil, false)
	if got := spans(); len(got) != 1 || got[0].Name != "GET" {
		t.Errorf("one is named by an instrumentation that is disabled: %+v", got)
	}
	if sent, done := RoundTrip("fasthttp", r); sent != r || done != nil {
		t.Error("a request of a client, too")
	}
}
