// The command receiver prints the spans it receives, one JSON object a line.
//
//	go run ./receiver/cmd/receiver [flags]
//
// Flags make it slow or failing. GET /counts answers the totals as JSON at any
// time; they are also printed, on stderr, when it is interrupted.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/lumigo-io/opentelemetry-distro/test/receiver"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:4318", "`address` to listen at")
	quiet := flag.Bool("quiet", false, "count spans, print none, and keep none in memory")
	var a receiver.Answer
	flag.IntVar(&a.Status, "status", 200, "HTTP `status` to answer with")
	flag.DurationVar(&a.Delay, "delay", 0, "`time` to wait before answering")
	flag.StringVar(&a.RetryAfter, "retry-after", "", "Retry-After header to answer with")
	flag.IntVar(&a.Rejected, "reject", 0, "partial success: reject `n` spans of each request")
	flag.StringVar(&a.Message, "message", "", "message of the error or partial success")
	flag.BoolVar(&a.Hang, "hang", false, "never answer")
	flag.BoolVar(&a.Abort, "abort", false, "cut each connection instead of answering")
	first := flag.Int("first", 0, "answer so to the first `n` requests only; 0 means to all")
	flag.Parse()
	if err := run(*listen, *quiet, a, *first); err != nil {
		fmt.Fprintln(os.Stderr, "receiver: error:", err)
		os.Exit(1)
	}
}

func run(listen string, quiet bool, a receiver.Answer, first int) error {
	r, err := receiver.Listen(listen)
	if err != nil {
		return err
	}
	defer r.Close()
	r.Lean()
	r.Answer(func(n int, _ *http.Request) receiver.Answer {
		if first > 0 && n > first {
			return receiver.Answer{}
		}
		return a
	})
	if !quiet {
		out := bufio.NewWriter(os.Stdout)
		r.OnSpans(func(spans []receiver.Span) {
			lines := json.NewEncoder(out)
			for _, s := range spans {
				lines.Encode(s)
			}
			out.Flush()
		})
	}
	fmt.Fprintln(os.Stderr, "receiver: listening at", r.URL())
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	<-interrupted
	return json.NewEncoder(os.Stderr).Encode(r.Counts())
}
