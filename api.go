package lumigo

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
)

// Flush returns once every span that has ended is delivered, or dropped, or ctx ends, or 30 s have passed unless ctx
// has a deadline of its own. The process does it by itself when it ends in an orderly way. Its error says that spans
// were not delivered.
func Flush(ctx context.Context) error {
	if t := tracer.Active(); t != nil {
		return t.Flush(ctx)
	}
	return nil
}

// WithExecutionTags returns a context in which every span that is started has the attributes
// lumigo.execution_tags.<key>. The span that ctx is in has not. Later tags replace earlier ones of the same key.
// What is not valid (a blank key, a blank text, an empty list) costs an error line in the log, and is left out.
func WithExecutionTags(ctx context.Context, tags map[string]any) context.Context {
	t := tracer.Active()
	if t == nil {
		return ctx
	}
	var valid []otlp.Attribute
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		value := tags[key]
		text, isText := value.(string)
		list := reflect.ValueOf(value)
		switch {
		case strings.TrimSpace(key) == "":
			t.Log().Errorf("Execution tag key must be a string and cannot be empty or whitespace: '%s' (type: %T)", key, key)
		case isText && strings.TrimSpace(text) == "":
			t.Log().Errorf("Empty or whitespace execution tag value: '%s', '%s'", key, text)
		case list.Kind() == reflect.Slice && list.Len() == 0:
			t.Log().Errorf("Empty array/tuple execution tag value: '%s'", key)
		default:
			valid = append(valid, otlp.Attribute{Key: "lumigo.execution_tags." + key, Value: value})
		}
	}
	if len(valid) == 0 {
		t.Log().Errorf("No valid execution tags to add")
		return ctx
	}
	id := tracer.FromContext(ctx)
	if id == nil {
		id = new(tracer.Identity)
	}
	return tracer.WithIdentity(ctx, id.WithTags(valid))
}

// CreateProgrammaticError adds an event to the span that ctx, or else the goroutine, is in: named message, with the
// attribute lumigo.type. The span's status stays as it is. Without a span it does nothing.
func CreateProgrammaticError(ctx context.Context, message, kind string) {
	if id := tracer.FromContext(ctx); id != nil {
		id.AddEvent(message, otlp.Attribute{Key: "lumigo.type", Value: kind})
	}
}

// Wrap returns a function of the type of f that does what f does in a span LumigoRoot, with what it is given and what
// it returns as attributes, masked. If its first parameter is a context, that decides what the span is part of, and
// f gets one that carries the span. A last result that is an error, and a panic, make the span an error. What is not
// a function is returned as it is; and so is f when tracing is off.
func Wrap[F any](f F) F {
	t := tracer.Active()
	call := reflect.ValueOf(f)
	if t == nil || call.Kind() != reflect.Func || call.IsNil() {
		return f
	}
	scope := t.Scope("lumigo")
	kind := call.Type()
	takesContext := kind.NumIn() > 0 && kind.In(0) == contextType
	fails := kind.NumOut() > 0 && kind.Out(kind.NumOut()-1) == errorType
	wrapper := reflect.MakeFunc(kind, func(args []reflect.Value) (results []reflect.Value) {
		var ctx context.Context
		inputs := args
		if takesContext {
			ctx, _ = args[0].Interface().(context.Context)
			inputs = args[1:]
		}
		span := t.Start(tracer.Start{Name: "LumigoRoot", Kind: otlp.KindInternal, Scope: scope, Parent: tracer.FromContext(ctx)})
		if ctx != nil {
			args = slices.Clone(args)
			args[0] = reflect.ValueOf(tracer.WithIdentity(ctx, span.ID())).Convert(contextType)
		}
		before := tracer.Enter(span.ID())
		guard(t, func() { span.Attribute(otlp.Attribute{Key: "input_args", Value: plain(inputs)}) })
		returned := false
		defer func() {
			tracer.Enter(before)
			guard(t, func() {
				switch value, panicking := span.Panicking(); {
				case panicking:
					span.Panicked(value, "")
				case !returned:
					span.SetStatus(otlp.StatusError, "panic or runtime.Goexit")
				default:
					if fails {
						if err, _ := results[len(results)-1].Interface().(error); err != nil {
							span.Fail(err)
						}
						results := results[:len(results)-1]
						span.Attribute(otlp.Attribute{Key: "return_value", Value: single(plain(results))})
						return
					}
					span.Attribute(otlp.Attribute{Key: "return_value", Value: single(plain(results))})
				}
			})
			span.End()
		}()
		if kind.IsVariadic() {
			results = call.CallSlice(args)
		} else {
			results = call.Call(args)
		}
		returned = true
		return results
	})
	return wrapper.Interface().(F)
}

var (
	contextType = reflect.TypeFor[context.Context]()
	errorType   = reflect.TypeFor[error]()
)

func plain(values []reflect.Value) []any {
	list := make([]any, 0, len(values))
	for _, v := range values {
		list = append(list, v.Interface())
	}
	return list
}

// single is what a function returns, as one says it.
func single(values []any) any {
	if len(values) == 1 {
		return values[0]
	}
	return values
}

// guard keeps our own mistakes from the application.
func guard(t *tracer.Tracer, f func()) {
	defer func() {
		if fault := recover(); fault != nil {
			t.Log().Debugf("An exception occurred in lumigo's code: %s", fmt.Sprint(fault))
		}
	}()
	f()
}
