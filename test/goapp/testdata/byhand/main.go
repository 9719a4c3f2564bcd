// Command byhand traces itself with OpenTelemetry: requests, one of its two databases, and what it does in between.
// With the argument "sdk" it has an SDK of its own, which prints what it makes; with "never", one that keeps nothing
// that it decides on itself. With "exit" it ends in the middle of its job.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/XSAM/otelsql"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"example.com/app/fakesqlite"
)

var tracer = otel.Tracer("byhand")

type printer struct{}

func (printer) ExportSpans(_ context.Context, spans []sdk.ReadOnlySpan) error {
	for _, s := range spans {
		fmt.Println("span", s.StartTime().UnixNano(), s.SpanContext().TraceID(), s.SpanContext().SpanID(), s.Parent().SpanID(), strings.ToUpper(s.SpanKind().String()), s.Name())
	}
	return nil
}

func (printer) Shutdown(context.Context) error { return nil }

func main() {
	mode := append(os.Args, "")[1]
	if sampler := map[string]sdk.Sampler{"sdk": sdk.AlwaysSample(), "never": sdk.NeverSample()}[mode]; sampler != nil {
		otel.SetTracerProvider(sdk.NewTracerProvider(sdk.WithSyncer(printer{}), sdk.WithSampler(sdk.ParentBased(sampler))))
		otel.SetTextMapPropagator(propagation.TraceContext{})
	}
	sql.Register("plain", fakesqlite.Driver{})
	plain, _ := sql.Open("plain", "")
	byHand, err := otelsql.Open("fakesqlite", "", otelsql.WithSpanOptions(otelsql.SpanOptions{OmitRows: true, OmitConnectorConnect: true}))
	if err != nil {
		panic(err)
	}
	query := func(ctx context.Context, db *sql.DB) {
		if rows, err := db.QueryContext(ctx, "SELECT n FROM t"); err == nil {
			rows.Close()
		}
	}
	get := func(ctx context.Context, c http.Client, url string) {
		req, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
		resp, err := c.Do(req)
		if err != nil {
			panic(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	base := "http://" + l.Addr().String()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /leaf", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "leaf") })
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, r *http.Request) {
		ctx, span := tracer.Start(r.Context(), "inner")
		defer span.End()
		query(ctx, byHand)
		query(ctx, plain)
		get(ctx, http.Client{}, base+"/leaf")
		io.WriteString(w, "hello")
	})
	server := http.Server{Handler: otelhttp.NewHandler(mux, "server")}
	go server.Serve(l)

	// A request that is traced by hand,
	get(context.Background(), http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport)}, base+"/hello")

	// one from somebody who traces nothing,
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(c, "GET /leaf HTTP/1.0\r\n\r\n")
	io.Copy(io.Discard, c)

	// and a job.
	ctx, job := tracer.Start(context.Background(), "job", trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(attribute.String("queue", "q")))
	query(ctx, plain)
	if mode == "exit" {
		os.Exit(3)
	}
	job.End()
	server.Shutdown(context.Background())
}
