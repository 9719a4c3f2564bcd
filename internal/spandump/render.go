package spandump

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/pyjson"
)

func renderSpan(b, encoded, resource []byte) ([]byte, error) {
	span, err := otlp.ParseSpan(encoded)
	if err != nil {
		return b, err
	}
	return appendSpan(b, &span, resource), nil
}

// renderLog renders a log record the way LogRecord.to_json does.
func renderLog(b, encoded, resource []byte) ([]byte, error) {
	l, err := otlp.ParseLog(encoded)
	if err != nil {
		return b, err
	}
	b = append(b, `{"body": `...)
	b = appendValue(b, l.Body)
	b = append(b, `, "severity_number": `...)
	b = strconv.AppendInt(b, int64(l.Severity), 10)
	b = append(b, `, "severity_text": `...)
	b = appendString(b, l.SeverityText)
	b = append(b, `, "attributes": `...)
	b = appendAttributes(b, l.Attributes)
	b = append(b, `, "dropped_attributes": `...)
	b = strconv.AppendUint(b, uint64(l.DroppedAttributes), 10)
	b = append(b, `, "timestamp": `...)
	b = appendTime(b, l.Time)
	b = append(b, `, "observed_timestamp": `...)
	b = appendTime(b, l.Observed)
	b = append(b, `, "trace_id": `...)
	b = appendID(b, l.TraceID[:])
	b = append(b, `, "span_id": `...)
	b = appendID(b, l.SpanID[:])
	b = append(b, `, "trace_flags": `...)
	b = strconv.AppendUint(b, uint64(l.Flags), 10)
	b = append(b, `, "resource": `...)
	b = append(b, resource...)
	return append(b, '}'), nil
}

// appendSpan renders a span the way ReadableSpan.to_json does.
func appendSpan(b []byte, s *otlp.SpanData, resource []byte) []byte {
	b = append(b, `{"name": `...)
	b = appendString(b, s.Name)
	b = append(b, `, "context": `...)
	b = appendContext(b, s.TraceID, s.SpanID, s.TraceState)
	b = append(b, `, "kind": "SpanKind.`...)
	b = append(b, kind(s.Kind)...)
	b = append(b, `", "parent_id": `...)
	if s.ParentID == [8]byte{} {
		b = append(b, "null"...)
	} else {
		b = appendID(b, s.ParentID[:])
	}
	b = append(b, `, "start_time": `...)
	b = appendTime(b, s.Start)
	b = append(b, `, "end_time": `...)
	b = appendTime(b, s.End)
	b = append(b, `, "status": {"status_code": "`...)
	b = append(b, status(s.Status)...)
	b = append(b, '"')
	if s.StatusMessage != "" {
		b = append(b, `, "description": `...)
		b = appendString(b, s.StatusMessage)
	}
	b = append(b, `}, "attributes": `...)
	b = appendAttributes(b, s.Attributes)
	b = append(b, `, "events": `...)
	b = appendList(b, s.Events, func(b []byte, e otlp.Event) []byte {
		b = append(b, `{"name": `...)
		b = appendString(b, e.Name)
		b = append(b, `, "timestamp": `...)
		b = appendTime(b, e.Time)
		b = append(b, `, "attributes": `...)
		b = appendAttributes(b, e.Attributes)
		return append(b, '}')
	})
	b = append(b, `, "links": `...)
	b = appendList(b, s.Links, func(b []byte, l otlp.Link) []byte {
		b = append(b, `{"context": `...)
		b = appendContext(b, l.TraceID, l.SpanID, l.TraceState)
		b = append(b, `, "attributes": `...)
		b = appendAttributes(b, l.Attributes)
		return append(b, '}')
	})
	b = append(b, `, "resource": `...)
	b = append(b, resource...)
	return append(b, '}')
}

func appendResource(b []byte, r *otlp.Resource) []byte {
	b = append(b, `{"attributes": `...)
	b = appendAttributes(b, r.Attributes())
	b = append(b, `, "schema_url": `...)
	b = appendString(b, r.SchemaURL())
	return append(b, '}')
}

func kind(k otlp.Kind) string {
	switch k {
	case otlp.KindServer:
		return "SERVER"
	case otlp.KindClient:
		return "CLIENT"
	case otlp.KindProducer:
		return "PRODUCER"
	case otlp.KindConsumer:
		return "CONSUMER"
	}
	return "INTERNAL"
}

func status(s otlp.StatusCode) string {
	switch s {
	case otlp.StatusOK:
		return "OK"
	case otlp.StatusError:
		return "ERROR"
	}
	return "UNSET"
}

func appendContext(b []byte, traceID [16]byte, spanID [8]byte, state string) []byte {
	b = append(b, `{"trace_id": `...)
	b = appendID(b, traceID[:])
	b = append(b, `, "span_id": `...)
	b = appendID(b, spanID[:])
	b = append(b, `, "trace_state": `...)
	b = appendString(b, traceState(state))
	return append(b, '}')
}

func appendID(b, id []byte) []byte {
	b = append(b, `"0x`...)
	b = hex.AppendEncode(b, id)
	return append(b, '"')
}

func appendTime(b []byte, ns uint64) []byte {
	if ns == 0 {
		return append(b, "null"...)
	}
	const second = uint64(time.Second)
	return time.Unix(int64(ns/second), int64(ns%second)).UTC().AppendFormat(b, `"2006-01-02T15:04:05.000000Z"`)
}

// traceState gives the Python repr of a TraceState: that of the list of
// "{key=k, value=v}" for its members.
func traceState(header string) string {
	var members []string
	for member := range strings.SplitSeq(header, ",") {
		if key, value, found := strings.Cut(strings.TrimSpace(member), "="); found {
			members = append(members, repr("{key="+key+", value="+value+"}"))
		}
	}
	return "[" + strings.Join(members, ", ") + "]"
}

// repr quotes the printable ASCII that a trace state consists of.
func repr(s string) string {
	s = strings.ReplaceAll(s, `\`, `\\`)
	switch {
	case !strings.Contains(s, "'"):
		return "'" + s + "'"
	case !strings.Contains(s, `"`):
		return `"` + s + `"`
	}
	return "'" + strings.ReplaceAll(s, "'", `\'`) + "'"
}

func appendAttributes(b []byte, attributes []otlp.Attribute) []byte {
	b = append(b, '{')
	for i, a := range attributes {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendString(b, a.Key)
		b = append(b, ": "...)
		b = appendValue(b, a.Value)
	}
	return append(b, '}')
}

func appendList[T any](b []byte, values []T, appendOne func([]byte, T) []byte) []byte {
	b = append(b, '[')
	for i, v := range values {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendOne(b, v)
	}
	return append(b, ']')
}

func appendValue(b []byte, value any) []byte {
	switch v := value.(type) {
	case string:
		return appendString(b, v)
	case bool:
		return strconv.AppendBool(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case float64:
		return pyjson.AppendFloat(b, v)
	case []any:
		return appendList(b, v, appendValue)
	case []string:
		return appendList(b, v, appendString)
	case []otlp.Attribute:
		return appendAttributes(b, v)
	case []byte: // which Python's SDK refuses to dump; this is OTLP's spelling
		return appendString(b, base64.StdEncoding.EncodeToString(v))
	case nil:
		return append(b, "null"...)
	}
	return appendString(b, fmt.Sprint(value)) // as otlp.NewResource does
}

func appendString(b []byte, s string) []byte {
	b, _ = pyjson.AppendString(b, s)
	return b
}
