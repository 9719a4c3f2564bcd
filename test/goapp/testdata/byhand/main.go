// Command byhand traces itself with OpenTelemetry: requests, calls of gRPC, one of its two databases, and what it does in
// between.
// With the argument "sdk" it has an SDK of its own, which prints what it makes; with "never", one that keeps nothing
// that it decides on itself; with "otlp", one that sends by OTLP to where the environment says; with "explicit",
// likewise, but it is told to those that use it instead of being global; and with "noop", one that makes nothing. With
// "exit" it ends in the middle of its job.
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
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	health "google.golang.org/grpc/health/grpc_health_v1"

	"example.com/app/fakesqlite"
)

var early = otel.Tracer("byhand") // before there is an SDK

type printer struct{}

func (printer) ExportSpans(_ context.Context, spans []sdk.ReadOnlySpan) error {
	for _, s := range spans {
		fmt.Println("span", s.StartTime().UnixNano(), s.SpanContext().TraceID(), s.SpanContext().SpanID(), s.Parent().SpanID(), strings.ToUpper(s.SpanKind().String()), s.Name())
	}
	return nil
}

func (printer) Shutdown(context.Context) error { return nil }

// service is that of gRPC, which asks something itself. It knows nothing of its state.
type service struct {
	health.UnimplementedHealthServer
	ask func()
}

func (s service) Check(context.Context, *health.HealthCheckRequest) (*health.HealthCheckResponse, error) {
	s.ask()
	return &health.HealthCheckResponse{}, nil
}

func main() {
	mode := append(os.Args, "")[1]
	var options []sdk.TracerProviderOption
	switch mode {
	case "sdk":
		options = append(options, sdk.WithSyncer(printer{}), sdk.WithSampler(sdk.ParentBased(sdk.AlwaysSample())))
	case "never":
		options = append(options, sdk.WithSyncer(printer{}), sdk.WithSampler(sdk.ParentBased(sdk.NeverSample())))
	case "otlp", "explicit":
		exporter, err := otlptracehttp.New(context.Background())
		if err != nil {
			panic(err)
		}
		options = append(options, sdk.WithBatcher(exporter))
	case "noop":
		otel.SetTracerProvider(noop.NewTracerProvider())
	}
	var ofHTTP []otelhttp.Option
	var ofGRPC []otelgrpc.Option
	ofSQL := []otelsql.Option{otelsql.WithSpanOptions(otelsql.SpanOptions{OmitRows: true, OmitConnectorConnect: true})}
	tracer := early
	if len(options) > 0 {
		provider := sdk.NewTracerProvider(options...)
		defer provider.Shutdown(context.Background())
		otel.SetTextMapPropagator(propagation.TraceContext{})
		if mode == "explicit" {
			tracer = provider.Tracer("byhand")
			ofHTTP = append(ofHTTP, otelhttp.WithTracerProvider(provider))
			ofGRPC = append(ofGRPC, otelgrpc.WithTracerProvider(provider))
			ofSQL = append(ofSQL, otelsql.WithTracerProvider(provider))
		} else {
			otel.SetTracerProvider(provider)
		}
	}
	sql.Register("plain", fakesqlite.Driver{})
	plain, _ := sql.Open("plain", "")
	byHand, err := otelsql.Open("fakesqlite", "", ofSQL...)
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

	calls, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	called := grpc.NewServer(grpc.StatsHandler(otelgrpc.NewServerHandler(ofGRPC...)))
	health.RegisterHealthServer(called, service{ask: func() { get(context.Background(), http.Client{}, base+"/leaf") }})
	go called.Serve(calls)
	conn, err := grpc.Dial(calls.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithStatsHandler(otelgrpc.NewClientHandler(ofGRPC...)))
	if err != nil {
		panic(err)
	}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /leaf", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "leaf") })
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, r *http.Request) {
		ctx, span := tracer.Start(r.Context(), "inner")
		defer span.End()
		query(ctx, byHand)
		query(ctx, plain)
		get(ctx, http.Client{}, base+"/leaf")
		if _, err := health.NewHealthClient(conn).Check(ctx, &health.HealthCheckRequest{}); err != nil {
			panic(err)
		}
		if conn.Invoke(ctx, "/no.Service/Method", &health.HealthCheckRequest{}, &health.HealthCheckResponse{}) == nil {
			panic("somebody implements it")
		}
		io.WriteString(w, "hello")
	})
	server := http.Server{Handler: otelhttp.NewHandler(mux, "server", ofHTTP...)}
	go server.Serve(l)

	// A request that is traced by hand,
	get(context.Background(), http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport, ofHTTP...)}, base+"/hello")

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
	called.GracefulStop()
	server.Shutdown(context.Background())
}
