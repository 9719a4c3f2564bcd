// Package redis traces the commands that programs send by github.com/redis/go-redis.
//
// A span is around each command, and around each pipeline, with all attempts. What is sent is shown without values; what
// is answered, masked.
package redis

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/semconv"
	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
	"github.com/lumigo-io/opentelemetry-distro/internal/untraced"
)

var scope = sync.OnceValue(func() *otlp.Scope { return tracer.Active().Scope("lumigo_opentelemetry.redis") })

var system = tracer.ConstantText("db.system.name", "redis")

// Server is where commands go.
type Server struct {
	Address  string // host:port, or the path of a socket; "" for many
	Database int
}

// Untraced returns a context for what a client does by itself.
func Untraced(ctx context.Context) context.Context { return untraced.Context(ctx) }

// Done is called with the outcome: an error, or else what returns the answer, nil for one that is not kept.
type Done func(err error, answer func() any)

// Command starts the span of one command, of which these are the arguments. It returns nil if the command is not traced.
func Command(ctx context.Context, server Server, args []any) Done {
	operation := operationOf(args)
	return start(ctx, server, operation, [][]any{args}, func(span *tracer.Span) { span.Text("db.query.text", textOf(operation, args)) })
}

// Pipeline starts the span of several commands that are sent at once, or as a transaction, as the operation says.
func Pipeline(ctx context.Context, server Server, operation string, commands [][]any) Done {
	if n := len(commands); n > 1 && operationOf(commands[0]) == "MULTI" && operationOf(commands[n-1]) == "EXEC" {
		commands = commands[1 : n-1]
	}
	if len(commands) == 0 {
		return nil
	}
	first := operationOf(commands[0])
	if !slices.ContainsFunc(commands, func(args []any) bool { return operationOf(args) != first }) {
		operation += " " + first
	}
	return start(ctx, server, operation, commands, func(span *tracer.Span) {
		span.Int("db.operation.batch.size", int64(len(commands)))
		var text []string
		for _, args := range commands[:min(len(commands), mostShown)] {
			text = append(text, textOf(operationOf(args), args))
		}
		span.Text("db.query.text", strings.Join(text, "\n"))
	})
}

// mostShown is how many commands of a pipeline are shown.
const mostShown = 50

func start(ctx context.Context, server Server, operation string, commands [][]any, describe func(*tracer.Span)) Done {
	t := tracer.Active()
	if t == nil || ctx == nil || t.Disabled("redis") || untraced.Is(ctx) {
		return nil
	}
	defer guard()
	parent := tracer.FromContext(ctx)
	if parent != nil && parent.Kind() == otlp.KindClient {
		return nil // somebody traces this already
	}
	span := t.Start(tracer.Start{Name: operation, Kind: otlp.KindClient, Scope: scope(), Convention: semconv.Database, Parent: parent})
	if span.Recording() {
		span.Constant(system)
		span.Text("db.operation.name", operation)
		span.Text("db.namespace", strconv.Itoa(server.Database))
		if server.Address != "" {
			host, port, err := net.SplitHostPort(server.Address)
			if err != nil {
				host = server.Address
			}
			span.Text("server.address", host)
			if n, err := strconv.ParseUint(port, 10, 16); err == nil {
				span.Int("server.port", int64(n))
			}
		}
		describe(span)
	}
	return func(err error, answer func() any) {
		defer guard()
		defer span.End()
		if value, panicking := span.Panicking(); panicking {
			span.Panicked(value, "")
		} else if err != nil {
			span.Fail(err)
			if code, _, _ := strings.Cut(err.Error(), " "); code != "" && code == strings.ToUpper(code) {
				span.Text("db.response.status_code", code)
			}
		} else if span.Recording() && t.Capture() > 0 {
			var words [][]string
			for _, args := range commands {
				words = append(words, wordsOf(args))
			}
			span.Answer(words, answer())
		}
	}
}

// wordsOf are those of a command that may name a secret.
func wordsOf(args []any) (words []string) {
	for _, arg := range args[:min(len(args), mostWords)] {
		word, _ := arg.(string)
		words = append(words, word)
	}
	return words
}

// mostWords is how many words of a command are looked at.
const mostWords = 64

// withSubcommands are commands whose second word says what they do.
var withSubcommands = []string{"ACL", "CLIENT", "CLUSTER", "COMMAND", "CONFIG", "FUNCTION", "LATENCY", "MEMORY", "OBJECT", "PUBSUB", "SCRIPT", "SLOWLOG", "XGROUP", "XINFO"}

// withoutKey are those whose first argument is none that may be shown.
var withoutKey = []string{"AUTH", "ECHO", "EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL", "FCALL_RO", "HELLO", "MIGRATE", "PING"}

// operationOf is what a command is called.
func operationOf(args []any) string {
	if len(args) == 0 {
		return "UNKNOWN"
	}
	name := strings.ToUpper(fmt.Sprint(args[0]))
	if len(args) > 1 && slices.Contains(withSubcommands, name) {
		if sub, ok := args[1].(string); ok {
			name += " " + strings.ToUpper(sub)
		}
	}
	return name
}

// textOf is a command with its first key, and ? for each other argument.
func textOf(operation string, args []any) string {
	var b strings.Builder
	b.WriteString(operation)
	rest := args[min(len(args), 1+strings.Count(operation, " ")):]
	if len(rest) > 0 && !slices.Contains(withoutKey, operation) && !strings.Contains(operation, " ") {
		if key, ok := rest[0].(string); ok {
			b.WriteString(" " + key)
			rest = rest[1:]
		}
	}
	for range min(len(rest), mostShown) {
		b.WriteString(" ?")
	}
	return b.String()
}

// guard keeps our own mistakes from the application. It is deferred.
func guard() {
	if fault := recover(); fault != nil {
		if t := tracer.Active(); t != nil {
			t.Log().Debugf("An exception occurred in lumigo's code: redis: %v", fault)
		}
	}
}
