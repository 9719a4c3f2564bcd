// Command load keeps 16 connections to a gRPC server busy for a while, and prints how many calls were answered:
// load ADDRESS DURATION.
package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
)

func main() {
	span, err := time.ParseDuration(os.Args[2])
	if err != nil {
		panic(err)
	}
	counts := make([]int, 16)
	var group sync.WaitGroup
	end := time.Now().Add(span)
	for i := range counts {
		connection, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			panic(err)
		}
		client := grpc_health_v1.NewHealthClient(connection)
		group.Go(func() {
			for time.Now().Before(end) {
				if _, err := client.Check(context.Background(), new(grpc_health_v1.HealthCheckRequest)); err != nil {
					panic(err)
				}
				counts[i]++
			}
		})
	}
	group.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	fmt.Println(total)
}
