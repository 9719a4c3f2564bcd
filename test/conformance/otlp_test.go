package conformance

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/test/receiver"
)

// TestRandomRequests builds random spans twice, with our builder and as
// official structures, and wants the official decoder to find them equal, from
// protobuf and from JSON.
func TestRandomRequests(t *testing.T) {
	for seed := range uint64(500) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			g := &generator{rand.New(rand.NewPCG(seed, 0))}
			groups, want := g.request()

			got, err := receiver.Decode(otlp.AppendRequest(nil, groups), "application/x-protobuf", "")
			if err != nil {
				t.Fatal(err)
			}
			if !proto.Equal(got, want) {
				t.Errorf("protobuf: got\n%v\nwant\n%v", got, want)
			}
			text := otlp.AppendRequestJSON(nil, groups)
			got, err = receiver.Decode(text, "application/json", "")
			if err != nil {
				t.Fatal(err)
			}
			if !proto.Equal(got, want) {
				t.Errorf("JSON: got\n%v\nwant\n%v\nfrom %s", got, want, text)
			}
			if err := followsOTLP(text); err != nil {
				t.Errorf("JSON: %v in %s", err, text)
			}
			back, err := otlp.ParseJSON(otlp.Traces, text)
			if err != nil {
				t.Fatal(err)
			}
			got = &tracepb.TracesData{}
			if err := proto.Unmarshal(back, got); err != nil || !proto.Equal(got, want) {
				t.Errorf("read back from JSON: got\n%v, %v\nwant\n%v", got, err, want)
			}
		})
	}
}

// TestLogRequests transcodes random requests of log records to JSON and back,
// and wants the official decoder to find them unchanged.
func TestLogRequests(t *testing.T) {
	for seed := range uint64(200) {
		g := &generator{rand.New(rand.NewPCG(seed, 3))}
		want := g.logs()
		official, err := proto.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		text := otlp.AppendJSON(nil, otlp.Logs, official)
		if err := followsOTLP(text); err != nil {
			t.Errorf("seed %d: %v in %s", seed, err, text)
		}
		back, err := otlp.ParseJSON(otlp.Logs, text)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		got := &logspb.LogsData{}
		if err := proto.Unmarshal(back, got); err != nil || !proto.Equal(got, want) {
			t.Errorf("seed %d: got\n%v, %v\nwant\n%v\nfrom %s", seed, got, err, want, text)
		}
		groups, err := otlp.ParseRequest(official, math.MaxInt)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for i, rl := range want.ResourceLogs {
			for k, sl := range rl.ScopeLogs {
				for n, record := range sl.LogRecords {
					l, err := otlp.ParseLog(groups[i].Scopes[k].Spans[n])
					if err != nil || l.Time != record.TimeUnixNano || l.Severity != int32(record.SeverityNumber) || l.Flags != record.Flags ||
						string(l.TraceID[:]) != string(record.TraceId) || l.EventName != record.EventName || len(l.Attributes) != len(record.Attributes) {
						t.Errorf("seed %d: %+v, %v\nwant %v", seed, l, err, record)
					}
				}
			}
		}
	}
}

// TestOfficialSpansAreRead has our reader read what the official module writes.
func TestOfficialSpansAreRead(t *testing.T) {
	for seed := range uint64(200) {
		g := &generator{rand.New(rand.NewPCG(seed, 1))}
		groups, want := g.request()
		for i, rs := range want.ResourceSpans {
			for k, ss := range rs.ScopeSpans {
				for n, span := range ss.Spans {
					official, err := proto.Marshal(span)
					if err != nil {
						t.Fatal(err)
					}
					theirs, err := otlp.ParseSpan(official)
					if err != nil {
						t.Fatalf("seed %d: %v", seed, err)
					}
					ours, err := otlp.ParseSpan(groups[i].Scopes[k].Spans[n])
					if err != nil {
						t.Fatalf("seed %d: %v", seed, err)
					}
					// %+v, because NaN is not equal to itself.
					if fmt.Sprintf("%+v", theirs) != fmt.Sprintf("%+v", ours) {
						t.Errorf("seed %d: got\n%+v\nwant\n%+v", seed, theirs, ours)
					}
				}
			}
		}
	}
}

// TestTheSameLengthAsOfficial shows that the encoding is canonical: official
// marshalling is not shorter by a byte.
func TestTheSameLengthAsOfficial(t *testing.T) {
	for seed := range uint64(200) {
		g := &generator{rand.New(rand.NewPCG(seed, 2))}
		groups, want := g.request()
		for i := range want.ResourceSpans {
			for k, ss := range want.ResourceSpans[i].ScopeSpans {
				for n, span := range ss.Spans {
					if got, want := len(groups[i].Scopes[k].Spans[n]), proto.Size(span); got != want {
						t.Errorf("seed %d: %d bytes, official %d: %v", seed, got, want, span)
					}
				}
			}
		}
	}
}

// followsOTLP checks what OTLP asks of JSON beyond protobuf's: ids that are
// hexadecimal (the decoder has seen to it), 64-bit integers as strings and
// enums as numbers, where protobuf's decoder would take both.
func followsOTLP(text []byte) error {
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		return err
	}
	texts := map[string]bool{"startTimeUnixNano": true, "endTimeUnixNano": true, "timeUnixNano": true, "observedTimeUnixNano": true, "intValue": true}
	numbers := map[string]bool{"kind": true, "code": true, "flags": true, "droppedAttributesCount": true, "severityNumber": true}
	var walk func(node any) error
	walk = func(node any) error {
		switch node := node.(type) {
		case []any:
			for _, e := range node {
				if err := walk(e); err != nil {
					return err
				}
			}
		case map[string]any:
			for k, v := range node {
				_, isText := v.(string)
				_, isNumber := v.(float64)
				if texts[k] && !isText || numbers[k] && !isNumber {
					return fmt.Errorf("%s is %v (%T)", k, v, v)
				}
				if err := walk(v); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return walk(tree)
}

// generator makes the same random things in both forms.
type generator struct{ *rand.Rand }

func (g *generator) request() ([]otlp.Group, *tracepb.TracesData) {
	var groups []otlp.Group
	want := &tracepb.TracesData{}
	for range g.IntN(3) {
		ours, theirs := g.resourceAttributes()
		group := otlp.Group{Resource: otlp.NewResource(ours, g.text())}
		rs := &tracepb.ResourceSpans{
			Resource:  &resourcepb.Resource{Attributes: theirs},
			SchemaUrl: group.Resource.SchemaURL(),
		}
		for range g.IntN(3) {
			scope := otlp.NewScope(g.text(), g.text())
			ss := otlp.ScopeSpans{Scope: scope}
			wantScope := &tracepb.ScopeSpans{Scope: &commonpb.InstrumentationScope{Name: scope.Name(), Version: scope.Version()}}
			for range g.IntN(4) {
				span, official := g.span()
				ss.Spans = append(ss.Spans, span)
				wantScope.Spans = append(wantScope.Spans, official)
			}
			group.Scopes = append(group.Scopes, ss)
			rs.ScopeSpans = append(rs.ScopeSpans, wantScope)
		}
		groups = append(groups, group)
		want.ResourceSpans = append(want.ResourceSpans, rs)
	}
	return groups, want
}

func (g *generator) logs() *logspb.LogsData {
	data := &logspb.LogsData{}
	for range g.IntN(3) {
		_, attributes := g.resourceAttributes()
		rl := &logspb.ResourceLogs{Resource: &resourcepb.Resource{Attributes: attributes}, SchemaUrl: g.text()}
		for range g.IntN(3) {
			_, attributes := g.resourceAttributes()
			sl := &logspb.ScopeLogs{
				Scope:     &commonpb.InstrumentationScope{Name: g.text(), Attributes: attributes, DroppedAttributesCount: g.number()},
				SchemaUrl: g.text(),
			}
			for range g.IntN(4) {
				_, attributes := g.resourceAttributes()
				_, body := g.value(0)
				id, span := g.id16(), g.id8()
				sl.LogRecords = append(sl.LogRecords, &logspb.LogRecord{
					TimeUnixNano: g.Uint64(), ObservedTimeUnixNano: g.Uint64(),
					SeverityNumber: logspb.SeverityNumber(g.IntN(25)), SeverityText: g.text(),
					Body: body, Attributes: attributes, DroppedAttributesCount: g.number(),
					Flags: g.number(), TraceId: id[:], SpanId: span[:], EventName: g.text(),
				})
			}
			rl.ScopeLogs = append(rl.ScopeLogs, sl)
		}
		data.ResourceLogs = append(data.ResourceLogs, rl)
	}
	return data
}

func (g *generator) span() ([]byte, *tracepb.Span) {
	var s otlp.Span
	want := &tracepb.Span{}
	traceID, spanID, parentID := g.id16(), g.id8(), g.id8()
	if g.IntN(3) == 0 {
		parentID = [8]byte{}
	} else {
		want.ParentSpanId = parentID[:]
	}
	want.TraceId, want.SpanId = traceID[:], spanID[:]
	want.TraceState, want.Flags = g.text(), g.number()
	s.Context(traceID, spanID, parentID, want.TraceState, want.Flags)

	want.Name, want.Kind = g.text(), tracepb.Span_SpanKind(1+g.IntN(5))
	if want.Name == "" {
		want.Name = "-" // we write empty names too, official marshalling does not
	}
	s.Name(want.Name)
	s.Kind(otlp.Kind(want.Kind))
	want.StartTimeUnixNano, want.EndTimeUnixNano = g.Uint64()|1, g.Uint64()|1
	s.Times(want.StartTimeUnixNano, want.EndTimeUnixNano)
	if g.IntN(2) == 0 {
		status := &tracepb.Status{Code: tracepb.Status_StatusCode(1 + g.IntN(2)), Message: g.text()}
		want.Status = status
		s.Status(otlp.StatusCode(status.Code), status.Message)
	}
	want.Attributes = g.attributes(&s)
	for range g.IntN(3) {
		e := &tracepb.Span_Event{TimeUnixNano: g.Uint64() | 1, Name: "e" + g.text()}
		s.BeginEvent(e.TimeUnixNano, e.Name)
		e.Attributes = g.attributes(&s)
		e.DroppedAttributesCount = g.number()
		s.DroppedHere(e.DroppedAttributesCount)
		s.EndEvent()
		want.Events = append(want.Events, e)
	}
	for range g.IntN(3) {
		id, span := g.id16(), g.id8()
		l := &tracepb.Span_Link{TraceId: id[:], SpanId: span[:], TraceState: g.text(), Flags: g.number()}
		s.BeginLink(id, span, l.TraceState, l.Flags)
		l.Attributes = g.attributes(&s)
		l.DroppedAttributesCount = g.number()
		s.DroppedHere(l.DroppedAttributesCount)
		s.EndLink()
		want.Links = append(want.Links, l)
	}
	want.DroppedAttributesCount, want.DroppedEventsCount, want.DroppedLinksCount = g.number(), g.number(), g.number()
	s.Dropped(want.DroppedAttributesCount, want.DroppedEventsCount, want.DroppedLinksCount)
	return s.Encoded(), want
}

func (g *generator) attributes(s *otlp.Span) (want []*commonpb.KeyValue) {
	for range g.IntN(5) {
		key := "k" + g.text()
		var value *commonpb.AnyValue
		switch g.IntN(7) {
		case 0:
			v := g.text()
			s.String(key, v)
			value = anyString(v)
		case 1:
			v := g.text()
			s.StringBytes(key, []byte(v))
			value = anyString(v)
		case 2:
			v := g.IntN(2) == 0
			s.Bool(key, v)
			value = &commonpb.AnyValue{Value: &commonpb.AnyValue_BoolValue{BoolValue: v}}
		case 3:
			v := int64(g.Uint64()) >> g.IntN(64)
			s.Int(key, v)
			value = anyInt(v)
		case 4:
			v := g.float()
			s.Double(key, v)
			value = anyDouble(v)
		case 5:
			list := &commonpb.ArrayValue{}
			var texts []string
			for range g.IntN(4) {
				texts = append(texts, g.text())
				list.Values = append(list.Values, anyString(texts[len(texts)-1]))
			}
			s.Strings(key, texts)
			value = anyArray(list)
		case 6:
			list := &commonpb.ArrayValue{}
			s.BeginArray(key)
			for range g.IntN(4) {
				i, f, b := int64(g.Uint64()), g.float(), g.IntN(2) == 0
				s.IntElement(i)
				s.DoubleElement(f)
				s.BoolElement(b)
				list.Values = append(list.Values, anyInt(i), anyDouble(f),
					&commonpb.AnyValue{Value: &commonpb.AnyValue_BoolValue{BoolValue: b}})
			}
			s.EndArray()
			value = anyArray(list)
		}
		want = append(want, &commonpb.KeyValue{Key: key, Value: value})
	}
	return want
}

func (g *generator) resourceAttributes() (ours []otlp.Attribute, theirs []*commonpb.KeyValue) {
	for range g.IntN(6) {
		key := "k" + g.text()
		our, their := g.value(0)
		ours = append(ours, otlp.Attribute{Key: key, Value: our})
		theirs = append(theirs, &commonpb.KeyValue{Key: key, Value: their})
	}
	return ours, theirs
}

func (g *generator) value(depth int) (any, *commonpb.AnyValue) {
	n := 9
	if depth > 3 {
		n = 6
	}
	switch g.IntN(n) {
	case 0:
		return nil, &commonpb.AnyValue{}
	case 1:
		v := g.text()
		return v, anyString(v)
	case 2:
		v := g.IntN(1 << 40)
		return v, anyInt(int64(v))
	case 3:
		v := int64(g.Uint64())
		return v, anyInt(v)
	case 4:
		v := g.float()
		return v, anyDouble(v)
	case 5:
		v := []byte(g.text())
		return v, &commonpb.AnyValue{Value: &commonpb.AnyValue_BytesValue{BytesValue: v}}
	case 6:
		ours, theirs := []any{}, &commonpb.ArrayValue{}
		for range g.IntN(4) {
			our, their := g.value(depth + 1)
			ours, theirs.Values = append(ours, our), append(theirs.Values, their)
		}
		return ours, anyArray(theirs)
	case 7:
		ours, theirs := []otlp.Attribute{}, &commonpb.KeyValueList{}
		for range g.IntN(4) {
			key := "k" + g.text()
			our, their := g.value(depth + 1)
			ours = append(ours, otlp.Attribute{Key: key, Value: our})
			theirs.Values = append(theirs.Values, &commonpb.KeyValue{Key: key, Value: their})
		}
		return ours, &commonpb.AnyValue{Value: &commonpb.AnyValue_KvlistValue{KvlistValue: theirs}}
	default:
		return []string{"a", ""}, anyArray(&commonpb.ArrayValue{Values: []*commonpb.AnyValue{anyString("a"), anyString("")}})
	}
}

func (g *generator) text() string {
	const alphabet = "ab \"\\\x00\x1f\x7f\n\t/<é✓😀\u2028\uFFFD"
	letters := []rune(alphabet)
	n := g.IntN(20)
	if g.IntN(30) == 0 {
		n = 100 + g.IntN(20000) // lengths that take two and three bytes
	}
	var b strings.Builder
	for range n {
		b.WriteRune(letters[g.IntN(len(letters))])
	}
	return b.String()
}

func (g *generator) float() float64 {
	special := []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat64,
		math.SmallestNonzeroFloat64, 1e21, 0.1}
	if i := g.IntN(2 * len(special)); i < len(special) {
		return special[i]
	}
	return g.NormFloat64()
}

func (g *generator) number() uint32 { return uint32(g.Uint64()) >> g.IntN(33) }

func (g *generator) id16() (id [16]byte) {
	for i := range id {
		id[i] = byte(1 + g.IntN(255))
	}
	return id
}

func (g *generator) id8() (id [8]byte) {
	for i := range id {
		id[i] = byte(1 + g.IntN(255))
	}
	return id
}

func anyString(v string) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: v}}
}

func anyInt(v int64) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: v}}
}

func anyDouble(v float64) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_DoubleValue{DoubleValue: v}}
}

func anyArray(v *commonpb.ArrayValue) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: v}}
}
