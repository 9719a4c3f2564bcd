// Command otelgrpc is a server of gRPC, and a client, that are traced by hand, with one of HTTP before them.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"

	"example.com/servers/local"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	pb "google.golang.org/grpc/interop/grpc_testing"
)

type service struct {
	pb.UnimplementedTestServiceServer
}

func (service) EmptyCall(context.Context, *pb.Empty) (*pb.Empty, error) {
	local.Ask("/hello")
	return &pb.Empty{}, nil
}

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(grpc.StatsHandler(otelgrpc.NewServerHandler()))
	pb.RegisterTestServiceServer(server, service{})
	go server.Serve(l)
	conn, err := grpc.Dial(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithStatsHandler(otelgrpc.NewClientHandler()))
	if err != nil {
		log.Fatal(err)
	}
	client := pb.NewTestServiceClient(conn)
	http.HandleFunc("GET /hello", func(w http.ResponseWriter, _ *http.Request) {})
	http.HandleFunc("GET /empty", func(w http.ResponseWriter, r *http.Request) {
		_, err := client.EmptyCall(r.Context(), &pb.Empty{})
		fmt.Fprintln(w, err)
	})
	http.HandleFunc("GET /unimplemented", func(w http.ResponseWriter, r *http.Request) {
		_, err := client.UnimplementedCall(r.Context(), &pb.Empty{})
		fmt.Fprintln(w, err)
	})
	log.Fatal(http.Serve(local.Listen(), nil))
}
