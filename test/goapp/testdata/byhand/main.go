// Command byhand traces itself with OpenTelemetry: with an SDK of its own, which discards what it makes, if there is
// an argument.
package main

import (
	"io"
	"net"
	"net/http"
	"os"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"
)

var tracer = otel.Tracer("byhand")

func main() {
	if len(os.Args) > 1 && os.Args[1] != "" {
		otel.SetTracerProvider(trace.NewTracerProvider())
		otel.SetTextMapPropagator(propagation.TraceContext{})
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, r *http.Request) {
		_, span := tracer.Start(r.Context(), "inner")
		defer span.End()
		io.WriteString(w, "hello")
	})
	go http.Serve(l, otelhttp.NewHandler(mux, "server"))
	client := http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport)}
	resp, err := client.Get("http://" + l.Addr().String() + "/hello")
	if err != nil {
		panic(err)
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
}
