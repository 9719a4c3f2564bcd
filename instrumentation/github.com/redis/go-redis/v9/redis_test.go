package redis

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
	"github.com/lumigo-io/opentelemetry-distro/internal/tracertest"
)

func TestCommands(t *testing.T) {
	server := Server{"cache:6379", 3}
	command := func(args ...any) func(context.Context) Done {
		return func(ctx context.Context) Done { return Command(ctx, server, args) }
	}
	pipeline := func(operation string, commands ...[]any) func(context.Context) Done {
		return func(ctx context.Context) Done { return Pipeline(ctx, server, operation, commands) }
	}
	for _, test := range []struct {
		name, text string
		start      func(context.Context) Done
		err        error
		answer     any
		want       map[string]any
	}{
		{"SET", "SET user:1 ? ? ?", command("set", "user:1", "geheim", "ex", 10), nil, "OK", map[string]any{"db.response.body": "OK", "db.system.name": "redis", "db.namespace": "3", "server.address": "cache", "server.port": 6379.0}},
		{"AUTH", "AUTH ? ?", command("auth", "user", "geheim"), nil, "OK", nil},
		{"EVAL", "EVAL ? ? ?", command("eval", "return 'geheim'", 1, "k"), nil, []any{int64(1), nil}, nil},
		{"CONFIG SET", "CONFIG SET ? ?", command("config", "set", "requirepass", "geheim"), nil, nil, nil},
		{"PING", "PING", command("ping"), nil, "PONG", nil},
		{"UNKNOWN", "UNKNOWN", command(), nil, nil, nil},
		{"INCR", "INCR user:1", command("incr", "user:1"), errors.New("WRONGTYPE not a number"), int64(1), map[string]any{"db.response.body": nil, "db.response.status_code": "WRONGTYPE", "error.type": "*errors.errorString"}},
		{"GET", "GET k", command("get", "k"), errors.New("i/o timeout"), "v", map[string]any{"db.response.status_code": nil, "error.type": "*errors.errorString"}},
		{"PIPELINE GET", "GET a\nGET b", pipeline("PIPELINE", []any{"get", "a"}, []any{"GET", "b"}), nil, []any{"v", nil}, map[string]any{"db.response.body": `["v", null]`, "db.operation.batch.size": 2.0}},
		{"MULTI", "SET a ?\nGET b", pipeline("MULTI", []any{"multi"}, []any{"set", "a", "geheim"}, []any{"get", "b"}, []any{"exec"}), nil, []any{"OK", "v"}, map[string]any{"db.operation.batch.size": 2.0}},
		{"HGETALL", "HGETALL user:1", command("hgetall", "user:1"), nil, map[string]string{"password": "geheim"}, map[string]any{"db.response.body": `{"password": "****"}`}},
		{"HMGET", "HMGET user:1 ? ?", command("hmget", "user:1", "name", "password"), nil, []any{"ann", "geheim"}, map[string]any{"db.response.body": "****"}},
		{"GET", "GET token:1", command("get", "token:1"), nil, "geheim", map[string]any{"db.response.body": "****"}},
		{"PIPELINE", "INCR a\nGET password", pipeline("PIPELINE", []any{"incr", "a"}, []any{"get", "password"}), nil, []any{int64(1), "geheim"}, map[string]any{"db.response.body": "****"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			spans := tracertest.Activate(t)
			test.start(context.Background())(test.err, func() any { return test.answer })
			span := spans()[0]
			if span.Name != test.name || span.Attributes["db.operation.name"] != test.name || span.Attributes["db.query.text"] != test.text || span.Kind != "SpanKind.CLIENT" {
				t.Errorf("got %+v", span)
			}
			if failed := span.Status.Code == "ERROR"; failed != (test.err != nil) {
				t.Errorf("the status is %s", span.Status.Code)
			}
			for key, want := range test.want {
				if span.Attributes[key] != want {
					t.Errorf("%s = %v, want %v", key, span.Attributes[key], want)
				}
			}
			if strings.Contains(span.Line, "geheim") {
				t.Errorf("a value is shown: %s", span.Line)
			}
		})
	}
}

func TestCommandsThatAreNotTraced(t *testing.T) {
	ctx := context.Background()
	ping := func(ctx context.Context) Done { return Command(ctx, Server{}, []any{"ping"}) }
	if ping(ctx) != nil {
		t.Error("a command is traced without a tracer")
	}
	tracertest.Activate(t)
	if ping(Untraced(ctx)) != nil {
		t.Error("one of the client's own is traced")
	}
	if Pipeline(ctx, Server{}, "PIPELINE", nil) != nil {
		t.Error("an empty pipeline is traced")
	}
	byHand := tracer.Active().Start(tracer.Start{Name: "get", Kind: otlp.KindClient, Scope: scope()})
	if ping(tracer.WithIdentity(ctx, byHand.ID())) != nil {
		t.Error("one that is traced by hand is traced twice")
	}
	tracertest.Activate(t, "LUMIGO_DISABLE_INSTRUMENTATION=redis")
	if ping(ctx) != nil {
		t.Error("it is traced though it is disabled")
	}
}
