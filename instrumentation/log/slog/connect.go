//go:build lumigo_woven

package logslog

import (
	"log/slog"

	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
)

func init() {
	if t := tracer.Active(); t != nil && t.Records() && !t.Disabled("log/slog") {
		slog.LumigoIDs = ids
	}
}
