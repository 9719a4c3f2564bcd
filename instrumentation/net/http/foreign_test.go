package nethttp

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
)

func TestOtherServersAndClients(t *testing.T) {
	r := httptest.NewRequest("GET", "http://h/users/ann", nil)
	if s, _ := Serve("fasthttp", r); s != nil {
		t.Error("a request is traced without a tracer")
	}
	Route(context.Background(), "/users/:name") // of a request that nobody traces

	spans := dumping(t)
	s, ctx := Serve("fasthttp", r)
	Route(ctx, "")
	Route(ctx, "/users/:name")
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

	c, _ := config.Parse([]string{"LUMIGO_DISABLE_INSTRUMENTATION=fasthttp"})
	m, _ := mask.New(c.Masking, nil)
	tracer.Activate(tracer.New(tracer.Options{Config: c, Masker: m, Resource: otlp.NewResource(nil, "")}))
	if s, _ := Serve("fasthttp", r); s != nil {
		t.Error("a request is traced by an instrumentation that is disabled")
	}
	if sent, done := RoundTrip("fasthttp", r); sent != r || done != nil {
		t.Error("a request of a client, too")
	}
}
