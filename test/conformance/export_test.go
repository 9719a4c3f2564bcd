package conformance

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/export"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/test/receiver"
)

// TestExport sends random spans to a receiver that decodes with the official
// module and fails now and then: each span arrives once, in every combination
// of protocol and compression.
func TestExport(t *testing.T) {
	for _, protocol := range []string{"http/protobuf", "http/json"} {
		for _, compression := range []string{"none", "gzip"} {
			t.Run(protocol+" "+compression, func(t *testing.T) {
				r, err := receiver.Listen("127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				r.Answer(func(n int, req *http.Request) receiver.Answer {
					switch {
					case n%5 == 3:
						return receiver.Answer{Status: 503, RetryAfter: "0", Message: "busy"}
					case n%7 == 5:
						return receiver.Answer{Abort: true}
					case n == 4:
						return receiver.Answer{Rejected: 3, Message: "three too many"}
					}
					return receiver.Answer{}
				})
				e := export.New(export.Options{
					Export: config.Export{Endpoint: r.URL(), Protocol: protocol, Compression: compression, Token: "t_1"},
					Batch:  config.Batch{MaxExportBatchSize: 30},
				})
				g := &generator{rand.New(rand.NewPCG(1, 2))}
				resources := []*otlp.Resource{otlp.NewResource(nil, ""), otlp.NewResource([]otlp.Attribute{{Key: "service.name", Value: "b"}}, "")}
				scopes := []*otlp.Scope{otlp.NewScope("one", "1"), otlp.NewScope("two", "")}
				const n = 600
				for i := range n {
					span, _ := g.span()
					e.Add(resources[i%2], scopes[i/2%2], span)
				}
				ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
				defer cancel()
				if err := e.Shutdown(ctx); err != nil {
					t.Error(err)
				}
				totals, counts := e.Totals(), r.Counts()
				if totals.Accepted != n || totals.Delivered != n-3 || totals.Dropped[export.PartialSuccess] != 3 {
					t.Errorf("totals: %v", totals)
				}
				if counts.Spans != n-3 || counts.Duplicates != 0 {
					t.Errorf("received: %+v", counts)
				}
				for _, req := range r.Requests() {
					if req.Err != nil || req.Header.Get("Authorization") != "LumigoToken t_1" {
						t.Errorf("a request came with %v: %v", req.Header, req.Err)
					}
				}
				services := map[string]int{}
				for _, s := range r.Spans() {
					services[fmt.Sprint(s.Resource["service.name"], " ", s.Scope)]++
				}
				if len(services) != 4 {
					t.Errorf("spans by service and scope: %v", services)
				}
			})
		}
	}
}
