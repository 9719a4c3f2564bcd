// Package logslog adds the ids of the span that it is written in to each record of log/slog: trace_id and span_id,
// before the record's own attributes.
package logslog

import (
	"context"
	"encoding/hex"

	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
)

func ids(ctx context.Context) (traceID, spanID string) {
	id := tracer.FromContext(ctx)
	if id == nil || id.TraceID == [16]byte{} {
		return "", ""
	}
	return hex.EncodeToString(id.TraceID[:]), hex.EncodeToString(id.SpanID[:])
}
