// Package nethttp traces servers of net/http; orchestrion.yml says where.
package nethttp

import (
	"net/http"

	"example.com/orchestrated/tracing"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
)

// Handler traces a handler.
func Handler(h http.Handler) http.Handler {
	if h == nil {
		h = http.DefaultServeMux
	}
	return otelhttp.NewHandler(h, "server")
}

// Stop sends what is left.
func Stop() { tracing.Stop() }
