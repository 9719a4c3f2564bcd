// Command golang measures what tracing costs a Go server, side by side with OpenTelemetry written by hand, in one run
// on one machine, and prints the ratios:
//
//	go run ./test/benchmark/golang
//
// One server on one core answers hello to requests on 16 connections: plain, traced by hand with otelhttp, the
// OpenTelemetry SDK and its OTLP exporter over HTTP, and woven by "lumigo go build". The variants take turns; medians
// are printed. A backend takes the spans in; how many of them never came is part of the result.
package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"

	"google.golang.org/protobuf/encoding/protowire"
)

func main() {
	rounds := flag.Int("rounds", 5, "how often each variant is measured")
	span := flag.Duration("for", 4*time.Second, "how long")
	flag.Parse()
	err := run(*rounds, *span)
	pythonenv.Cleanup()
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchmark: error:", err)
		os.Exit(1)
	}
}

// result is what one measurement gives.
type result struct {
	rate   float64 // requests a second
	cpu    float64 // µs of the server for each request
	memory float64 // MiB resident at the end
	lost   float64 // share of spans that never came
}

func run(rounds int, span time.Duration) error {
	root, err := pythonenv.Root()
	if err != nil {
		return err
	}
	lumigo, err := pythonenv.Lumigo()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "lumigo-benchmark-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	sources := filepath.Join(root, "test", "benchmark", "golang", "testdata")
	variants := []struct {
		name, source string
		command      []string
		traced       bool
	}{
		{"plain", "hello", []string{"go", "build"}, false},
		{"by hand", "handwritten", []string{"go", "build"}, true},
		{"woven", "hello", []string{lumigo, "go", "--strict", "build"}, true},
	}
	results := make([][]result, len(variants))
	for n, v := range variants {
		cmd := exec.Command(v.command[0], append(v.command[1:], "-o", filepath.Join(dir, strconv.Itoa(n)), ".")...)
		cmd.Dir, cmd.Env = filepath.Join(sources, v.source), append(os.Environ(), "GOWORK=off", "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", v.name, err, out)
		}
	}
	for round := range rounds {
		fmt.Fprintf(os.Stderr, "benchmark: round %d of %d\n", round+1, rounds)
		for n, v := range variants {
			r, err := measure(filepath.Join(dir, strconv.Itoa(n)), v.traced, span)
			if err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
			results[n] = append(results[n], r)
		}
	}
	median := func(n int, of func(result) float64) float64 {
		var values []float64
		for _, r := range results[n] {
			values = append(values, of(r))
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	cpu := func(r result) float64 { return r.cpu }
	rate := func(r result) float64 { return r.rate }
	fmt.Printf("%-8s  %12s  %9s  %8s  %10s  %7s  %6s\n", "", "requests/s", "of plain", "CPU, µs", "added, µs", "lost", "RSS")
	for n, v := range variants {
		fmt.Printf("%-8s  %12.0f  %9.2f  %8.2f  %10.2f  %6.1f%%  %3.0f MB\n", v.name, median(n, rate), median(n, rate)/median(0, rate),
			median(n, cpu), median(n, cpu)-median(0, cpu), 100*median(n, func(r result) float64 { return r.lost }), median(n, func(r result) float64 { return r.memory }))
	}
	fmt.Printf("woven adds 1/%.1f of the CPU that tracing by hand adds\n", (median(1, cpu)-median(0, cpu))/(median(2, cpu)-median(0, cpu)))
	return nil
}

func measure(binary string, traced bool, span time.Duration) (r result, err error) {
	var backend backend
	sink := httptest.NewServer(&backend)
	defer sink.Close()
	server := exec.Command(binary)
	server.Env = []string{"GOMAXPROCS=1", "PATH=/bin", "OTEL_SERVICE_NAME=hello", "LUMIGO_DEBUG=false",
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + sink.URL + "/v1/traces", "LUMIGO_EXPORT_MEMORY_LIMIT=67108864"}
	out, err := server.StdoutPipe()
	if err != nil {
		return r, err
	}
	if err := server.Start(); err != nil {
		return r, err
	}
	defer server.Process.Kill()
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return r, err
	}
	address = strings.TrimSpace(address)
	warm, err := load(address, span/4)
	if err != nil {
		return r, err
	}
	before, begun := cpuOf(server.Process.Pid), time.Now()
	n, err := load(address, span)
	if err != nil {
		return r, err
	}
	took := time.Since(begun)
	used := cpuOf(server.Process.Pid) - before
	r.rate, r.cpu = float64(n)/took.Seconds(), float64(used.Microseconds())/float64(n)
	r.memory = resident(server.Process.Pid)
	server.Process.Signal(syscall.SIGTERM)
	server.Wait()
	if traced {
		r.lost = 1 - float64(backend.spans.Load())/float64(warm+n)
	}
	return r, nil
}

// A backend counts spans, and does no more: it has the other core together with the load.
type backend struct {
	spans atomic.Int64
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	each(body, 1, func(resource []byte) {
		each(resource, 2, func(scope []byte) {
			each(scope, 2, func([]byte) { b.spans.Add(1) })
		})
	})
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// each calls f with each message of a field.
func each(message []byte, field protowire.Number, f func([]byte)) {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return
		}
		size := protowire.ConsumeFieldValue(number, kind, message[n:])
		if size < 0 {
			return
		}
		if value, m := protowire.ConsumeBytes(message[n:]); number == field && kind == protowire.BytesType && m > 0 {
			f(value)
		}
		message = message[n+size:]
	}
}

const request = "GET /hello HTTP/1.1\r\nHost: localhost\r\nUser-Agent: benchmark\r\nAccept: */*\r\n\r\n"

// load keeps 16 connections busy for a while, and returns how many requests were answered.
func load(address string, span time.Duration) (total int, err error) {
	var mu sync.Mutex
	var group sync.WaitGroup
	end := time.Now().Add(span)
	for range 16 {
		group.Add(1)
		go func() {
			defer group.Done()
			n, e := connection(address, end)
			mu.Lock()
			defer mu.Unlock()
			if total += n; e != nil {
				err = e
			}
		}()
	}
	group.Wait()
	return total, err
}

func connection(address string, end time.Time) (n int, err error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	r := bufio.NewReader(c)
	for time.Now().Before(end) {
		if _, err := io.WriteString(c, request); err != nil {
			return n, err
		}
		length := 0
		for {
			line, err := r.ReadSlice('\n')
			if err != nil {
				return n, err
			}
			if text, ok := strings.CutPrefix(string(line), "Content-Length: "); ok {
				length, _ = strconv.Atoi(strings.TrimSpace(text))
			}
			if len(line) == 2 {
				break
			}
		}
		if _, err := r.Discard(length); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// cpuOf is the CPU time that a process has used.
func cpuOf(pid int) time.Duration {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * time.Second / 100 // as Linux tells it to programs, on all platforms
}

func resident(pid int) float64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if fields := strings.Fields(string(text)); len(fields) > 1 {
		pages, _ := strconv.Atoi(fields[1])
		return float64(pages*os.Getpagesize()) / (1 << 20)
	}
	return 0
}
