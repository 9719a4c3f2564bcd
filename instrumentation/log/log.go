// Package log adds the ids of the span that they are written in to the lines of the standard logger and its like, as
// text at their end. Lines that are JSON, and those that name a trace_id, stay as they are.
package log

import "github.com/lumigo-io/opentelemetry-distro/internal/tracer"

func ids() (traceID, spanID string) { return tracer.Current().IDs() }
