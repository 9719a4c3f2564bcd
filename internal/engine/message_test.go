package engine

import (
	"reflect"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

func TestMessagesAreMasked(t *testing.T) {
	p := newProfile(t, "LUMIGO_TRACER_TOKEN=t_123456789012345678901")
	message := "refused by postgres://joe:hunter2@db: password=hunter2 t_123456789012345678901"
	wanted := "refused by postgres://****@db: password=**** ****"
	trace := "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    token = get_token('a')\nE: " + message
	r := span("s", object{{Key: "error.message", Value: message}, {Key: "from", Value: "reads amqp://joe:hunter2@h/ password=x"},
		{Key: "brokers", Value: tuple{"amqp://joe:hunter2@h/", 7}},
		{Key: "process.command_args", Value: tuple{"mysql", "--password", "hunter2", "--token=hunter2", 7}}, {Key: "process.command_line", Value: "mysql --password hunter2"}})
	r[10], r[11] = 2, message
	r[14] = []any{tuple{150, "exception", object{{Key: "exception.message", Value: message}, {Key: "exception.stacktrace", Value: trace}}}}
	spans, _ := decode(t, p, r)
	if len(spans) != 1 {
		t.Fatal("no span")
	}
	s := spans[0]
	if s.StatusMessage != wanted {
		t.Errorf("status %q", s.StatusMessage)
	}
	if want := []otlp.Attribute{{Key: "error.message", Value: wanted}, {Key: "from", Value: "reads amqp://****@h/ password=x"},
		{Key: "brokers", Value: []any{"amqp://****@h/", int64(7)}},
		{Key: "process.command_args", Value: []any{"mysql", "--password", "****", "--token=****", "7"}}, {Key: "process.command_line", Value: "mysql --password ****"},
	}; !reflect.DeepEqual(s.Attributes, want) {
		t.Errorf("attributes\n got %+v\nwant %+v", s.Attributes, want)
	}
	if want := []otlp.Attribute{{Key: "exception.message", Value: wanted},
		{Key: "exception.stacktrace", Value: trace[:len(trace)-len(message)] + wanted}}; !reflect.DeepEqual(s.Events[0].Attributes, want) {
		t.Errorf("event\n got %+v\nwant %+v", s.Events[0].Attributes, want)
	}
}

// TestStackTracesAreMaskedBeforeTheyAreCut makes sure that no secret is cut free of its key.
func TestStackTracesAreMaskedBeforeTheyAreCut(t *testing.T) {
	p := newProfile(t, "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=6")
	got := attributes(t, p, object{{Key: "exception.stacktrace", Value: "E: password=hunter2"}, {Key: "exception.message", Value: "a://b:hunter2@c"}})
	if want := map[string]any{"exception.stacktrace": "d=****", "exception.message": "a://**"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestURLsInFactsAreMasked(t *testing.T) {
	p := process{profile: newProfile(t)}
	p.learn("broker", "amqp://joe:hunter2@h/")
	if got := p.facts["broker"]; got != "amqp://****@h/" {
		t.Errorf("got %q", got)
	}
}
