//go:build lumigo_woven

package log

import (
	"log"

	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
)

func init() {
	if t := tracer.Active(); t != nil && t.Records() && !t.Disabled("log") {
		log.LumigoIDs = ids
	}
}
