//go:build lumigo_woven

package nethttp

import (
	"context"
	"net/http"

	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
	"github.com/lumigo-io/opentelemetry-distro/internal/untraced"
)

func init() {
	t := tracer.Active()
	if t == nil {
		return
	}
	if !t.Disabled("net/http") {
		http.LumigoServe = func(r *http.Request) (http.LumigoServed, context.Context) {
			if s := serve(r); s != nil {
				return s, s.context()
			}
			return nil, nil
		}
		http.LumigoRoute = route
		http.LumigoRoundTrip = roundTrip
		http.LumigoContext = notice
		http.LumigoUntraced = untraced.Context
	}
}
