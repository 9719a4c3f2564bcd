package otlp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
)

const plenty = 1 << 16

// mixedGroups is a request that has a bit of everything.
func mixedGroups() []Group {
	var s, root Span
	full(&s)
	root.Context(traceID, spanID, [8]byte{}, "", 0)
	return []Group{
		{NewResource([]Attribute{{"service.name", "shop"}, {"n", int64(3)}}, "https://example.com/schema"),
			[]ScopeSpans{{NewScope("flask", "3.0"), [][]byte{s.Encoded(), root.Encoded()}}, {NewScope("", ""), [][]byte{root.Encoded()}}}},
		{NewResource(nil, ""), []ScopeSpans{{NewScope("x", ""), nil}}},
	}
}

func TestARequestIsTakenApart(t *testing.T) {
	request := AppendRequest(nil, mixedGroups())
	groups, err := ParseRequest(request, plenty)
	if err != nil {
		t.Fatal(err)
	}
	if got := AppendRequest(nil, groups); !bytes.Equal(got, request) {
		t.Errorf("joined again it is\n%q, want\n%q", got, request)
	}
	r, s := groups[0].Resource, groups[0].Scopes[0].Scope
	want := []Attribute{{"service.name", "shop"}, {"n", int64(3)}}
	if !reflect.DeepEqual(r.Attributes(), want) || r.SchemaURL() != "https://example.com/schema" {
		t.Errorf("resource: %v, %q", r.Attributes(), r.SchemaURL())
	}
	var seen []string
	r.EachAttribute(func(key []byte, value RawValue) {
		seen = append(seen, fmt.Sprintf("%s=%s%d", key, value.Text(), value.Int()))
	})
	if !reflect.DeepEqual(seen, []string{"service.name=shop0", "n=3"}) {
		t.Errorf("attributes one by one: %v", seen)
	}
	if s.Name() != "flask" || s.Version() != "3.0" {
		t.Errorf("scope: %q, %q", s.Name(), s.Version())
	}
	if len(groups[0].Scopes[0].Spans) != 2 || len(groups[0].Scopes[1].Spans) != 1 || len(groups[1].Scopes[0].Spans) != 0 {
		t.Errorf("spans: %+v", groups)
	}
}

func TestUnknownFieldsOfARequestAreKept(t *testing.T) {
	scope := appendText(appendText(nil, scopeSpansSpans, "span"), 9, "new in the scope")
	resource := appendText(appendText(appendText(nil, 9, "new"), resourceSpansScopes, scope), resourceSpansResource, "\x0a\x02\x0a\x00")
	groups, err := ParseRequest(appendText(nil, requestResourceSpans, resource), plenty)
	if err != nil {
		t.Fatal(err)
	}
	if again := AppendRequest(nil, groups); !bytes.Contains(again, []byte("new in the scope")) || !bytes.Contains(again, []byte("\x4a\x03new")) {
		t.Errorf("got %q", again)
	}
}

func TestARequestOfTooManyPartsIsRefused(t *testing.T) {
	request := AppendRequest(nil, mixedGroups()) // two groups, three scopes, three spans
	if _, err := ParseRequest(request, 8); err != nil {
		t.Errorf("8 parts of 8: %v", err)
	}
	if groups, err := ParseRequest(request, 7); err != errTooMany || len(groups) != 2 {
		t.Errorf("8 parts of 7: %v", err)
	}
}

func TestDamagedRequests(t *testing.T) {
	whole := AppendRequest(nil, mixedGroups())
	for n := 1; n < len(whole); n++ {
		groups, err := ParseRequest(whole[:n], plenty)
		if again := AppendRequest(nil, groups); err == nil && !bytes.Equal(again, whole[:n]) {
			t.Fatalf("cut after %d bytes it is read without an error, as %q", n, again)
		}
	}
}

func TestScanSpanReadsWhatParseSpanReads(t *testing.T) {
	var s Span
	full(&s)
	want, err := ParseSpan(s.Encoded())
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	values := map[string]RawValue{}
	got, attributes, events, err := ScanSpan(s.Encoded(), func(key []byte, value RawValue) {
		keys = append(keys, string(key))
		values[string(key)] = value
	})
	if err != nil || attributes != len(want.Attributes) || len(keys) != attributes || events != len(want.Events) {
		t.Errorf("%d attributes, %d events, %v, %v", attributes, events, keys, err)
	}
	want.Attributes, want.Events, want.Links = nil, nil, nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if v := values["http.request.method"]; v.Text() != "GET" || v.Int() != 0 || v.Value() != "GET" {
		t.Errorf("a text: %q, %d", v.Text(), v.Int())
	}
	if v := values["http.response.status_code"]; v.Text() != "" || v.Int() != 500 || v.Value() != int64(500) {
		t.Errorf("an integer: %q, %d", v.Text(), v.Int())
	}
}

// logRecord is a record with every field.
func logRecord() (encoded []byte, want LogData) {
	b := appendFixed64(nil, logTime, 5)
	b = appendFixed64(b, logObserved, 6)
	b = appendUint(b, logSeverity, 17)
	b = appendText(b, logSeverityText, "ERROR")
	b = appendText(b, logEventName, "failed")
	b = appendText(b, logBody, appendText(nil, anyString, "out of stock\xff"))
	b = appendAttribute(b, logAttributes, Attribute{"item", "pear"})
	b = appendUint(b, logDropped, 2)
	b = appendFixed32(b, logFlags, 1)
	b = appendText(b, logTraceID, traceID[:])
	b = appendText(b, logSpanID, spanID[:])
	return b, LogData{Time: 5, Observed: 6, Severity: 17, SeverityText: "ERROR", EventName: "failed", Body: "out of stock\uFFFD",
		Attributes: []Attribute{{"item", "pear"}}, DroppedAttributes: 2, Flags: 1, TraceID: traceID, SpanID: spanID}
}

func TestLogRecordsAreWrittenAsTheyAreRead(t *testing.T) {
	_, want := logRecord()
	want.EventName = "" // which is not written
	var s Span
	s.ResetLog()
	s.LogBody("out of stock\xff")
	s.String("item", "pear")
	s.Log(want)
	if got, err := ParseLog(s.Encoded()); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
	s.Reset()
	s.String("item", "pear")
	if got, err := ParseSpan(s.Encoded()); err != nil || len(got.Attributes) != 1 {
		t.Errorf("a span after it: %+v, %v", got, err)
	}
}

func TestLogRecords(t *testing.T) {
	encoded, want := logRecord()
	got, err := ParseLog(encoded)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
	want.Body, want.Attributes = nil, nil
	if got, body, err := ScanLog(encoded); err != nil || !reflect.DeepEqual(got, want) || body.Text() != "out of stock\uFFFD" {
		t.Errorf("scanned: got  %+v, %q, %v\nwant %+v", got, body, err, want)
	}
	if got, err := ParseLog([]byte("\x4a\x00\x52\x00")); err != nil || got.TraceID != [16]byte{} {
		t.Errorf("empty ids: %+v, %v", got, err)
	}
	if _, err := ParseLog([]byte("\x4a\x01x")); err == nil {
		t.Error("no error for a short id")
	}
}

func TestJSONIsReadBack(t *testing.T) {
	t.Run("traces", func(t *testing.T) {
		request := AppendRequest(nil, mixedGroups())
		text := AppendJSON(nil, Traces, request)
		got, err := ParseJSON(Traces, text)
		if err != nil {
			t.Fatal(err)
		}
		if again := AppendJSON(nil, Traces, got); !bytes.Equal(again, text) {
			t.Errorf("got\n%s\nwant\n%s", again, text)
		}
	})
	t.Run("logs", func(t *testing.T) {
		record, want := logRecord()
		request := AppendRequest(nil, []Group{{NewResource([]Attribute{{"k", "v"}}, ""), []ScopeSpans{{NewScope("s", ""), [][]byte{record}}}}})
		text := AppendJSON(nil, Logs, request)
		got, err := ParseJSON(Logs, text)
		if err != nil {
			t.Fatal(err)
		}
		groups, err := ParseRequest(got, plenty)
		if err != nil {
			t.Fatal(err)
		}
		if l, err := ParseLog(groups[0].Scopes[0].Spans[0]); err != nil || !reflect.DeepEqual(l, want) {
			t.Errorf("got  %+v, %v\nwant %+v\nfrom %s", l, err, want, text)
		}
	})
	t.Run("the golden file", func(t *testing.T) {
		text, err := os.ReadFile("testdata/request.json")
		if err != nil {
			t.Fatal(err)
		}
		request, err := ParseJSON(Traces, text)
		if err != nil {
			t.Fatal(err)
		}
		var compact bytes.Buffer
		json.Compact(&compact, text)
		if got := AppendJSON(nil, Traces, request); !bytes.Equal(got, compact.Bytes()) {
			t.Errorf("got\n%s\nwant\n%s", got, compact.Bytes())
		}
	})
}

// spanJSON wraps the fields of a span into a request.
func spanJSON(fields string) string {
	return `{"resourceSpans": [{"scopeSpans": [{"spans": [{` + fields + `}]}]}]}`
}

func TestWhatOthersWriteInJSON(t *testing.T) {
	value := func(text string) string { return `"attributes": [{"key": "k", "value": ` + text + `}]` }
	attribute := func(v any) SpanData { return SpanData{Attributes: []Attribute{{"k", v}}} }
	tests := []struct {
		name, fields string
		want         SpanData
	}{
		{"ids in capitals", `"traceId": "0AF7651916CD43DD8448EB211C80319C"`,
			SpanData{TraceID: [16]byte{0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c}}},
		{"times as numbers", `"startTimeUnixNano": 1700000000000000001`, SpanData{Start: 1700000000000000001}},
		{"times as texts", `"endTimeUnixNano": "1700000000000000001"`, SpanData{End: 1700000000000000001}},
		{"kinds by name", `"kind": "SPAN_KIND_SERVER"`, SpanData{Kind: KindServer}},
		{"status by name", `"status": {"code": "STATUS_CODE_ERROR"}`, SpanData{Status: StatusError}},
		{"snake_case", `"start_time_unix_nano": "1", "dropped_attributes_count": 2`, SpanData{Start: 1, DroppedAttributes: 2}},
		{"null is not there", `"name": null, "attributes": null, "kind": null`, SpanData{}},
		{"an empty parent", `"parentSpanId": ""`, SpanData{}},
		{"unknown fields of any shape", `"new": {"a": [1, {"b": "]"}]}, "name": "n", "newer": [[]]`, SpanData{Name: "n"}},
		{"flags beyond a byte", `"flags": 769`, SpanData{Flags: 769}},
		{"integers as numbers", value(`{"intValue": -3}`), attribute(int64(-3))},
		{"zero is a value", value(`{"intValue": "0"}`), attribute(int64(0))},
		{"false is a value", value(`{"boolValue": false}`), attribute(false)},
		{"an empty text is a value", value(`{"stringValue": ""}`), attribute("")},
		{"no value at all", value(`{}`), attribute(nil)},
		{"whole doubles", value(`{"doubleValue": 3}`), attribute(3.0)},
		{"infinite doubles", value(`{"doubleValue": "-Infinity"}`), attribute(math.Inf(-1))},
		{"bytes", value(`{"bytesValue": "AQI="}`), attribute([]byte{1, 2})},
		{"lists", value(`{"arrayValue": {"values": [{"stringValue": "a"}, {}]}}`), attribute([]any{"a", nil})},
		{"maps", value(`{"kvlistValue": {"values": [{"key": "x", "value": {"boolValue": true}}]}}`), attribute([]Attribute{{"x", true}})},
		{"escapes", `"name": "\u00e9\n\ud83d\ude00 \ud800"`, SpanData{Name: "é\n😀 \uFFFD"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			request, err := ParseJSON(Traces, []byte(spanJSON(tt.fields)))
			if err != nil {
				t.Fatal(err)
			}
			groups, err := ParseRequest(request, plenty)
			if err != nil {
				t.Fatal(err)
			}
			got, err := ParseSpan(groups[0].Scopes[0].Spans[0])
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, tt.want)
			}
		})
	}
}

func TestBadJSON(t *testing.T) {
	deep := strings.Repeat(`{"arrayValue": {"values": [`, 100) + strings.Repeat(`]}}`, 100)
	tests := []struct{ name, text, want string }{
		{"nothing", "", "JSON: at byte 0: the text is cut short"},
		{"cut short", `{"resourceSpans": [`, "the text is cut short"},
		{"not JSON", "<html>", "invalid character '<'"},
		{"not an object", "[]", "want an object, got ["},
		{"two objects", "{}{}", "there is more after the end of the object"},
		{"no array", `{"resourceSpans": {}}`, "resourceSpans: want an array, got {"},
		{"null among the spans", `{"resourceSpans": [null]}`, "want an object, got null"},
		{"an id that is no hexadecimal", spanJSON(`"traceId": "xyz"`), `traceId: want hexadecimal digits, got "xyz"`},
		{"an id that is a number", spanJSON(`"traceId": 12`), `traceId: want hexadecimal digits, got 12`},
		{"a name that is a number", spanJSON(`"name": 1`), "name: want a text, got 1"},
		{"a kind nobody knows", spanJSON(`"kind": "SPAN_KIND_ODD"`), `kind: want the number of one of its values, got "SPAN_KIND_ODD"`},
		{"a time before 1970", spanJSON(`"startTimeUnixNano": "-1"`), `startTimeUnixNano: want a whole number of 64 bits that is not negative, got "-1"`},
		{"a count beyond its bits", spanJSON(`"droppedLinksCount": 4294967296`), "droppedLinksCount: want a whole number of 32 bits that is not negative, got 4294967296"},
		{"a truth that is a text", spanJSON(`"attributes": [{"value": {"boolValue": "yes"}}]`), `boolValue: want true or false, got "yes"`},
		{"an integer with a fraction", spanJSON(`"attributes": [{"value": {"intValue": 1.5}}]`), "intValue: want a whole number of 64 bits, got 1.5"},
		{"a double that is none", spanJSON(`"attributes": [{"value": {"doubleValue": "much"}}]`), `doubleValue: want a number, got "much"`},
		{"bytes that are no base64", spanJSON(`"attributes": [{"value": {"bytesValue": "?"}}]`), `bytesValue: want base64, got "?"`},
		{"values nested 100 deep", spanJSON(`"attributes": [{"value": ` + deep + `}]`), "values nested too deeply"},
		{"long texts are not repeated whole", spanJSON(`"traceId": "` + strings.Repeat("x", 1000) + `"`), `got "` + strings.Repeat("x", 40) + `…"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseJSON(Traces, []byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want a line with %q", err, tt.want)
			}
		})
	}
}

func TestPartsAreCounted(t *testing.T) {
	var s Span
	s.Name("n")
	if n := Parts(Traces, s.Encoded(), 100); n != 1 {
		t.Errorf("a span alone: %d", n)
	}
	s.Strings("k", []string{"a", "b"}) // the attribute, its value, the array, two values
	s.BeginEvent(1, "e")
	s.Int("i", 1)
	if n := Parts(Traces, s.Encoded(), 100); n != 1+5+3 {
		t.Errorf("a list and an event: %d", n)
	}
	if n := Parts(Traces, s.Encoded(), 4); n != 4 {
		t.Errorf("at most 4: %d", n)
	}
	record, _ := logRecord()
	if n := Parts(Logs, record, 100); n != 1+1+2 {
		t.Errorf("a log record: %d", n)
	}
	nested := []byte{}
	for range 2000 {
		nested = appendText(appendHeader(nil, anyArray, sizeBytes(len(nested))), arrayValues, nested)
	}
	if n := Parts(Traces, appendText(nil, spanAttributes, appendText(nil, keyValueValue, nested)), 1000); n != 1000 {
		t.Errorf("nested without end: %d", n)
	}
}

func TestAnswersAreReadBack(t *testing.T) {
	rejected, message, err := ParsePartialSuccess(AppendPartialSuccess(nil, 3, "too large"))
	if rejected != 3 || message != "too large" || err != nil {
		t.Errorf("got %d, %q, %v", rejected, message, err)
	}
	if b := AppendPartialSuccess(nil, 0, ""); len(b) != 0 {
		t.Errorf("full success is %q", b)
	}
	if message, err := ParseStatus(AppendStatus(nil, 3, "malformed")); message != "malformed" || err != nil {
		t.Errorf("got %q, %v", message, err)
	}
}

func FuzzParseRequest(f *testing.F) {
	f.Add(AppendRequest(nil, mixedGroups()))
	record, _ := logRecord()
	f.Add(appendText(nil, 1, appendText(nil, 2, appendText(nil, 2, record))))
	f.Fuzz(func(t *testing.T, b []byte) {
		groups, err := ParseRequest(b, plenty)
		for _, s := range []Signal{Traces, Logs} {
			text := AppendJSON(nil, s, b)
			if !json.Valid(text) {
				t.Fatalf("not JSON: %s", text)
			}
		}
		for _, g := range groups {
			g.Resource.Attributes()
			for _, s := range g.Scopes {
				for _, span := range s.Spans {
					ParseLog(span)
					want, wrong := ParseSpan(span)
					got, attributes, events, err := ScanSpan(span, nil)
					want.Attributes = want.Attributes[:min(attributes, len(want.Attributes))]
					if wrong == nil && (err != nil || attributes != len(want.Attributes) || events != len(want.Events) || got.SpanID != want.SpanID) {
						t.Errorf("scanned as %+v, parsed as %+v", got, want)
					}
				}
			}
		}
		again := AppendRequest(nil, groups)
		if groups2, err2 := ParseRequest(again, plenty); err == nil && (err2 != nil || !bytes.Equal(AppendRequest(nil, groups2), again)) {
			t.Errorf("joined and taken apart again it is another: %v", err2)
		}
	})
}

func FuzzParseJSON(f *testing.F) {
	f.Add(AppendRequestJSON(nil, mixedGroups()))
	golden, err := os.ReadFile("testdata/request.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Add([]byte(spanJSON(`"kind": "SPAN_KIND_SERVER", "flags": 769, "new": [[{}]]`)))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, s := range []Signal{Traces, Logs} {
			request, err := ParseJSON(s, text)
			if err != nil {
				if strings.Contains(err.Error(), "\n") {
					t.Errorf("an error of several lines: %v", err)
				}
				continue
			}
			if _, err := ParseRequest(request, math.MaxInt); err != nil {
				t.Errorf("what was made of %s cannot be read: %v", text, err)
			}
			once := AppendJSON(nil, s, request)
			twice, err := ParseJSON(s, once)
			if err != nil || !bytes.Equal(AppendJSON(nil, s, twice), once) {
				t.Errorf("%s is read back as %s, %v", once, AppendJSON(nil, s, twice), err)
			}
		}
	})
}
