package otlp

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// AppendRequestJSON appends the body of an export request in OTLP JSON to dst,
// transcoded from the same bytes that AppendRequest takes. As OTLP says: ids
// are hexadecimal, 64-bit integers are strings, enums are numbers, and fields
// with a default value are left out. Of a damaged span, which [Span] never
// makes, the fields before the damage are written.
func AppendRequestJSON(dst []byte, groups []Group) []byte {
	j := jsonWriter{b: dst}
	j.begin('{')
	j.key("resourceSpans")
	j.begin('[')
	for _, g := range groups {
		j.begin('{')
		j.key("resource")
		j.begin('{')
		j.attributes("attributes", g.Resource.attributes)
		j.end('}')
		j.text("schemaUrl", g.Resource.schemaURL)
		j.key("scopeSpans")
		j.begin('[')
		for _, s := range g.Scopes {
			j.begin('{')
			j.key("scope")
			j.begin('{')
			j.text("name", s.Scope.name)
			j.text("version", s.Scope.version)
			j.end('}')
			j.key("spans")
			j.begin('[')
			for _, b := range s.Spans {
				span, _ := ParseSpan(b)
				j.span(&span)
			}
			j.end(']')
			j.end('}')
		}
		j.end(']')
		j.end('}')
	}
	j.end(']')
	j.end('}')
	return j.b
}

// jsonWriter appends JSON; its methods see to the commas.
type jsonWriter struct {
	b     []byte
	comma bool
}

func (j *jsonWriter) separate() {
	if j.comma {
		j.b = append(j.b, ',')
	}
	j.comma = true
}

func (j *jsonWriter) begin(c byte) {
	j.separate()
	j.b, j.comma = append(j.b, c), false
}

func (j *jsonWriter) end(c byte) { j.b, j.comma = append(j.b, c), true }

func (j *jsonWriter) key(k string) {
	j.separate()
	j.b = append(append(append(j.b, '"'), k...), '"', ':')
	j.comma = false
}

// The methods below leave a field out when it has its default value.

func (j *jsonWriter) text(key, v string) {
	if v != "" {
		j.key(key)
		j.string(v)
	}
}

func (j *jsonWriter) id(key string, id []byte, zero bool) {
	if !zero {
		j.key(key)
		j.separate()
		j.b = append(hex.AppendEncode(append(j.b, '"'), id), '"')
	}
}

func (j *jsonWriter) number(key string, v int64) {
	if v != 0 {
		j.key(key)
		j.separate()
		j.b = strconv.AppendInt(j.b, v, 10)
	}
}

func (j *jsonWriter) time(key string, ns uint64) {
	if ns != 0 {
		j.key(key)
		j.separate()
		j.b = append(strconv.AppendUint(append(j.b, '"'), ns, 10), '"')
	}
}

func (j *jsonWriter) span(s *SpanData) {
	j.begin('{')
	j.id("traceId", s.TraceID[:], s.TraceID == [16]byte{})
	j.id("spanId", s.SpanID[:], s.SpanID == [8]byte{})
	j.text("traceState", s.TraceState)
	j.id("parentSpanId", s.ParentID[:], s.ParentID == [8]byte{})
	j.number("flags", int64(s.Flags))
	j.text("name", s.Name)
	j.number("kind", int64(s.Kind))
	j.time("startTimeUnixNano", s.Start)
	j.time("endTimeUnixNano", s.End)
	j.attributes("attributes", s.Attributes)
	j.number("droppedAttributesCount", int64(s.DroppedAttributes))
	if len(s.Events) > 0 {
		j.key("events")
		j.begin('[')
		for _, e := range s.Events {
			j.begin('{')
			j.time("timeUnixNano", e.Time)
			j.text("name", e.Name)
			j.attributes("attributes", e.Attributes)
			j.number("droppedAttributesCount", int64(e.DroppedAttributes))
			j.end('}')
		}
		j.end(']')
	}
	j.number("droppedEventsCount", int64(s.DroppedEvents))
	if len(s.Links) > 0 {
		j.key("links")
		j.begin('[')
		for _, l := range s.Links {
			j.begin('{')
			j.id("traceId", l.TraceID[:], l.TraceID == [16]byte{})
			j.id("spanId", l.SpanID[:], l.SpanID == [8]byte{})
			j.text("traceState", l.TraceState)
			j.number("flags", int64(l.Flags))
			j.attributes("attributes", l.Attributes)
			j.number("droppedAttributesCount", int64(l.DroppedAttributes))
			j.end('}')
		}
		j.end(']')
	}
	j.number("droppedLinksCount", int64(s.DroppedLinks))
	if s.Status != StatusUnset || s.StatusMessage != "" {
		j.key("status")
		j.begin('{')
		j.text("message", s.StatusMessage)
		j.number("code", int64(s.Status))
		j.end('}')
	}
	j.end('}')
}

func (j *jsonWriter) attributes(key string, list []Attribute) {
	if len(list) == 0 {
		return
	}
	j.key(key)
	j.list(list)
}

func (j *jsonWriter) list(list []Attribute) {
	j.begin('[')
	for _, a := range list {
		j.begin('{')
		j.text("key", a.Key)
		j.key("value")
		j.value(a.Value)
		j.end('}')
	}
	j.end(']')
}

// value writes an AnyValue: an object that names the type.
func (j *jsonWriter) value(value any) {
	j.begin('{')
	switch v := value.(type) {
	case nil:
	case string:
		j.key("stringValue")
		j.string(v)
	case bool:
		j.key("boolValue")
		j.b = strconv.AppendBool(j.b, v)
	case int:
		j.integer(int64(v))
	case int64:
		j.integer(v)
	case float64:
		j.key("doubleValue")
		j.float(v)
	case []byte:
		j.key("bytesValue")
		j.b = append(base64.StdEncoding.AppendEncode(append(j.b, '"'), v), '"')
	case []string:
		jsonArray(j, v)
	case []any:
		jsonArray(j, v)
	case []Attribute:
		j.key("kvlistValue")
		j.begin('{')
		j.key("values")
		j.list(v)
		j.end('}')
	default:
		j.key("stringValue")
		j.string(fmt.Sprint(v))
	}
	j.end('}')
}

func jsonArray[T any](j *jsonWriter, values []T) {
	j.key("arrayValue")
	j.begin('{')
	j.key("values")
	j.begin('[')
	for _, v := range values {
		j.value(v)
	}
	j.end(']')
	j.end('}')
}

func (j *jsonWriter) integer(v int64) {
	j.key("intValue")
	j.b = append(strconv.AppendInt(append(j.b, '"'), v, 10), '"')
}

// float writes a number, or the names protobuf's JSON gives to those that JSON
// has no digits for.
func (j *jsonWriter) float(v float64) {
	switch {
	case math.IsNaN(v):
		j.b = append(j.b, `"NaN"`...)
	case math.IsInf(v, 1):
		j.b = append(j.b, `"Infinity"`...)
	case math.IsInf(v, -1):
		j.b = append(j.b, `"-Infinity"`...)
	default:
		j.b = strconv.AppendFloat(j.b, v, 'g', -1, 64)
	}
}

func (j *jsonWriter) string(s string) {
	const digits = "0123456789abcdef"
	j.separate()
	b := append(j.b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[start:i]...), replacement...)
				start = i + 1
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		default:
			b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
		i++
		start = i
	}
	j.b = append(append(b, s[start:]...), '"')
}
