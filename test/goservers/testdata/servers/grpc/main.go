// Command grpc is a server of gRPC with one of HTTP before it, which makes a call of each kind. The service is the one
// that gRPC's own implementations are tried with.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"example.com/servers/local"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

type service struct {
	pb.UnimplementedTestServiceServer
}

func (service) EmptyCall(ctx context.Context, _ *pb.Empty) (*pb.Empty, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	grpc.SetTrailer(ctx, metadata.Pairs("seen", fmt.Sprint(len(md["own"]), len(md[":authority"]))))
	return &pb.Empty{}, nil
}

func (service) UnaryCall(ctx context.Context, r *pb.SimpleRequest) (*pb.SimpleResponse, error) {
	if s := r.GetResponseStatus(); s != nil {
		if s.Code == 99 {
			panic("oh")
		}
		return nil, status.Error(codes.Code(s.Code), s.Message)
	}
	return &pb.SimpleResponse{Username: "ann", OauthScope: local.Ask("/hello")}, nil
}

func (service) StreamingOutputCall(r *pb.StreamingOutputCallRequest, s pb.TestService_StreamingOutputCallServer) error {
	for _, p := range r.ResponseParameters {
		if err := s.Send(&pb.StreamingOutputCallResponse{Payload: &pb.Payload{Body: make([]byte, p.Size)}}); err != nil {
			return err
		}
	}
	return nil
}

func (service) StreamingInputCall(s pb.TestService_StreamingInputCallServer) error {
	sum := 0
	for {
		r, err := s.Recv()
		if err == io.EOF {
			return s.SendAndClose(&pb.StreamingInputCallResponse{AggregatedPayloadSize: int32(sum)})
		}
		if err != nil {
			return err
		}
		sum += len(r.Payload.Body)
	}
}

func (service) FullDuplexCall(s pb.TestService_FullDuplexCallServer) error {
	for {
		r, err := s.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if r.ResponseStatus != nil {
			return status.Error(codes.Code(r.ResponseStatus.Code), r.ResponseStatus.Message)
		}
		local.Ask("/hello")
		if err := s.Send(&pb.StreamingOutputCallResponse{Payload: r.Payload}); err != nil {
			return err
		}
	}
}

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	recovering := func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (reply any, err error) {
		defer func() {
			if fault := recover(); fault != nil {
				err = status.Errorf(codes.Internal, "%v", fault)
			}
		}()
		return handler(ctx, req)
	}
	server := grpc.NewServer(grpc.UnaryInterceptor(recovering))
	pb.RegisterTestServiceServer(server, service{})
	go server.Serve(l)
	conn, err := grpc.Dial(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	client := pb.NewTestServiceClient(conn)
	refused, err := grpc.Dial("127.0.0.1:1", grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}

	handle := func(path string, f func(ctx context.Context, w io.Writer) error) {
		http.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
			defer cancel()
			err := f(ctx, w)
			fmt.Fprintf(w, "%T %v\n", err, status.Code(err))
		})
	}
	handle("/hello", func(_ context.Context, w io.Writer) error { return nil })
	handle("/empty", func(ctx context.Context, w io.Writer) error {
		var trailer metadata.MD
		_, err := client.EmptyCall(metadata.AppendToOutgoingContext(ctx, "own", "1"), &pb.Empty{}, grpc.Trailer(&trailer))
		fmt.Fprintln(w, trailer)
		return err
	})
	handle("/unary", func(_ context.Context, w io.Writer) error { // without the request's context
		reply, err := client.UnaryCall(context.Background(), &pb.SimpleRequest{FillUsername: true, ResponseSize: 5})
		fmt.Fprintln(w, reply.GetUsername(), reply.GetOauthScope())
		return err
	})
	failing := func(code int32, message string) func(context.Context, io.Writer) error {
		return func(ctx context.Context, w io.Writer) error {
			_, err := client.UnaryCall(ctx, &pb.SimpleRequest{ResponseStatus: &pb.EchoStatus{Code: code, Message: message}})
			fmt.Fprintln(w, err)
			return err
		}
	}
	handle("/missing", failing(int32(codes.NotFound), "no such thing"))
	handle("/broken", failing(int32(codes.Internal), "oh"))
	handle("/panic", failing(99, ""))
	handle("/out", func(ctx context.Context, w io.Writer) error {
		s, err := client.StreamingOutputCall(ctx, &pb.StreamingOutputCallRequest{ResponseParameters: []*pb.ResponseParameters{{Size: 1}, {Size: 2}}})
		for err == nil {
			var r *pb.StreamingOutputCallResponse
			if r, err = s.Recv(); err == nil {
				fmt.Fprintln(w, len(r.Payload.Body))
			}
		}
		return err
	})
	handle("/in", func(ctx context.Context, w io.Writer) error {
		s, err := client.StreamingInputCall(ctx)
		if err != nil {
			return err
		}
		for n := 1; n < 4; n++ {
			s.Send(&pb.StreamingInputCallRequest{Payload: &pb.Payload{Body: make([]byte, n)}})
		}
		r, err := s.CloseAndRecv()
		fmt.Fprintln(w, r.GetAggregatedPayloadSize())
		return err
	})
	both := func(last *pb.EchoStatus) func(context.Context, io.Writer) error {
		return func(ctx context.Context, w io.Writer) error {
			s, err := client.FullDuplexCall(ctx)
			if err != nil {
				return err
			}
			s.Send(&pb.StreamingOutputCallRequest{Payload: &pb.Payload{Body: []byte("a")}})
			r, err := s.Recv()
			fmt.Fprintln(w, string(r.GetPayload().GetBody()), err)
			if last != nil {
				s.Send(&pb.StreamingOutputCallRequest{ResponseStatus: last})
			} else {
				s.CloseSend()
			}
			_, err = s.Recv()
			fmt.Fprintln(w, err)
			return err
		}
	}
	handle("/both", both(nil))
	handle("/both/failing", both(&pb.EchoStatus{Code: int32(codes.Unavailable), Message: "gone"}))
	handle("/cancelled", func(ctx context.Context, w io.Writer) error {
		ctx, cancel := context.WithCancel(ctx)
		s, err := client.FullDuplexCall(ctx)
		if err == nil {
			s.Send(&pb.StreamingOutputCallRequest{Payload: &pb.Payload{Body: []byte("a")}})
			s.Recv()
			cancel()
			_, err = s.Recv()
		}
		cancel()
		return err
	})
	handle("/unimplemented", func(ctx context.Context, w io.Writer) error {
		_, err := client.UnimplementedCall(ctx, &pb.Empty{})
		return err
	})
	handle("/unknown", func(ctx context.Context, w io.Writer) error {
		return conn.Invoke(ctx, "/no.Service/Method", &pb.Empty{}, &pb.Empty{})
	})
	handle("/refused", func(ctx context.Context, w io.Writer) error {
		_, err := pb.NewTestServiceClient(refused).EmptyCall(ctx, &pb.Empty{})
		return err
	})
	log.Fatal(http.Serve(local.Listen(), nil))
}
