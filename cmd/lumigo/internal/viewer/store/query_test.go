package store

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// shopTraces adds five traces, each a millisecond later than the one before.
func shopTraces(t testing.TB, s *Store) {
	text := func(key, value string) otlp.Attribute { return otlp.Attribute{Key: key, Value: value} }
	number := func(key string, value int) otlp.Attribute { return otlp.Attribute{Key: key, Value: value} }
	add(t, s,
		made{trace: 1, id: 1, name: "POST /orders", start: 1, end: 101, status: otlp.StatusOK, attributes: []otlp.Attribute{text("http.route", "/orders"), number("http.response.status_code", 201)}},
		made{trace: 1, id: 2, parent: 1, service: "stock", name: "SELECT items", start: 2, attributes: []otlp.Attribute{text("db.query.text", "SELECT * FROM items"), text("http.route", "none")}},
		made{trace: 2, id: 1, name: "POST /orders", start: 2, end: 12, attributes: []otlp.Attribute{number("http.response.status_code", 409)}},
		made{trace: 2, id: 0x2a2a2a, parent: 1, service: "stock", name: "GET /stock", start: 3, status: otlp.StatusError, message: "Out of Stock", event: "exception"},
		made{trace: 3, id: 1, service: "stock", name: "tick", start: 3, end: 4},
		made{trace: 4, id: 1, service: "Größe", name: "MESSEN", start: 4, end: 5, attributes: []otlp.Attribute{text("empty", "")}},
		made{trace: 5, id: 1, name: "cron", start: 5, end: 6},
	)
	addLog(s, 5, 1, "Backup has FINISHED")
}

func TestFind(t *testing.T) {
	s := open(t, Options{})
	shopTraces(t, s)
	with := func(conditions ...Condition) Query { return Query{Attributes: conditions} }
	tests := []struct {
		name  string
		query Query
		want  string
	}{
		{"everything, newest first", Query{}, "5 4 3 2 1"},
		{"one trace", Query{Trace: trID(3)}, "3"},
		{"one trace that is not there", Query{Trace: trID(9)}, ""},

		{"service", Query{Service: "stock"}, "3 2 1"},
		{"service, exactly", Query{Service: "Stock"}, ""},
		{"name", Query{Name: "post /"}, "2 1"},
		{"name beyond ASCII", Query{Service: "Größe", Name: "messen"}, "4"},
		{"service and name of one span", Query{Service: "stock", Name: "orders"}, ""},

		{"status error", Query{Status: StatusError}, "2"},
		{"status ok", Query{Status: StatusOK}, "1"},
		{"status unset", Query{Status: StatusUnset}, "5 4 3"},
		{"at least so long", Query{MinDuration: 10 * ms}, "2 1"},
		{"at most so long", Query{MaxDuration: 10 * ms}, "5 4 3 2"},
		{"since", Query{Since: beginning + 4*ms}, "5 4"},
		{"until", Query{Until: beginning + 2*ms}, "2 1"},

		{"attribute, a text", with(Condition{Key: "http.route", Value: "/orders"}), "1"},
		{"attribute, exactly", with(Condition{Key: "http.route", Value: "/order"}), ""},
		{"attribute, a number", with(Condition{Key: "http.response.status_code", Value: "409"}), "2"},
		{"attribute, a part", with(Condition{Key: "http.route", Contains: true, Value: "ORD"}), "1"},
		{"attribute that is there", with(Condition{Key: "http.response.status_code", Any: true}), "2 1"},
		{"attribute that is empty", with(Condition{Key: "empty"}), "4"},
		{"attribute of the resource", with(Condition{Key: "host.name", Value: "host of stock"}), "3 2 1"},
		{"two attributes of one span", with(Condition{Key: "http.route", Value: "/orders"}, Condition{Key: "http.response.status_code", Value: "201"}), "1"},
		{"two attributes of two spans", with(Condition{Key: "http.route", Value: "/orders"}, Condition{Key: "db.query.text", Any: true}), ""},
		{"attributes of the span and its resource", with(Condition{Key: "http.route", Any: true}, Condition{Key: "host.name", Value: "host of stock"}), "1"},
		{"attribute and service of one span", Query{Service: "stock", Attributes: []Condition{{Key: "http.route", Value: "/orders"}}}, ""},

		{"text in a name", Query{Text: "TICK"}, "3"},
		{"text in an attribute", Query{Text: "from items"}, "1"},
		{"text in a key", Query{Text: "db.query"}, "1"},
		{"text in a number", Query{Text: "409"}, "2"},
		{"text in a status message", Query{Text: "out of stock"}, "2"},
		{"text in an event", Query{Text: "exception"}, "2"},
		{"text in a log", Query{Text: "backup has finished"}, "5"},
		{"text in a service", Query{Text: "größe"}, "4"},
		{"text in a scope", Query{Text: "scope of stock"}, "3 2 1"},
		{"text in a resource does not count", Query{Text: "host of stock"}, ""},
		{"an id of a trace", Query{Text: "00000000000000000000000000000003"}, "3"},
		{"a part of an id of a span", Query{Text: "2A2A2A"}, "2"},
		{"text of one span, attribute of another", Query{Text: "out of stock", Attributes: []Condition{{Key: "http.response.status_code", Value: "409"}}}, "2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := found(t, s, tt.query); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			m := s.Matcher(tt.query)
			got := ""
			for n := uint64(5); n > 0; n-- {
				if _, ok := m.Match(trID(n)); ok {
					got += string(rune('0'+n)) + " "
				}
			}
			if want := tt.want; len(want) > 0 && got != want+" " || want == "" && got != "" {
				t.Errorf("one by one: got %q, want %q", got, want)
			}
		})
	}
}

func TestFindNoMoreThanAsked(t *testing.T) {
	s := open(t, Options{})
	shopTraces(t, s)
	for _, q := range []Query{{}, {Text: "o"}} {
		if summaries, err := s.Find(context.Background(), q, 2); err != nil || len(summaries) != 2 || summaries[0].ID != trID(5) {
			t.Errorf("got %v, %v", summaries, err)
		}
	}
}

func TestFindEndsWithItsContext(t *testing.T) {
	s := open(t, Options{})
	shopTraces(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Find(ctx, Query{Text: "x"}, 10); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestValuesAsText(t *testing.T) {
	tests := []struct {
		value any
		want  string
	}{
		{nil, ""}, {"a", "a"}, {true, "true"}, {int64(-3), "-3"}, {1.5, "1.5"}, {math.Inf(1), "+Inf"}, {[]byte{1, 255}, "Af8="},
		{[]any{"a", int64(1), math.NaN()}, `["a",1,"NaN"]`},
		{[]otlp.Attribute{{Key: "k", Value: []byte{1}}, {Key: "large", Value: int64(1<<53 + 1)}}, `{"k":"AQ==","large":"9007199254740993"}`},
	}
	for _, tt := range tests {
		if got := ValueText(tt.value); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.value, got, tt.want)
		}
	}
}
