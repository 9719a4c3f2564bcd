// Package otlp writes and reads the bytes of OTLP traces and logs.
//
// A [Span] appends one span straight to protobuf bytes, without intermediate
// structures and, once its buffer has grown, without allocating. [Resource]
// and [Scope] are encoded once. [AppendRequest] joins them into the body of an
// export request, and [AppendRequestJSON] transcodes the same bytes to OTLP
// JSON.
//
// [ParseRequest] and [ParseJSON] are the way back, for those who receive
// requests; [ParseSpan] and [ParseLog] turn what is in them into values, for
// those who show it to people.
//
// The format is opentelemetry-proto's trace.v1 and logs.v1, and its HTTP
// transport, see
// https://opentelemetry.io/docs/specs/otlp/. Every string written is valid
// UTF-8: invalid bytes become U+FFFD, because a backend refuses a whole request
// for the sake of one bad byte. Limits (lengths, counts), duplicate keys and
// masking are the caller's business.
package otlp
