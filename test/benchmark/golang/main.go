// Command golang measures what tracing costs a Go server, side by side with OpenTelemetry written by hand and with
// OpenTelemetry that orchestrion puts there, in one run on one machine, and prints the ratios:
//
//	go run ./test/benchmark/golang                        a few minutes
//	go run ./test/benchmark/golang -orchestrion=false     without orchestrion, which takes minutes to build
//	go run ./test/benchmark/golang -server grpc           or fiber, which is a server of fasthttp
//
// One server on one core answers hello to requests on 16 connections: plain; traced by hand with otelhttp (otelgrpc,
// otelfiber), the OpenTelemetry SDK and its OTLP exporter over HTTP; the same by aspects of orchestrion (../orchestrion;
// net/http only); woven by "lumigo go build", with headers and bodies masked whole, so that nothing is kept of them; and
// woven as it is by default, with headers and bodies. The variants take turns; medians are printed. A backend takes the
// spans in; how many of them never came is part of the result.
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

	"github.com/lumigo-io/opentelemetry-distro/test/benchmark/internal/orchestrion"
	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"

	"google.golang.org/protobuf/encoding/protowire"
)

func main() {
	rounds := flag.Int("rounds", 5, "how often each variant is measured")
	span := flag.Duration("for", 4*time.Second, "how long")
	withOrchestrion := flag.Bool("orchestrion", true, "measure orchestrion as well")
	name := flag.String("server", "http", "what is served by: http, grpc or fiber")
	flag.Parse()
	served, known := servers[*name]
	if !known {
		fmt.Fprintf(os.Stderr, "benchmark: error: no -server %q: take http, grpc or fiber\n", *name)
		os.Exit(2)
	}
	err := run(served, *rounds, *span, *withOrchestrion)
	pythonenv.Cleanup()
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchmark: error:", err)
		os.Exit(1)
	}
}

// A server is where its programs are, in testdata.
type server struct {
	plain, byHand string
	load          string // the program that sends requests; what is in here if empty
	orchestrion   bool   // whether there are aspects for it
}

var servers = map[string]server{
	"http":  {plain: "hello", byHand: "handwritten", orchestrion: true},
	"grpc":  {plain: "grpc/server", byHand: "grpc-handwritten", load: "grpc/load"},
	"fiber": {plain: "fiber", byHand: "fiber-handwritten"},
}

// result is what one measurement gives.
type result struct {
	rate   float64 // requests a second
	cpu    float64 // µs of the server for each request
	memory float64 // MiB resident at the end
	lost   float64 // share of spans that never came
}

// A variant is one way to trace the server.
type variant struct {
	name    string
	binary  string
	environ []string
	traced  bool
	results []result
}

// hidden are the variables that mask headers and bodies whole.
var hidden = []string{
	"LUMIGO_SECRET_MASKING_REGEX_HTTP_REQUEST_HEADERS=all", "LUMIGO_SECRET_MASKING_REGEX_HTTP_RESPONSE_HEADERS=all",
	"LUMIGO_SECRET_MASKING_REGEX_HTTP_REQUEST_BODIES=all", "LUMIGO_SECRET_MASKING_REGEX_HTTP_RESPONSE_BODIES=all",
}

func run(served server, rounds int, span time.Duration, withOrchestrion bool) error {
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
	benchmarks := filepath.Join(root, "test", "benchmark")
	sources := filepath.Join(benchmarks, "golang", "testdata")
	build := func(name, source string, command ...string) (string, error) {
		fmt.Fprintln(os.Stderr, "benchmark: building", name)
		binary := filepath.Join(dir, name)
		cmd := exec.Command(command[0], append(command[1:], "build", "-o", binary, ".")...)
		cmd.Dir, cmd.Env = source, append(os.Environ(), "GOWORK=off", "GOFLAGS=")
		out, err := cmd.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%s: %w\n%s", name, err, out)
		}
		return binary, err
	}
	plain, err := build("plain", filepath.Join(sources, served.plain), "go")
	if err != nil {
		return err
	}
	byHand, err := build("by-hand", filepath.Join(sources, served.byHand), "go")
	if err != nil {
		return err
	}
	woven, err := build("woven", filepath.Join(sources, served.plain), lumigo, "go", "--strict")
	if err != nil {
		return err
	}
	load := load
	if served.load != "" {
		program, err := build("load", filepath.Join(sources, served.load), "go")
		if err != nil {
			return err
		}
		load = func(address string, span time.Duration) (int, error) {
			out, err := exec.Command(program, address, span.String()).Output()
			if err != nil {
				return 0, err
			}
			return strconv.Atoi(strings.TrimSpace(string(out)))
		}
	}
	variants := []*variant{{name: "plain", binary: plain}, {name: "by hand", binary: byHand, traced: true}}
	if withOrchestrion && served.orchestrion {
		command, source, err := orchestrion.Prepare(filepath.Join(benchmarks, "orchestrion"), dir, filepath.Join(sources, "hello", "main.go"))
		if err != nil {
			fmt.Fprintln(os.Stderr, "benchmark: SKIP:", err)
		} else if binary, err := build("orchestrion-hello", source, command, "go"); err != nil {
			return err
		} else {
			variants = append(variants, &variant{name: "orchestrion", binary: binary, traced: true})
		}
	}
	variants = append(variants,
		&variant{name: "woven", binary: woven, environ: hidden, traced: true},
		&variant{name: "woven, with payloads", binary: woven, traced: true})

	for round := range rounds {
		fmt.Fprintf(os.Stderr, "benchmark: round %d of %d\n", round+1, rounds)
		for _, v := range variants {
			r, err := measure(v.binary, v.environ, v.traced, span, load)
			if err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
			v.results = append(v.results, r)
		}
	}
	base, hand := variants[0], variants[1]
	added := func(v *variant) float64 { return v.median(cpu) - base.median(cpu) }
	fmt.Printf("%-20s  %12s  %9s  %8s  %10s  %7s  %7s  %6s\n", "", "requests/s", "of plain", "CPU, µs", "added, µs", "by hand", "lost", "RSS")
	for _, v := range variants {
		ratio := ""
		if v.traced {
			ratio = fmt.Sprintf("1/%.1f", added(hand)/added(v))
		}
		fmt.Printf("%-20s  %12.0f  %9.2f  %8.2f  %10.2f  %7s  %6.1f%%  %3.0f MB\n", v.name, v.median(rate), v.median(rate)/base.median(rate),
			v.median(cpu), added(v), ratio, 100*v.median(lost), v.median(memory))
	}
	return nil
}

func cpu(r result) float64    { return r.cpu }
func rate(r result) float64   { return r.rate }
func lost(r result) float64   { return r.lost }
func memory(r result) float64 { return r.memory }

func (v *variant) median(of func(result) float64) float64 {
	var values []float64
	for _, r := range v.results {
		values = append(values, of(r))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func measure(binary string, environ []string, traced bool, span time.Duration, load func(string, time.Duration) (int, error)) (r result, err error) {
	var backend backend
	sink := httptest.NewServer(&backend)
	defer sink.Close()
	server := exec.Command(binary)
	server.Env = append([]string{"GOMAXPROCS=1", "PATH=/bin", "OTEL_SERVICE_NAME=hello", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + sink.URL + "/v1/traces"}, environ...)
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
