package otlp

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

var (
	traceID  = [16]byte{0xbd, 0x86, 0x2e, 0x3f, 0xe1, 0xbe, 0x46, 0xa9, 0x94, 0x27, 0x27, 0x93, 0, 0, 0, 1}
	spanID   = [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
	parentID = [8]byte{8, 7, 6, 5, 4, 3, 2, 1}
)

// full is a span that uses every method of the builder.
func full(s *Span) {
	s.Reset()
	s.Context(traceID, spanID, parentID, "vendor=1", 0x301)
	s.Name("GET /users/{id}")
	s.Kind(KindServer)
	s.Times(1_700_000_000_000_000_001, 1_700_000_000_000_000_002)
	s.Status(StatusError, "boom")
	s.String("http.request.method", "GET")
	s.StringBytes("http.request.body", []byte(`{"a": "é"}`))
	s.Bool("ok", true)
	s.Int("http.response.status_code", 500)
	s.Int("negative", -1)
	s.Double("ratio", 0.5)
	s.Strings("names", []string{"a", "", "c"})
	s.BeginArray("mixed")
	s.StringElement("x")
	s.IntElement(-7)
	s.BoolElement(false)
	s.DoubleElement(1e300)
	s.EndArray()
	s.BeginEvent(7, "exception")
	s.String("exception.message", strings.Repeat("long ", 100))
	s.Strings("exception.notes", []string{"n"})
	s.DroppedHere(2)
	s.EndEvent()
	s.BeginLink(traceID, parentID, "t=2", 1)
	s.Bool("follows", false)
	s.DroppedHere(3)
	s.EndLink()
	s.Dropped(1, 2, 3)
}

func TestWhatIsBuiltIsReadBack(t *testing.T) {
	var s Span
	full(&s)
	got, err := ParseSpan(s.Encoded())
	if err != nil {
		t.Fatal(err)
	}
	want := SpanData{
		TraceID: traceID, SpanID: spanID, ParentID: parentID, TraceState: "vendor=1", Flags: 0x301,
		Name: "GET /users/{id}", Kind: KindServer,
		Start: 1_700_000_000_000_000_001, End: 1_700_000_000_000_000_002,
		Status: StatusError, StatusMessage: "boom",
		Attributes: []Attribute{
			{"http.request.method", "GET"},
			{"http.request.body", `{"a": "é"}`},
			{"ok", true},
			{"http.response.status_code", int64(500)},
			{"negative", int64(-1)},
			{"ratio", 0.5},
			{"names", []any{"a", "", "c"}},
			{"mixed", []any{"x", int64(-7), false, 1e300}},
		},
		Events: []Event{{Time: 7, Name: "exception", DroppedAttributes: 2, Attributes: []Attribute{
			{"exception.message", strings.Repeat("long ", 100)},
			{"exception.notes", []any{"n"}},
		}}},
		Links: []Link{{TraceID: traceID, SpanID: parentID, TraceState: "t=2", Flags: 1, DroppedAttributes: 3,
			Attributes: []Attribute{{"follows", false}}}},
		DroppedAttributes: 1, DroppedEvents: 2, DroppedLinks: 3,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestSpan(t *testing.T) {
	tests := []struct {
		name  string
		build func(s *Span)
		want  SpanData
	}{
		{"an empty span is no bytes", func(s *Span) {}, SpanData{}},
		{"an unset status without a message is left out", func(s *Span) { s.Status(StatusUnset, "") }, SpanData{}},
		{"a status may have a message alone", func(s *Span) { s.Status(StatusUnset, "m") }, SpanData{StatusMessage: "m"}},
		{"a zero parent makes a root", func(s *Span) { s.Context(traceID, spanID, [8]byte{}, "", 0) },
			SpanData{TraceID: traceID, SpanID: spanID}},
		{"invalid UTF-8 becomes U+FFFD in names, keys and values", func(s *Span) {
			s.Name("n\xff")
			s.String("k\xff", "v\xff")
			s.StringBytes("b", []byte("\xc3("))
		}, SpanData{Name: "n\uFFFD", Attributes: []Attribute{{"k\uFFFD", "v\uFFFD"}, {"b", "\uFFFD("}}}},
		{"empty text is a value, not an absence", func(s *Span) { s.String("", "") },
			SpanData{Attributes: []Attribute{{"", ""}}}},
		{"an array without elements stays an array", func(s *Span) { s.Strings("k", nil) },
			SpanData{Attributes: []Attribute{{"k", []any{}}}}},
		{"an array left open is closed by the next attribute", func(s *Span) {
			s.BeginArray("a")
			s.IntElement(1)
			s.Int("b", 2)
		}, SpanData{Attributes: []Attribute{{"a", []any{int64(1)}}, {"b", int64(2)}}}},
		{"an array in an event left open is closed with it", func(s *Span) {
			s.BeginEvent(1, "e")
			s.BeginArray("a")
			s.IntElement(1)
			s.Name("n")
		}, SpanData{Name: "n", Events: []Event{{Time: 1, Name: "e", Attributes: []Attribute{{"a", []any{int64(1)}}}}}}},
		{"an event left open is closed by a link", func(s *Span) {
			s.BeginEvent(1, "e")
			s.BeginLink(traceID, spanID, "", 0)
			s.Int("on the link", 1)
			s.EndLink()
			s.Int("on the span", 2)
		}, SpanData{
			Attributes: []Attribute{{"on the span", int64(2)}},
			Events:     []Event{{Time: 1, Name: "e"}},
			Links:      []Link{{TraceID: traceID, SpanID: spanID, Attributes: []Attribute{{"on the link", int64(1)}}}},
		}},
		{"ends and elements without a begin do nothing", func(s *Span) {
			s.EndArray()
			s.EndEvent()
			s.EndLink()
			s.StringElement("x")
			s.IntElement(1)
			s.BoolElement(true)
			s.DoubleElement(1)
			s.DroppedHere(1)
		}, SpanData{}},
		{"nothing of the span before is left after Reset", func(s *Span) {
			full(s)
			s.BeginEvent(1, "open")
			s.BeginArray("open")
			s.Reset()
			s.Int("k", 1)
		}, SpanData{Attributes: []Attribute{{"k", int64(1)}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s Span
			tt.build(&s)
			got, err := ParseSpan(s.Encoded())
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, tt.want)
			}
		})
	}
}

func TestEveryLengthIsWrittenCanonically(t *testing.T) {
	for _, n := range []int{0, 1, 100, 110, 120, 127, 128, 129, 16383, 16384, 1 << 21} {
		var direct, opened Span
		text := strings.Repeat("x", n)
		direct.Strings("k", []string{text})
		opened.BeginArray("k")
		opened.StringElement(text)
		got, err := ParseSpan(opened.Encoded())
		if err != nil || !reflect.DeepEqual(got.Attributes, []Attribute{{"k", []any{text}}}) {
			t.Fatalf("array with a text of %d bytes does not read back: %v", n, err)
		}
		want := NewResource([]Attribute{{"k", []string{text}}}, "").encoded
		r := reader{rest: want} // the same pair, its lengths computed beforehand
		r.next()
		if string(r.data[1:]) != string(direct.Encoded()[1:]) {
			t.Fatalf("a text of %d bytes: lengths differ from canonical ones", n)
		}
	}
}

func TestABuilderForgetsAHugeBuffer(t *testing.T) {
	var s Span
	s.String("k", strings.Repeat("x", 4*keepBuffer))
	s.Reset()
	if cap(s.buf) > keepBuffer {
		t.Errorf("kept %d bytes after Reset", cap(s.buf))
	}
}

func TestBuildingAllocatesNothing(t *testing.T) {
	var s Span
	full(&s)
	names := []string{"a", "b"}
	if n := testing.AllocsPerRun(100, func() {
		eightAttributes(&s)
		s.Strings("names", names)
		s.BeginEvent(1, "e")
		s.Int("i", 1)
		s.EndEvent()
		s.Encoded()
	}); n != 0 {
		t.Errorf("%v allocations a span, want none", n)
	}
}

func TestDamagedSpans(t *testing.T) {
	nested := []byte{anyInt<<3 | wireVarint, 1}
	for range 200 { // a value in lists 200 deep
		list := appendText(nil, arrayValues, nested)
		nested = appendText(nil, anyArray, list)
	}
	deep := appendText(nil, spanAttributes, appendText(nil, keyValueValue, nested))
	tests := []struct{ name, bytes string }{
		{"a tag alone", "\x0a"},
		{"a length beyond the end", "\x2a\x05ab"},
		{"a length beyond any memory", "\x2a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"},
		{"a varint that never ends", "\x30\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"},
		{"field number zero", "\x02\x00"},
		{"a group", "\x0b"},
		{"a short id", "\x0a\x02ab"},
		{"a short fixed64", "\x39abc"},
		{"an attribute cut short", "\x4a\x03\x0a\x05a"},
		{"values nested 200 deep", string(deep)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseSpan([]byte("\x2a\x01n" + tt.bytes))
			if err == nil {
				t.Error("no error")
			}
			if got.Name != "n" {
				t.Errorf("name before the damage is %q, want %q", got.Name, "n")
			}
		})
	}
	t.Run("unknown fields are skipped", func(t *testing.T) {
		got, err := ParseSpan([]byte("\xfa\x7f\x02xy\x2a\x01n\xf8\x7f\x01"))
		if err != nil || got.Name != "n" {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestParsePartialSuccess(t *testing.T) {
	tests := []struct {
		name, body string
		rejected   int64
		message    string
		fails      bool
	}{
		{"an empty body means all is well", "", 0, "", false},
		{"spans rejected, with a reason", "\x0a\x08\x08\x03\x12\x04full", 3, "full", false},
		{"a warning alone", "\x0a\x06\x12\x04hint", 0, "hint", false},
		{"invalid UTF-8 in the reason", "\x0a\x03\x12\x01\xff", 0, "\uFFFD", false},
		{"not protobuf", "<html>", 0, "", true},
		{"cut short", "\x0a\x08\x08\x03", 0, "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rejected, message, err := ParsePartialSuccess([]byte(tt.body))
			if rejected != tt.rejected || message != tt.message || (err != nil) != tt.fails {
				t.Errorf("got %d, %q, %v", rejected, message, err)
			}
		})
	}
	if message, err := ParseStatus([]byte("\x08\x03\x12\x03bad")); message != "bad" || err != nil {
		t.Errorf("ParseStatus: got %q, %v", message, err)
	}
}

func FuzzParseSpan(f *testing.F) {
	var s Span
	full(&s)
	f.Add(s.Encoded())
	f.Add([]byte("\x4a\x03\x0a\x05a"))
	resource, scope := NewResource(nil, ""), NewScope("s", "")
	f.Fuzz(func(t *testing.T, b []byte) {
		ParseSpan(b)
		ParsePartialSuccess(b)
		groups := []Group{{resource, []ScopeSpans{{scope, [][]byte{b}}}}}
		if out := AppendRequestJSON(nil, groups); !json.Valid(out) {
			t.Errorf("not JSON: %s", out)
		}
	})
}

// FuzzSpan builds with the methods that the input's bytes name, in any order.
func FuzzSpan(f *testing.F) {
	f.Add("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f", "text")
	f.Fuzz(func(t *testing.T, calls, text string) {
		var s Span
		for i := range len(calls) {
			switch n := i % (len(text) + 1); calls[i] % 18 {
			case 0:
				s.Context(traceID, spanID, parentID, text[:n], uint32(n))
			case 1:
				s.Name(text[n:])
			case 2:
				s.Kind(Kind(n))
			case 3:
				s.Times(uint64(n), 1)
			case 4:
				s.Status(StatusCode(n), text[n:])
			case 5:
				s.String(text[:n], text[n:])
			case 6:
				s.Bool(text, n > 0)
			case 7:
				s.Int(text, int64(-n))
			case 8:
				s.Double(text, float64(n))
			case 9:
				s.Strings(text[:n], []string{text[n:]})
			case 10:
				s.BeginArray(text)
			case 11:
				s.StringElement(text)
			case 12:
				s.EndArray()
			case 13:
				s.BeginEvent(uint64(n), text)
			case 14:
				s.EndEvent()
			case 15:
				s.BeginLink(traceID, spanID, text, uint32(n))
			case 16:
				s.DroppedHere(uint32(n))
			case 17:
				s.Dropped(uint32(n), 1, 2)
			}
		}
		if _, err := ParseSpan(s.Encoded()); err != nil {
			t.Errorf("calls %q: %v", calls, err)
		}
	})
}

// eightAttributes is the span that the figures in docs/benchmarks.md are of.
func eightAttributes(s *Span) {
	s.Reset()
	s.Context(traceID, spanID, parentID, "", 1)
	s.Name("GET /users/{id}")
	s.Kind(KindServer)
	s.Times(1_700_000_000_000_000_001, 1_700_000_000_000_000_002)
	s.String("http.request.method", "GET")
	s.String("url.scheme", "https")
	s.String("url.path", "/users/1234")
	s.String("http.route", "/users/{id}")
	s.String("server.address", "example.com")
	s.Int("server.port", 443)
	s.Int("http.response.status_code", 200)
	s.String("user_agent.original", "curl/8.5.0")
}

func BenchmarkSpan(b *testing.B) {
	var s Span
	b.ReportAllocs()
	for b.Loop() {
		eightAttributes(&s)
		s.Encoded()
	}
}

func BenchmarkParseSpan(b *testing.B) {
	var s Span
	eightAttributes(&s)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseSpan(s.Encoded()); err != nil {
			b.Fatal(err)
		}
	}
}

func requestOf512() []Group {
	var s Span
	eightAttributes(&s)
	spans := make([][]byte, 512)
	for i := range spans {
		spans[i] = s.Encoded()
	}
	return []Group{{NewResource([]Attribute{{"service.name", "shop"}}, ""), []ScopeSpans{{NewScope("s", "1"), spans}}}}
}

func BenchmarkRequestOf512(b *testing.B) {
	groups := requestOf512()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendRequest(buf[:0], groups)
	}
}

func BenchmarkJSONRequestOf512(b *testing.B) {
	groups := requestOf512()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendRequestJSON(buf[:0], groups)
	}
}
