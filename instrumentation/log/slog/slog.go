// Package logslog adds the ids of the span that it is written in to each record of log/slog: trace_id and span_id,
// before the record's own attributes. So it does with what comes from package log by [slog.SetDefault]. A record that
// has a trace_id stays as it is.
package logslog

import (
	"context"

	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
)

func ids(ctx context.Context) (traceID, spanID string) { return tracer.FromContext(ctx).IDs() }
