package receiver

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Span is a span as it arrived, with what it belongs to.
type Span struct {
	TraceID    string         `json:"traceId"`            // 32 hex digits
	SpanID     string         `json:"spanId"`             // 16 hex digits
	ParentID   string         `json:"parentId,omitempty"` // "" for a root
	Name       string         `json:"name"`
	Kind       string         `json:"kind"`   // INTERNAL, SERVER, …
	Status     string         `json:"status"` // UNSET, OK or ERROR
	Message    string         `json:"message,omitempty"`
	Start      uint64         `json:"start"` // nanoseconds since 1970
	End        uint64         `json:"end"`
	Attributes map[string]any `json:"attributes"`
	Scope      string         `json:"scope"`
	Resource   map[string]any `json:"resource"`

	Proto *tracepb.Span `json:"-"` // all of it
}

// Decode reads the body of an export request, protobuf or OTLP JSON as its
// Content-Type says, compressed as its Content-Encoding says.
func Decode(body []byte, contentType, contentEncoding string) (*tracepb.TracesData, error) {
	// TracesData is ExportTraceServiceRequest under a name that does not bring
	// gRPC along: the same field, the same bytes.
	data := &tracepb.TracesData{}
	return data, decode(data, body, contentType, contentEncoding)
}

// decode reads a body into the message that it is said to be.
func decode(data proto.Message, body []byte, contentType, contentEncoding string) error {
	switch contentEncoding {
	case "", "identity":
	case "gzip":
		r, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return err
		}
		if body, err = io.ReadAll(r); err != nil {
			return err
		}
	default:
		return fmt.Errorf("unknown Content-Encoding %q", contentEncoding)
	}
	switch media, _, _ := mime.ParseMediaType(contentType); media {
	case "application/x-protobuf":
		return proto.Unmarshal(body, data)
	case "application/json":
		body, err := idsToBase64(body)
		if err != nil {
			return err
		}
		return protojson.Unmarshal(body, data)
	default:
		return fmt.Errorf("unknown Content-Type %q", contentType)
	}
}

// idsToBase64 turns OTLP JSON into protobuf's JSON: the two differ in nothing
// but ids, which are hexadecimal in the first.
func idsToBase64(body []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return nil, err
	}
	var walk func(any) error
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
				if text, ok := v.(string); ok && (k == "traceId" || k == "spanId" || k == "parentSpanId") {
					id, err := hex.DecodeString(text)
					if err != nil {
						return fmt.Errorf("%s %q is not hexadecimal", k, text)
					}
					node[k] = base64.StdEncoding.EncodeToString(id)
				} else if err := walk(v); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := walk(tree); err != nil {
		return nil, err
	}
	return json.Marshal(tree)
}

// Spans lists the spans of a request in their order.
func Spans(data *tracepb.TracesData) []Span {
	var spans []Span
	for _, rs := range data.ResourceSpans {
		resource := Attributes(rs.GetResource().GetAttributes())
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				spans = append(spans, Span{
					TraceID:    hex.EncodeToString(s.TraceId),
					SpanID:     hex.EncodeToString(s.SpanId),
					ParentID:   hex.EncodeToString(s.ParentSpanId),
					Name:       s.Name,
					Kind:       s.Kind.String()[len("SPAN_KIND_"):],
					Status:     s.GetStatus().GetCode().String()[len("STATUS_CODE_"):],
					Message:    s.GetStatus().GetMessage(),
					Start:      s.StartTimeUnixNano,
					End:        s.EndTimeUnixNano,
					Attributes: Attributes(s.Attributes),
					Scope:      ss.GetScope().GetName(),
					Resource:   resource,
					Proto:      s,
				})
			}
		}
	}
	return spans
}

// Log is a log record as it arrived, with what it belongs to.
type Log struct {
	TraceID    string // 32 hex digits; "" outside of a trace
	SpanID     string // 16 hex digits, or ""
	Severity   string // the text
	Number     int32
	Body       any
	Attributes map[string]any
	Scope      string
	Resource   map[string]any
}

// logs lists the log records of a request in their order.
func logs(data *logspb.LogsData) []Log {
	var all []Log
	for _, rl := range data.ResourceLogs {
		resource := Attributes(rl.GetResource().GetAttributes())
		for _, sl := range rl.ScopeLogs {
			for _, l := range sl.LogRecords {
				all = append(all, Log{
					hex.EncodeToString(l.TraceId), hex.EncodeToString(l.SpanId), l.SeverityText, int32(l.SeverityNumber),
					value(l.Body), Attributes(l.Attributes), sl.GetScope().GetName(), resource,
				})
			}
		}
	}
	return all
}

// Attributes makes a map of attributes: string, bool, int64, float64, []byte,
// []any and map[string]any; of two with the same key, the later.
func Attributes(list []*commonpb.KeyValue) map[string]any {
	m := make(map[string]any, len(list))
	for _, kv := range list {
		m[kv.Key] = value(kv.Value)
	}
	return m
}

func value(v *commonpb.AnyValue) any {
	switch v := v.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		return v.StringValue
	case *commonpb.AnyValue_BoolValue:
		return v.BoolValue
	case *commonpb.AnyValue_IntValue:
		return v.IntValue
	case *commonpb.AnyValue_DoubleValue:
		return v.DoubleValue
	case *commonpb.AnyValue_BytesValue:
		return v.BytesValue
	case *commonpb.AnyValue_ArrayValue:
		list := []any{}
		for _, e := range v.ArrayValue.GetValues() {
			list = append(list, value(e))
		}
		return list
	case *commonpb.AnyValue_KvlistValue:
		return Attributes(v.KvlistValue.GetValues())
	}
	return nil
}
