package engine

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/marshal"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// decode reads records and returns the spans among them and all outcomes.
func decode(t testing.TB, p *profile, records ...any) (spans []otlp.SpanData, outcomes []outcome) {
	t.Helper()
	var body []byte
	for _, r := range records {
		body = encode(body, r)
	}
	var d decoder
	d.Reset(body)
	for d.More() {
		result := d.next(p)
		outcomes = append(outcomes, result)
		if result == finished {
			s, err := otlp.ParseSpan(d.span.Encoded())
			if err != nil {
				t.Fatal(err)
			}
			spans = append(spans, s)
		}
		if result == broken {
			break
		}
	}
	return spans, outcomes
}

func attributes(t testing.TB, p *profile, o object) map[string]any {
	t.Helper()
	spans, _ := decode(t, p, span("GET /", o))
	if len(spans) != 1 {
		t.Fatalf("%v is no span", o)
	}
	m := map[string]any{}
	for _, a := range spans[0].Attributes {
		if _, twice := m[a.Key]; twice {
			t.Errorf("%s comes twice", a.Key)
		}
		m[a.Key] = a.Value
	}
	return m
}

func TestAttributeForms(t *testing.T) {
	secrets := []string{"LUMIGO_TRACER_TOKEN=t_123456789012345678901"}
	for _, row := range []struct {
		name  string
		env   []string // more of it
		key   string
		value any
		want  any // nil: no attribute
	}{
		{"text", nil, "http.route", "/orders/{id}", "/orders/{id}"},
		{"int", nil, "http.response.status_code", 200, int64(200)},
		{"int beyond 64 bits", nil, "id", big("l\x05\x00\x00\x00\xff\x7f\xff\x7f\xff\x7f\xff\x7f\x0f\x00"), "18446744073709551615"},
		{"float", nil, "ratio", 0.5, 0.5},
		{"bool", nil, "error", true, true},
		{"None", nil, "nothing", nil, nil},
		{"texts", nil, "tags", tuple{"a", "b"}, []any{"a", "b"}},
		{"numbers of both kinds", nil, "tags", []any{1, 0.5}, []any{int64(1), 0.5}},
		{"empty list", nil, "tags", []any{}, []any{}},
		{"bytes of text", nil, "key", []byte("abc"), "abc"},
		{"bytes of no text", nil, "key", []byte{0xff, 0}, "0xff00"},
		{"lone surrogate", nil, "path", big("u\x05\x00\x00\x00a\xed\xb2\x80b"), "a\uFFFDb"},
		{"cut in characters", []string{"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=3"}, "word", "äöüß", "äöü"},
		{"elements are cut as well", []string{"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=3"}, "words", []any{"abcdef"}, []any{"abc"}},
		{"limit of zero", []string{"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=0"}, "word", "abc", ""},
		{"dict", nil, "config", object{{Key: "password", Value: "x"}, {Key: "n", Value: 1}, {Key: 2, Value: nil}}, `{"password": "****", "n": 1, "2": null}`},
		{"list of dicts", nil, "items", []any{object{{Key: "api_key", Value: "x"}}}, `[{"api_key": "****"}]`},
		{"token in a text", nil, "note", "it is t_123456789012345678901.", "it is ****."},
		{"token in a list", nil, "notes", []any{"t_123456789012345678901"}, []any{"****"}},

		{"headers in a dict", nil, "http.request.headers", object{{Key: "Host", Value: "shop"}, {Key: "Authorization", Value: "Bearer x"}}, `{"Host": "shop", "Authorization": "****"}`},
		{"headers in pairs", nil, "http.response.headers", []any{tuple{[]byte("set-cookie"), []byte("a=1")}, tuple{"x-api-key", "x"}, tuple{"via", "a"}, tuple{"VIA", "b"}}, `{"set-cookie": "****", "x-api-key": "****", "via": "a, b"}`},
		{"several values of a header", nil, "http.request.headers", object{{Key: "accept", Value: []any{"a", "b"}}}, `{"accept": "a, b"}`},
		{"header in Latin-1", nil, "http.request.headers", object{{Key: "who", Value: []byte("J\xfcrgen")}}, `{"who": "J\u00fcrgen"}`},
		{"headers that are none", nil, "http.request.headers", []any{1, tuple{"a"}, tuple{"b", "c"}}, `{"b": "c"}`},
		{"headers by the upstream name", nil, "http.request.header.x_api_key", []any{"x"}, "****"},
		{"harmless header by the upstream name", nil, "http.request.header.accept", []any{"x"}, []any{"x"}},
		{"all headers", []string{"LUMIGO_SECRET_MASKING_REGEX_HTTP_REQUEST_HEADERS=all"}, "http.request.headers", object{{Key: "Host", Value: "shop"}}, "****"},

		{"body in JSON", nil, "http.request.body", []byte(`{"password": "x", "a": 1}`), `{"password": "****", "a": 1}`},
		{"body of text", nil, "http.response.body", "hello", "hello"},
		{"body cut by the capture", nil, "http.request.body", tuple{[]byte(`{"a": 1, "password": "hunt`), true}, `{"a": 1, "password": "****"`},
		{"body that is a list", nil, "db.response.body", []any{object{{Key: "secret", Value: 1}}, object{}}, `[{"secret": "****"}, {}]`},
		{"body in a dict", nil, "messaging.publish.body", object{{Key: "secret", Value: 1}}, `{"secret": "****"}`},
		{"body of a message", nil, "messaging.consume.body", []byte(`{"secret": 1}`), `{"secret": "****"}`},
		{"body of gRPC", nil, "rpc.grpc.request.payload", `{"secret": 1}`, `{"secret": "****"}`},

		{"URL", nil, "url.full", "https://u:p@shop/a?api_key=1&b=2", "https://****@shop/a?api_key=****&b=2"},
		{"query", nil, "url.query", "password=1&b=2", "password=****&b=2"},
		{"URL by another name", nil, "broker", "amqp://u:p@mq/v", "amqp://****@mq/v"},
		{"statement", nil, "db.query.text", "SELECT * FROM u WHERE password = 'x'", "SELECT * FROM u WHERE password = '****'"},
		{"command", nil, "db.query.text", []any{"SETEX", "user:password", 60, []byte("x")}, "SETEX user:password **** ****"},
		{"commands", nil, "db.query.text", []any{tuple{"GET", "a"}, tuple{"INCRBY", "n", 2}}, "GET a\nINCRBY n 2"},
		{"named parameter", nil, "db.query.parameter.password", "x", "****"},
		{"parameters by name", nil, "db.statement.parameters", object{{Key: "password", Value: "x"}, {Key: "id", Value: 1}}, `{"password": "****", "id": 1}`},

		{"arguments", nil, "input_args", tuple{object{{Key: "password", Value: 1}}, 2}, `[{"password": "****"}, 2]`},
		{"return value of text", nil, "return_value", "text", `"text"`},
		{"no return value", nil, "return_value", nil, "null"},
		{"value nested too deep", nil, "faas.event", nest(200), strings.Repeat("[", 64) + "null" + strings.Repeat("]", 64)},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := newProfile(t, append(secrets, row.env...)...)
			got, ok := attributes(t, p, object{{Key: "before", Value: "b"}, {Key: row.key, Value: row.value}, {Key: "after", Value: "a"}})[row.key]
			if ok != (row.want != nil) || ok && !reflect.DeepEqual(got, row.want) {
				t.Errorf("got %#v, want %#v", got, row.want)
			}
		})
	}
}

func nest(depth int) any {
	var v any = []any{}
	for range depth {
		v = []any{v}
	}
	return v
}

func TestPositionalParametersAreMaskedByTheirColumns(t *testing.T) {
	p := newProfile(t)
	parameters := tuple{"ada", "hunter2"}
	for name, row := range map[string]struct {
		attributes object
		want       string
	}{
		"statement first": {object{{Key: "db.query.text", Value: "INSERT INTO users (name, password) VALUES (?, ?)"}, {Key: "db.statement.parameters", Value: parameters}}, `["ada", "****"]`},
		"statement after": {object{{Key: "db.statement.parameters", Value: parameters}, {Key: "db.query.text", Value: "INSERT INTO users (name, password) VALUES (?, ?)"}}, `["ada", "****"]`},
		"executemany": {object{{Key: "db.query.text", Value: "UPDATE users SET password = %s WHERE name = %s"}, {Key: "db.statement.parameters", Value: []any{tuple{"a", "b"}, tuple{"c", "d"}}}},
			`[["****", "b"], ["****", "d"]]`},
		"by name":             {object{{Key: "db.query.text", Value: "UPDATE users SET password = :p WHERE id = :id"}, {Key: "db.statement.parameters", Value: object{{Key: "p", Value: "a"}, {Key: "id", Value: 1}}}}, `{"p": "****", "id": 1}`},
		"executemany by name": {object{{Key: "db.query.text", Value: "UPDATE users SET password = %(p)s"}, {Key: "db.statement.parameters", Value: []any{object{{Key: "p", Value: "a"}}}}}, `[{"p": "****"}]`},
		"no statement":        {object{{Key: "db.statement.parameters", Value: parameters}}, `["ada", "hunter2"]`},
	} {
		if got := attributes(t, p, row.attributes)["db.statement.parameters"]; got != row.want {
			t.Errorf("%s: got %v, want %s", name, got, row.want)
		}
	}
}

func TestAnswersToCommandsThatNameSecretsAreMasked(t *testing.T) {
	p := newProfile(t)
	for _, row := range []struct {
		key    string
		answer any
		want   string
	}{
		{"user:password", "hunter2", "****"},
		{"user:password", []any{"hunter2"}, "****"},
		{"user:name", "ann", "ann"}, // also: what the span before it had is forgotten
		{"user", object{{Key: "name", Value: "ann"}, {Key: "password", Value: "hunter2"}}, `{"name": "ann", "password": "****"}`},
	} {
		of := object{{Key: "db.query.text", Value: []any{"GET", row.key}}, {Key: "db.response.body", Value: row.answer}}
		if got := attributes(t, p, of)["db.response.body"]; got != row.want {
			t.Errorf("GET %s: got %v, want %s", row.key, got, row.want)
		}
	}
}

func TestSpanIsCompleteOnTheWire(t *testing.T) {
	p := newProfile(t)
	spans, _ := decode(t, p, tuple{0, traceID, []byte("child..."), []byte("parent.."), 0x301, "k=v", "POST /", 3, 100, 200, 2, "boom", "flask",
		object{{Key: "a", Value: 1}},
		[]any{tuple{150, "exception", object{{Key: "exception.type", Value: "ValueError"}}}, tuple{160, "retry", nil}},
		[]any{tuple{traceID, []byte("linked.."), 1, "x=y", object{{Key: "why", Value: "batch"}}}},
		tuple{1, 2, 3}})
	want := otlp.SpanData{TraceID: [16]byte(traceID), SpanID: [8]byte([]byte("child...")), ParentID: [8]byte([]byte("parent..")), TraceState: "k=v", Flags: 0x301,
		Name: "POST /", Kind: otlp.KindClient, Start: 100, End: 200, Status: otlp.StatusError, StatusMessage: "boom",
		Attributes: []otlp.Attribute{{Key: "a", Value: int64(1)}},
		Events: []otlp.Event{{Time: 150, Name: "exception", Attributes: []otlp.Attribute{{Key: "exception.type", Value: "ValueError"}}},
			{Time: 160, Name: "retry"}},
		Links: []otlp.Link{{TraceID: [16]byte(traceID), SpanID: [8]byte([]byte("linked..")), TraceState: "x=y", Flags: 1,
			Attributes: []otlp.Attribute{{Key: "why", Value: "batch"}}}},
		DroppedAttributes: 1, DroppedEvents: 2, DroppedLinks: 3}
	if len(spans) != 1 || !reflect.DeepEqual(spans[0], want) {
		t.Errorf("got %+v\nwant %+v", spans, want)
	}
}

func TestLimits(t *testing.T) {
	p := newProfile(t, "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=2", "OTEL_SPAN_EVENT_COUNT_LIMIT=1", "OTEL_SPAN_LINK_COUNT_LIMIT=1",
		"OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT=1", "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT=0", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=5")
	three := object{{Key: "none", Value: nil}, {Key: "a", Value: 1}, {Key: "b", Value: 2}, {Key: "c", Value: 3}}
	r := span("s", three)
	r[14] = []any{tuple{1, "first", nil}, tuple{2, "last", object{{Key: "exception.stacktrace", Value: "File a\nError"}, {Key: "x", Value: 1}}}}
	r[15] = []any{tuple{traceID, newSpanID(), 0, nil, nil}, tuple{traceID, newSpanID(), 1, nil, three}}
	spans, _ := decode(t, p, r)
	if len(spans) != 1 {
		t.Fatal("no span")
	}
	s := spans[0]
	if len(s.Attributes) != 2 || s.DroppedAttributes != 1 {
		t.Errorf("attributes %v, dropped %d, want the first 2 and 1; None is no attribute", s.Attributes, s.DroppedAttributes)
	}
	if len(s.Events) != 1 || s.DroppedEvents != 1 || s.Events[0].Name != "last" || len(s.Events[0].Attributes) != 1 || s.Events[0].DroppedAttributes != 1 {
		t.Errorf("events %+v, dropped %d, want the last with one attribute", s.Events, s.DroppedEvents)
	} else if got := s.Events[0].Attributes[0].Value; got != "Error" {
		t.Errorf("stack trace %q, want its end, which has the error", got)
	}
	for text, want := range map[string]int{"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=5": 5000, "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=9": 9} {
		r := span("s", nil)
		long := object{{Key: "a", Value: strings.Repeat("x", 5000)}}
		r[14], r[15] = []any{tuple{1, "event", long}}, []any{tuple{traceID, newSpanID(), 0, nil, long}}
		spans, _ := decode(t, newProfile(t, text), r)
		for _, list := range [][]otlp.Attribute{spans[0].Events[0].Attributes, spans[0].Links[0].Attributes} {
			if n := len(list[0].Value.(string)); n != want {
				t.Errorf("%s: a value of an event or a link has %d characters, want %d", text, n, want)
			}
		}
	}
	if len(s.Links) != 1 || s.DroppedLinks != 1 || s.Links[0].Flags != 1 || s.Links[0].DroppedAttributes != 4 {
		t.Errorf("links %+v, dropped %d, want the last without attributes", s.Links, s.DroppedLinks)
	}
}

func TestFormerNames(t *testing.T) {
	server := object{{Key: "http.request.method", Value: "GET"}, {Key: "url.path", Value: "/a"}, {Key: "url.query", Value: "secret=1"}, {Key: "url.scheme", Value: "https"},
		{Key: "server.address", Value: "shop"}, {Key: "server.port", Value: 8080}, {Key: "client.address", Value: "10.0.0.1"}, {Key: "network.protocol.version", Value: "2"},
		{Key: "user_agent.original", Value: "curl"}, {Key: "http.response.status_code", Value: 200}, {Key: "http.flavor", Value: "mine"}}
	database := object{{Key: "db.system.name", Value: "microsoft.sql_server"}, {Key: "db.namespace", Value: "shop"}, {Key: "db.query.text", Value: "SELECT 1"},
		{Key: "db.operation.name", Value: "SELECT"}, {Key: "server.address", Value: "db"}, {Key: "server.port", Value: 1433}}
	for _, row := range []struct {
		name       string
		optIn      string
		kind       otlp.Kind
		attributes object
		want       map[string]any // in addition
	}{
		{"off", "http", otlp.KindServer, server, nil},
		{"server", "http/dup", otlp.KindServer, server, map[string]any{
			"http.method": "GET", "http.target": "/a?secret=****", "http.scheme": "https", "http.host": "shop:8080", "net.host.name": "shop", "net.host.port": int64(8080),
			"http.client_ip": "10.0.0.1", "http.user_agent": "curl", "http.status_code": int64(200)}},
		{"client", "http/dup", otlp.KindClient,
			object{{Key: "http.request.method", Value: "GET"}, {Key: "url.full", Value: "http://a/?secret=1"}, {Key: "server.address", Value: "a"}, {Key: "server.port", Value: 80}},
			map[string]any{"http.method": "GET", "http.url": "http://a/?secret=****", "net.peer.name": "a", "net.peer.port": int64(80)}},
		{"database", "database/dup", otlp.KindClient, database, map[string]any{
			"db.system": "mssql", "db.name": "shop", "db.statement": "SELECT 1", "db.operation": "SELECT", "net.peer.name": "db", "net.peer.port": int64(1433)}},
		{"database, when http was asked for", "http/dup", otlp.KindClient, database, nil},
		{"neither", "http/dup,database/dup", otlp.KindServer, object{{Key: "server.address", Value: "a"}}, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := newProfile(t, "OTEL_SEMCONV_STABILITY_OPT_IN="+row.optIn)
			var d decoder
			r := span("s", row.attributes)
			r[7] = int(row.kind)
			d.Reset(encode(nil, r))
			if d.next(p) != finished {
				t.Fatal("no span")
			}
			s, _ := otlp.ParseSpan(d.span.Encoded())
			got := map[string]any{}
			for _, a := range s.Attributes {
				if _, twice := got[a.Key]; twice {
					t.Errorf("%s comes twice", a.Key)
				}
				got[a.Key] = a.Value
			}
			for _, a := range row.attributes {
				if _, kept := got[a.Key.(string)]; !kept {
					t.Errorf("%s is gone", a.Key)
				}
				delete(got, a.Key.(string))
			}
			if len(got) != len(row.want) || len(got) > 0 && !reflect.DeepEqual(got, row.want) {
				t.Errorf("added %v, want %v", got, row.want)
			}
		})
	}
}

func TestRecordsOfTheWrongShapeSpoilNothing(t *testing.T) {
	p := newProfile(t)
	good := span("good", object{{Key: "a", Value: 1}})
	change := func(i int, v any) tuple {
		r := append(tuple{}, span("changed", nil)...)
		r[i] = v
		return r
	}
	for _, row := range []struct {
		name   string
		record any
		want   outcome
	}{
		{"later elements are passed over", append(append(tuple{}, good...), object{{Key: "new", Value: 1}}, 7), finished},
		{"kind of a later version", tuple{9, "whatever"}, unknown},
		{"no tuple", "text", malformed},
		{"empty tuple", tuple{}, malformed},
		{"kind is no number", tuple{"0"}, malformed},
		{"too short", good[:16], malformed},
		{"short trace id", change(1, []byte("short")), malformed},
		{"trace id of zeros", change(1, make([]byte, 16)), malformed},
		{"span id is text", change(2, "12345678"), malformed},
		{"no span id", change(2, nil), malformed},
		{"long parent id", change(3, []byte("123456789")), malformed},
		{"flags are text", change(4, "1"), malformed},
		{"name is a number", change(6, 5), malformed},
		{"name is a nested list", change(6, nest(50)), malformed},
		{"attributes are a list", change(13, []any{"a"}), malformed},
		{"events are a dict", change(14, object{}), malformed},
		{"an event is none", change(14, []any{5, tuple{1}, tuple{"x", "y", nil}, tuple{1, "fine", nil}}), finished},
		{"a link is none", change(15, []any{tuple{traceID, "x", 1, nil, nil}}), finished},
		{"drops are text", change(16, "x"), malformed},
		{"times are negative", change(8, -5), finished},
		{"kind of span is unknown", change(7, 99), finished},
		{"status is unknown", change(10, 99), finished},
		{"key is a number", change(13, object{{Key: 5, Value: 1}}), finished},
		{"key is a list", change(13, object{{Key: tuple{1}, Value: 1}}), finished},
		{"open span", openSpan(newSpanID(), "open", nil), started},
		{"open span without attributes", openSpan(newSpanID(), "open", nil)[:10], malformed},
		{"fact", tuple{2, "framework", "flask"}, fact},
		{"fact about nothing", tuple{2, nil, "flask"}, malformed},
	} {
		t.Run(row.name, func(t *testing.T) {
			spans, outcomes := decode(t, p, good, row.record, good)
			if want := []outcome{finished, row.want, finished}; !reflect.DeepEqual(outcomes, want) {
				t.Fatalf("got %v, want %v", outcomes, want)
			}
			if first, last := spans[0], spans[len(spans)-1]; !reflect.DeepEqual(first, last) || first.Name != "good" {
				t.Errorf("the good span became %+v", last)
			}
		})
	}
	body := encode(nil, good)
	_, outcomes := decode(t, p, good, big(body[:len(body)-3]))
	if want := []outcome{finished, broken}; !reflect.DeepEqual(outcomes, want) {
		t.Errorf("a record cut off: got %v, want %v", outcomes, want)
	}
}

// FuzzRecords decodes any bytes as records, and what becomes a span is well
// encoded and holds no secret.
func FuzzRecords(f *testing.F) {
	f.Add(encode(nil, span("GET /", object{{Key: "url.full", Value: "http://a?password=hunter2"}, {Key: "http.request.headers", Value: object{{Key: "cookie", Value: "hunter2"}}}})))
	f.Add(encode(nil, openSpan(newSpanID(), "open", object{{Key: "http.request.body", Value: tuple{[]byte(`{"password": "hunter2`), true}}})))
	f.Add(encode(nil, tuple{2, "framework", "flask"}))
	f.Add(encode(nil, span("SQL", object{{Key: "db.query.text", Value: "INSERT INTO t (password) VALUES (?)"}, {Key: "db.statement.parameters", Value: tuple{"hunter2"}}})))
	f.Add(encode(nil, span("WSGI", object{{Key: wsgiEnviron, Value: request(marshal.Pair{Key: "HTTP_COOKIE", Value: "hunter2"})}, {Key: requestPayload, Value: []any{[]byte("a"), true}}})))
	f.Add(encode(nil, openSpan(newSpanID(), "client", object{{Key: clientHead, Value: sent("GET / HTTP/1.1", "a", 8, 80)}})))
	f.Add(encode(nil, span("client", object{{Key: clientAnswer, Value: tuple{404, 11, []any{tuple{"a", "b"}}}}})))
	f.Add(encode(nil, span("aws", object{
		{Key: commonOnes, Value: encode(nil, object{{Key: "a", Value: 1}, {Key: commonOnes, Value: "b"}})},
		{Key: awsAnswer, Value: object{{Key: "ResponseMetadata", Value: object{{Key: "HTTPHeaders", Value: object{{Key: "c", Value: "d"}}}}}, {Key: "e", Value: nil}}},
	})))
	r := span("events", nil)
	r[14] = []any{tuple{1, "e", object{{Key: "x", Value: nest(3)}}}}
	r[15] = []any{tuple{traceID, newSpanID(), 1, "s", object{}}}
	f.Add(encode(nil, r))
	f.Add(encode(nil, logRecord(object{{Key: "password", Value: "hunter2"}}, object{{Key: "url.full", Value: "http://a?password=hunter2"}})))
	p := newProfile(f, "OTEL_SEMCONV_STABILITY_OPT_IN=http/dup,database/dup", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=8")
	var d, again decoder
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > maxFrame {
			return
		}
		d.Reset(body)
		for d.More() {
			switch d.next(p) {
			case finished:
				if _, err := otlp.ParseSpan(d.span.Encoded()); err != nil {
					t.Fatal(err)
				}
			case logged:
				if _, err := otlp.ParseLog(d.span.Encoded()); err != nil {
					t.Fatal(err)
				}
			case started:
				if !again.interrupted(p, d.raw, 1, "why") {
					t.Fatal("an open span that was taken cannot be reported")
				}
				if _, err := otlp.ParseSpan(again.span.Encoded()); err != nil {
					t.Fatal(err)
				}
			case broken:
				return
			}
		}
	})
}

func eightAttributes() object {
	return object{{Key: "http.request.method", Value: "GET"}, {Key: "url.path", Value: "/orders/17"}, {Key: "url.scheme", Value: "https"},
		{Key: "http.route", Value: "/orders/{id}"}, {Key: "http.response.status_code", Value: 200}, {Key: "server.address", Value: "shop.example.com"},
		{Key: "server.port", Value: 8443}, {Key: "network.protocol.version", Value: "1.1"}}
}

func BenchmarkDecodeSpan(b *testing.B) {
	for _, row := range []struct {
		name       string
		attributes object
	}{
		{"attributes=8", eightAttributes()},
		{"payloads", append(eightAttributes(), []marshal.Pair{
			{Key: "http.request.headers", Value: []any{tuple{[]byte("host"), []byte("shop")}, tuple{[]byte("authorization"), []byte("Bearer abc")}, tuple{[]byte("accept"), []byte("*/*")}, tuple{[]byte("user-agent"), []byte("curl/8.0")}}},
			{Key: "http.request.body", Value: []byte(fmt.Sprintf(`{"item": "book", "amount": 3, "password": "x", "note": %q}`, strings.Repeat("n", 500)))},
			{Key: "http.response.body", Value: []byte(`{"ok": true}`)}}...)},
	} {
		b.Run(row.name, func(b *testing.B) {
			body := encode(nil, span("GET /orders/{id}", row.attributes))
			p := newProfile(b, "LUMIGO_TRACER_TOKEN=t_123456789012345678901")
			var d decoder
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				d.Reset(body)
				if d.next(p) != finished {
					b.Fatal("no span")
				}
			}
		})
	}
}

func TestSpansThatAreEncodedAlready(t *testing.T) {
	var whole, noIDs otlp.Span
	whole.Context([16]byte{1}, [8]byte{2}, [8]byte{}, "", 1)
	whole.Name("GET /")
	noIDs.Name("GET /")
	for _, row := range []struct {
		name   string
		record tuple
		want   outcome
		skip   bool
	}{
		{"a span", tuple{3, "scope", whole.Encoded(), false}, finished, false},
		{"a span that is not to be exported", tuple{3, "scope", whole.Encoded(), true}, finished, true},
		{"with elements of later versions", tuple{3, "scope", whole.Encoded(), false, "more"}, finished, false},
		{"without ids", tuple{3, "scope", noIDs.Encoded(), false}, malformed, false},
		{"bytes that are no span", tuple{3, "scope", []byte{0xff, 0xff}, false}, malformed, false},
		{"no bytes", tuple{3, "scope", "text", false}, malformed, false},
		{"too short", tuple{3, "scope", whole.Encoded()}, malformed, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			var d decoder
			d.Reset(encode(encode(nil, row.record), span("after", nil)))
			if got := d.next(newProfile(t)); got != row.want || d.skip != row.skip {
				t.Errorf("outcome %v, skip %v", got, d.skip)
			}
			if row.want == finished && (string(d.encoded) != string(whole.Encoded()) || string(d.scope) != "scope") {
				t.Errorf("%x of %q", d.encoded, d.scope)
			}
			if got := d.next(newProfile(t)); got != finished || d.encoded != nil {
				t.Errorf("the record after it: %v", got)
			}
		})
	}
}
