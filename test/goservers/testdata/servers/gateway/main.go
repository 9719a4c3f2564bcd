// Command gateway is a gRPC server with grpc-gateway before it. The service is that of health checks, which comes with
// gRPC; its handler is what protoc-gen-grpc-gateway would write.
package main

import (
	"context"
	"log"
	"net"
	"net/http"

	"example.com/servers/local"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	checks := health.NewServer()
	checks.SetServingStatus("shop", healthpb.HealthCheckResponse_NOT_SERVING)
	server := grpc.NewServer()
	healthpb.RegisterHealthServer(server, asking{checks})
	go server.Serve(l)

	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	client := healthpb.NewHealthClient(conn)
	mux := runtime.NewServeMux(runtime.WithHealthzEndpoint(client))
	mux.HandlePath("GET", "/v1/services/{service}", func(w http.ResponseWriter, r *http.Request, params map[string]string) {
		_, out := runtime.MarshalerForRequest(mux, r)
		ctx, err := runtime.AnnotateContext(r.Context(), mux, r, "/grpc.health.v1.Health/Check", runtime.WithHTTPPathPattern("/v1/services/{service}"))
		if err != nil {
			runtime.HTTPError(r.Context(), mux, out, w, r, err)
			return
		}
		var md runtime.ServerMetadata
		answer, err := client.Check(ctx, &healthpb.HealthCheckRequest{Service: params["service"]}, grpc.Header(&md.HeaderMD), grpc.Trailer(&md.TrailerMD))
		ctx = runtime.NewServerMetadataContext(ctx, md)
		if err != nil {
			runtime.HTTPError(ctx, mux, out, w, r, err)
			return
		}
		runtime.ForwardResponseMessage(ctx, mux, out, w, r, answer)
	})
	log.Fatal(http.Serve(local.Listen(), mux))
}

// asking is a server of gRPC that calls one of HTTP.
type asking struct{ healthpb.HealthServer }

func (a asking) Check(ctx context.Context, r *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	if r.Service == "shop" {
		local.Ask("/healthz")
	}
	return a.HealthServer.Check(ctx, r)
}
