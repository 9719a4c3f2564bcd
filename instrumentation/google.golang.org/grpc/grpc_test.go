package grpc

import (
	"context"
	"errors"
	"net"
	"reflect"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
	"github.com/lumigo-io/opentelemetry-distro/internal/tracertest"
	"github.com/lumigo-io/opentelemetry-distro/internal/untraced"
)

const (
	method = "/shop.Orders/Place"
	caller = "00-5e4f0000000000000000000000000001-00f067aa0ba902b7-01"
)

func TestServers(t *testing.T) {
	for _, test := range []struct {
		name     string
		method   string
		metadata map[string][]string
		serve    func(*Call)
		span     string
		status   string
		message  string
		want     map[string]any
	}{
		{"an answer", method, map[string][]string{":authority": {"shop:50051"}, "traceparent": {caller}}, func(c *Call) { c.Status(0, "") },
			"shop.Orders/Place", "UNSET", "", map[string]any{"rpc.system": "grpc", "rpc.service": "shop.Orders", "rpc.method": "Place", "rpc.grpc.status_code": 0.0,
				"server.address": "shop", "server.port": 50051.0, "network.peer.address": "192.0.2.1", "network.peer.port": 4711.0, "client.address": "192.0.2.1"}},
		{"the caller's mistake", method, nil, func(c *Call) { c.Status(5, "no such order") }, "shop.Orders/Place", "UNSET", "", map[string]any{"rpc.grpc.status_code": 5.0, "error.type": nil}},
		{"its own", method, nil, func(c *Call) { c.Status(13, "oh") }, "shop.Orders/Place", "ERROR", "oh", map[string]any{"rpc.grpc.status_code": 13.0, "error.type": "INTERNAL"}},
		{"a status that nobody knows", method, nil, func(c *Call) { c.Status(77, "") }, "shop.Orders/Place", "UNSET", "", map[string]any{"rpc.grpc.status_code": 77.0}},
		{"no answer", method, nil, func(*Call) {}, "shop.Orders/Place", "UNSET", "", map[string]any{"rpc.grpc.status_code": nil}},
		{"no service", "bad", nil, func(c *Call) { c.Status(12, "malformed") }, "bad", "ERROR", "malformed", map[string]any{"rpc.service": nil, "rpc.method": "bad"}},
		{"a message each way", method, nil, func(c *Call) {
			c.Message(Request, `{"password":"p"}`, true)
			c.Message(Request, `{"password":"p"}`, false) // told of once more
			c.Message(Response, `{"id":1}`, false)
			c.Message(Response, `{"id":1}`, true)
			c.Status(0, "")
		}, "shop.Orders/Place", "UNSET", "", map[string]any{"rpc.grpc.request.payload": `{"password": "****"}`, "rpc.grpc.response.payload": `{"id": 1}`}},
		{"several", method, nil, func(c *Call) {
			for range 3 {
				c.Message(Request, `{"token":"t"}`, false)
			}
			c.Message(Response, `{"id":1}`, false)
			c.Message(Response, "", false) // a large one
			c.Status(0, "")
		}, "shop.Orders/Place", "UNSET", "", map[string]any{"rpc.grpc.request.payload": `[{"token": "****"}, {"token": "****"}, {"token": "****"}]`, "rpc.grpc.response.payload": `{"id": 1}`}},
		{"a handler that panics", method, nil, func(c *Call) {
			before := tracer.Panicking
			t.Cleanup(func() { tracer.Panicking = before })
			tracer.Panicking = func() (uintptr, any, bool) { return 1, errors.New("oh"), true }
			c.Status(0, "")
		}, "shop.Orders/Place", "ERROR", "oh", map[string]any{"error.type": "*errors.errorString", "rpc.grpc.status_code": nil}},
	} {
		t.Run(test.name, func(t *testing.T) {
			spans := tracertest.Activate(t)
			c := Serve(context.Background(), test.method, test.metadata, "192.0.2.1:4711")
			if Of(untraced.Context(c)) != c || tracer.FromContext(c) == nil {
				t.Error("the handler's context does not know of the call")
			}
			if !c.Wants(Request) || !c.Wants(Response) || c.Hides(Request) {
				t.Error("it does not want messages")
			}
			test.serve(c)
			c.End()
			got := spans()[0]
			if got.Name != test.span || got.Kind != "SpanKind.SERVER" || got.Status.Code != test.status || got.Status.Description != test.message {
				t.Errorf("got %s %s, %s %q", got.Kind, got.Name, got.Status.Code, got.Status.Description)
			}
			for key, want := range test.want {
				if got.Attributes[key] != want {
					t.Errorf("%s = %v, want %v", key, got.Attributes[key], want)
				}
			}
			if named := len(test.metadata["traceparent"]) > 0; strings.HasSuffix(got.ParentID, "00f067aa0ba902b7") != named {
				t.Errorf("the parent is %q", got.ParentID)
			}
			if c.Wants(Request) {
				t.Error("it wants messages after its end")
			}
		})
	}
}

func TestMessagesThatAreMaskedWhole(t *testing.T) {
	spans := tracertest.Activate(t, "LUMIGO_SECRET_MASKING_REGEX_HTTP_REQUEST_BODIES=all")
	c := Serve(context.Background(), method, nil, "")
	if !c.Hides(Request) || c.Hides(Response) {
		t.Errorf("requests are hidden: %v, responses: %v", c.Hides(Request), c.Hides(Response))
	}
	c.Message(Request, "{}", true)
	c.Message(Response, `{"id":1}`, true)
	c.End()
	if a := spans()[0].Attributes; a["rpc.grpc.request.payload"] != "****" || a["rpc.grpc.response.payload"] != `{"id": 1}` {
		t.Errorf("got %v", a)
	}
}

// A server of net/http that passes calls on has made a SERVER span already.
func TestServersWithinOthers(t *testing.T) {
	spans := tracertest.Activate(t)
	outer := tracer.Active().Start(tracer.Start{Name: "POST", Kind: otlp.KindServer, Scope: scope()})
	Serve(tracer.WithIdentity(context.Background(), outer.ID()), method, nil, "").End()
	if route := outer.Route(); route != method {
		t.Errorf("the route is %q", route)
	}
	if got := spans()[0]; got.Kind != "SpanKind.INTERNAL" {
		t.Errorf("it is %s", got.Kind)
	}
}

func TestClients(t *testing.T) {
	pairs := func(list []string) map[string][]string {
		m := map[string][]string{}
		for i := 0; i < len(list); i += 2 {
			m[list[i]] = append(m[list[i]], list[i+1])
		}
		return m
	}
	for _, test := range []struct {
		name   string
		target string
		call   func(t *testing.T, c *Call)
		status string // "" for no span
		want   map[string]any
	}{
		{"an answer", "dns:///shop:50051", func(t *testing.T, c *Call) {
			sent := pairs(c.Attempt(context.Background(), map[string][]string{"baggage": {"own=1"}}))
			if len(sent["traceparent"]) != 1 || sent["baggage"] != nil {
				t.Errorf("it is sent with %v", sent)
			}
			c.SentTo(&net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 4712})
			c.SentTo(&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 4711})
			c.Finish(0, "")
			c.Finish(14, "too late")
		}, "UNSET", map[string]any{"rpc.grpc.status_code": 0.0, "server.address": "shop", "server.port": 50051.0, "network.peer.address": "192.0.2.1", "network.peer.port": 4711.0}},
		{"several attempts", "unix:///run/shop", func(t *testing.T, c *Call) {
			first := c.Attempt(context.Background(), nil)
			if again := c.Attempt(context.Background(), nil); !reflect.DeepEqual(first, again) {
				t.Errorf("first with %v, then with %v", first, again)
			}
			c.Finish(5, "no such order")
		}, "ERROR", map[string]any{"rpc.grpc.status_code": 5.0, "error.type": "NOT_FOUND", "server.address": "run/shop"}},
		{"no attempt", "shop", func(_ *testing.T, c *Call) { c.Finish(14, "no address") }, "ERROR", map[string]any{"error.type": "UNAVAILABLE", "server.address": "shop"}},
		{"one that is traced by hand", "shop", func(t *testing.T, c *Call) {
			if sent := c.Attempt(context.Background(), map[string][]string{"traceparent": {caller}}); sent != nil {
				t.Errorf("it is sent with %v", sent)
			}
			if sent := c.Attempt(context.Background(), nil); sent != nil {
				t.Errorf("then with %v", sent)
			}
			c.Finish(0, "")
		}, "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			spans := tracertest.Activate(t)
			c, ctx := Begin(context.Background(), method, test.target)
			if Of(ctx) != c {
				t.Error("the context does not know of the call")
			}
			test.call(t, c)
			got := spans()
			if test.status == "" {
				if len(got) != 0 {
					t.Errorf("there is a span: %+v", got)
				}
				return
			}
			if len(got) != 1 || got[0].Name != "shop.Orders/Place" || got[0].Kind != "SpanKind.CLIENT" || got[0].Status.Code != test.status {
				t.Fatalf("got %+v", got)
			}
			for key, want := range test.want {
				if got[0].Attributes[key] != want {
					t.Errorf("%s = %v, want %v", key, got[0].Attributes[key], want)
				}
			}
		})
	}
}

// Interceptors that trace by hand have made a span, but not put it into metadata when a call comes to nothing at once.
func TestCallsByHandThatFailAtOnce(t *testing.T) {
	spans := tracertest.Activate(t)
	byHand := tracer.Active().Start(tracer.Start{Name: "by hand", Kind: otlp.KindClient, Scope: scope()})
	c, _ := Begin(tracer.WithIdentity(context.Background(), byHand.ID()), method, "shop")
	c.Finish(14, "no address")
	byHand.End()
	if got := spans(); len(got) != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestLargeMessages(t *testing.T) {
	tracertest.Activate(t)
	c := Serve(context.Background(), method, nil, "")
	c.Message(Request, `{"text":"`+strings.Repeat("x", 1<<20)+`"}`, false)
	if kept := len(c.messages[Request].text); kept == 0 || kept > c.t.Capture() || c.Wants(Request) {
		t.Errorf("%d bytes are kept", kept)
	}
	c.End()
}

// Metadata that a server passes on to the next one names a span that is not this call's.
func TestForwardedMetadata(t *testing.T) {
	spans := tracertest.Activate(t)
	metadata := map[string][]string{"traceparent": {caller}}
	served := Serve(context.Background(), method, metadata, "")
	c, _ := Begin(served, method, "shop")
	if sent := c.Attempt(context.Background(), metadata); len(sent) < 2 || sent[1] == caller {
		t.Errorf("it is sent with %v", sent)
	}
	c.Finish(0, "")
	served.End()
	if got := spans(); len(got) != 2 || got[0].ParentID == "" || got[0].ParentID == got[1].ParentID {
		t.Errorf("got %+v", got)
	}
}

func TestCallsThatAreNotTraced(t *testing.T) {
	ctx := context.Background()
	if c, _ := Begin(ctx, method, ""); c != nil || Serve(ctx, method, nil, "") != nil {
		t.Error("there is a call without a tracer")
	}
	tracertest.Activate(t)
	if c, _ := Begin(untraced.Context(ctx), method, ""); c != nil {
		t.Error("one of our own is traced")
	}
	if c, _ := Begin(ctx, "/opentelemetry.proto.collector.trace.v1.TraceService/Export", ""); c != nil {
		t.Error("the application's telemetry is traced")
	}
	tracertest.Activate(t, "LUMIGO_INSTRUMENT_GRPC_PAYLOADS=false")
	if Serve(ctx, method, nil, "").Wants(Request) {
		t.Error("it wants messages though they are not to be kept")
	}
	tracertest.Activate(t, "LUMIGO_DISABLE_INSTRUMENTATION=grpc")
	if c, _ := Begin(ctx, method, ""); c != nil || Serve(ctx, method, nil, "") != nil {
		t.Error("it is traced though it is disabled")
	}
	var none *Call
	none.Status(0, "")
	none.End()
	none.SentTo(nil)
	none.Finish(0, "")
	if none.Attempt(context.Background(), nil) != nil || none.Wants(Request) {
		t.Error("no call does something")
	}
}
