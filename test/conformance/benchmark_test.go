package conformance

import (
	"testing"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// The two benchmarks encode the same span of eight attributes: ours straight
// to bytes, the official way through its structures. Compare ns/op.
//
//	go test -bench . ./conformance

func BenchmarkOurs(b *testing.B) {
	traceID, spanID, parentID := [16]byte{1}, [8]byte{2}, [8]byte{3}
	var s otlp.Span
	b.ReportAllocs()
	for b.Loop() {
		s.Reset()
		s.Context(traceID, spanID, parentID, "", 1)
		s.Name("GET /users/{id}")
		s.Kind(otlp.KindServer)
		s.Times(1_700_000_000_000_000_001, 1_700_000_000_000_000_002)
		s.String("http.request.method", "GET")
		s.String("url.scheme", "https")
		s.String("url.path", "/users/1234")
		s.String("http.route", "/users/{id}")
		s.String("server.address", "example.com")
		s.Int("server.port", 443)
		s.Int("http.response.status_code", 200)
		s.String("user_agent.original", "curl/8.5.0")
		s.Encoded()
	}
}

func BenchmarkOfficial(b *testing.B) {
	traceID, spanID, parentID := [16]byte{1}, [8]byte{2}, [8]byte{3}
	text := func(k, v string) *commonpb.KeyValue { return &commonpb.KeyValue{Key: k, Value: anyString(v)} }
	number := func(k string, v int64) *commonpb.KeyValue { return &commonpb.KeyValue{Key: k, Value: anyInt(v)} }
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		span := &tracepb.Span{
			TraceId: traceID[:], SpanId: spanID[:], ParentSpanId: parentID[:], Flags: 1,
			Name:              "GET /users/{id}",
			Kind:              tracepb.Span_SPAN_KIND_SERVER,
			StartTimeUnixNano: 1_700_000_000_000_000_001,
			EndTimeUnixNano:   1_700_000_000_000_000_002,
			Attributes: []*commonpb.KeyValue{
				text("http.request.method", "GET"),
				text("url.scheme", "https"),
				text("url.path", "/users/1234"),
				text("http.route", "/users/{id}"),
				text("server.address", "example.com"),
				number("server.port", 443),
				number("http.response.status_code", 200),
				text("user_agent.original", "curl/8.5.0"),
			},
		}
		var err error
		if buf, err = (proto.MarshalOptions{}).MarshalAppend(buf[:0], span); err != nil {
			b.Fatal(err)
		}
	}
}
