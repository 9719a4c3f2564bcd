package viewer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

const epoch = 1_700_000_000_000_000_000

// start starts a viewer on a port that is free.
func start(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	s, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	return s
}

// reply is an answer of the viewer.
type reply struct {
	*http.Response
	body []byte
}

// do sends a request, whose headers are names and values in turn.
func (s *Server) do(t testing.TB, method, path string, body []byte, headers ...string) reply {
	t.Helper()
	r, err := http.NewRequest(method, s.URL()+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response, text}
}

// get asks for a path and decodes the answer.
func get[T any](t testing.TB, s *Server, path string) (value T) {
	t.Helper()
	r := s.do(t, "GET", path, nil)
	if r.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s %s", path, r.Status, r.body)
	}
	if err := json.Unmarshal(r.body, &value); err != nil {
		t.Fatalf("GET %s: %v in %s", path, err, r.body)
	}
	return value
}

// list asks for traces and returns the names of their roots, newest first.
func list(t testing.TB, s *Server, query string) string {
	t.Helper()
	r := s.do(t, "GET", "/api/v1/traces"+query, nil)
	if r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", r.Status, r.body)
	}
	var names []string
	for line := range strings.Lines(string(r.body)) {
		var sum summaryAnswer
		if err := json.Unmarshal([]byte(line), &sum); err != nil {
			t.Fatal(err)
		}
		names = append(names, sum.Root.Name)
	}
	return strings.Join(names, ", ")
}

// orderJSON is a request of a trace: a shop takes an order and asks its stock, which fails. Where {n} stands is the
// number of the trace, of one digit.
const orderJSON = `{"resourceSpans":[
	{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeSpans":[{"scope":{"name":"flask","version":"3"},"spans":[
		{"traceId":"0000000000000000000000000000000{n}","spanId":"000000000000000a","name":"POST /orders {n}","kind":2,
		 "startTimeUnixNano":"17000000000{n}0000000","endTimeUnixNano":"17000000000{n}1000000",
		 "attributes":[{"key":"http.response.status_code","value":{"intValue":"500"}},{"key":"big","value":{"intValue":"9007199254740993"}},
		               {"key":"list","value":{"arrayValue":{"values":[{"stringValue":"a"},{"doubleValue":1.5}]}}}],
		 "events":[{"timeUnixNano":"17000000000{n}0500000","name":"exception","attributes":[{"key":"exception.type","value":{"stringValue":"OutOfStock"}}]}],
		 "links":[{"traceId":"000000000000000000000000000000ff","spanId":"00000000000000ff"}],
		 "traceState":"v=1","flags":257,"droppedEventsCount":3,"status":{"code":2,"message":"out of stock"}},
		{"traceId":"0000000000000000000000000000000{n}","spanId":"000000000000000b","parentSpanId":"000000000000000a","name":"GET","kind":3,
		 "startTimeUnixNano":"17000000000{n}0200000","endTimeUnixNano":"17000000000{n}0800000",
		 "attributes":[{"key":"server.address","value":{"stringValue":"stock"}}]}]}]},
	{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"stock"}}]},"scopeSpans":[{"spans":[
		{"traceId":"0000000000000000000000000000000{n}","spanId":"000000000000000c","parentSpanId":"000000000000000b","name":"GET /stock","kind":2,
		 "startTimeUnixNano":"17000000000{n}0300000","endTimeUnixNano":"17000000000{n}0700000","status":{"code":2}}]}]}]}`

const logsJSON = `{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"stock"}}]},"scopeLogs":[{"logRecords":[
	{"timeUnixNano":"17000000000{n}0400000","severityNumber":17,"severityText":"ERROR","body":{"stringValue":"no pears"},
	 "attributes":[{"key":"item","value":{"stringValue":"pear"}}],"traceId":"0000000000000000000000000000000{n}","spanId":"000000000000000c"}]}]}]}`

// traceOf is the id of a trace that orderJSON makes.
func traceOf(n int) string { return fmt.Sprintf("%032x", n) }

func numbered(text string, n int) []byte {
	return []byte(strings.ReplaceAll(text, "{n}", fmt.Sprint(n)))
}

// send exports a request, in OTLP JSON.
func (s *Server) send(t testing.TB, path, text string, n int) {
	t.Helper()
	if r := s.do(t, "POST", path, numbered(text, n), "Content-Type", "application/json"); r.StatusCode != http.StatusOK || string(r.body) != "{}\n" {
		t.Fatalf("%s: %s", r.Status, r.body)
	}
}

func (s *Server) order(t testing.TB, n int) {
	t.Helper()
	s.send(t, "/v1/traces", orderJSON, n)
}

func protobuf(t testing.TB, signal otlp.Signal, text []byte) []byte {
	t.Helper()
	b, err := otlp.ParseJSON(signal, text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func zipped(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Write(b)
	z.Close()
	return out.Bytes()
}

// follower reads what follows a list.
type follower struct {
	t     testing.TB
	lines chan string
	end   context.CancelFunc
}

func (s *Server) startFollowing(t testing.TB, query string) *follower {
	ctx, end := context.WithCancel(context.Background())
	t.Cleanup(end)
	r, err := http.NewRequestWithContext(ctx, "GET", s.URL()+"/api/v1/traces?follow=true"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	f := &follower{t, make(chan string, 100), end}
	go func() {
		defer close(f.lines)
		defer response.Body.Close()
		for in := bufio.NewScanner(response.Body); in.Scan(); {
			f.lines <- in.Text()
		}
	}()
	return f
}

// next returns what the next line says of a trace: its root's name and number of spans; "" for an empty line, and
// "end" for the end.
func (f *follower) next() string {
	f.t.Helper()
	select {
	case line, more := <-f.lines:
		if !more {
			return "end"
		}
		if line == "" {
			return ""
		}
		var sum summaryAnswer
		if err := json.Unmarshal([]byte(line), &sum); err != nil {
			f.t.Fatalf("%v in %q", err, line)
		}
		return fmt.Sprint(sum.Root.Name, " ", sum.Spans)
	case <-time.After(20 * time.Second):
		f.t.Fatal("no line comes")
		return ""
	}
}
