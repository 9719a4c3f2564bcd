package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
)

// requestCost measures a Flask request with one server and one client span, headers captured by both, bodies by
// ours alone (upstream cannot): CPU of the app's process one request at a time, and throughput at 4 threads.
func requestCost(b *bench) ([]result, error) {
	dir, remove, err := unpack()
	if err != nil {
		return nil, err
	}
	defer remove()
	backend, err := newBackend()
	if err != nil {
		return nil, err
	}
	defer backend.Close()
	e, err := b.newEngine(backend.URL())
	if err != nil {
		return nil, err
	}
	defer e.stop()
	stub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"item": "apple", "left": 7, "shelves": ["a1", "a2", "b7"], "supplier": {"name": "Orchard", "city": "Utrecht"}}`)
	}))
	defer stub.Close()

	// requests reads the whole environment in each request, so that every variable costs time. All have those with which
	// an operator configures tracing; what the launcher adds to them only we have.
	configuration := []string{"STUB=" + stub.URL, "LUMIGO_TRACER_TOKEN=" + token, "LUMIGO_ENDPOINT=" + backend.URL(), "OTEL_SERVICE_NAME=benchmark"}
	environments := map[string][]string{
		"plain":    pythonenv.Environ(configuration...),
		"ours":     append(e.env[:len(e.env):len(e.env)], "STUB="+stub.URL),
		"upstream": pythonenv.Environ(append(configuration, "BENCHMARK_BACKEND="+backend.URL())...),
	}
	apps := func(threads int) (map[string]*app, func(), error) {
		all := map[string]*app{}
		stop := func() {
			for _, a := range all {
				interrupt(a.cmd)
			}
		}
		for kind, env := range environments {
			a, err := startApp(env, b.python.Python, filepath.Join(dir, "request.py"), kind, strconv.Itoa(threads))
			if err != nil {
				stop()
				return nil, nil, err
			}
			all[kind] = a
			if err := a.order(300, 1); err != nil { // warm
				stop()
				return nil, nil, err
			}
		}
		return all, stop, nil
	}

	progress("  CPU")
	one, stop, err := apps(1)
	if err != nil {
		return nil, err
	}
	cost := func(a *app) func() (float64, error) {
		return func() (float64, error) {
			const requests = 100
			before, err := a.cpu()
			if err != nil {
				return 0, err
			}
			if err := a.order(requests, 1); err != nil {
				return 0, err
			}
			after, err := a.cpu()
			return (after - before) / requests * 1e6, err
		}
	}
	m, err := interleave(10*b.rounds, cost(one["plain"]), cost(one["ours"]), cost(one["upstream"]))
	stop()
	if err != nil {
		return nil, err
	}
	progress("  untraced: %.0f µs", m[0])
	upstream := m[2] - m[0]
	results := []result{result{Measure: "CPU added to a Flask request", Unit: "µs", Ours: m[1] - m[0], Upstream: &upstream}.atMost(0, 8)}

	progress("  throughput")
	four, stop, err := apps(4)
	if err != nil {
		return nil, err
	}
	defer stop()
	rate := func(a *app) func() (float64, error) {
		return func() (float64, error) {
			const requests = 1000
			began := time.Now()
			err := a.order(requests, 4)
			return requests / time.Since(began).Seconds(), err
		}
	}
	m, err = interleave(b.rounds, rate(four["plain"]), rate(four["ours"]), rate(four["upstream"]))
	if err != nil {
		return nil, err
	}
	progress("  untraced: %.0f requests/s", m[0])
	theirs := m[2] / m[0]
	met := m[1]/m[0] >= 0.85
	return append(results, result{Measure: "throughput at 4 threads, untraced = 1", Unit: "", Ours: m[1] / m[0], Upstream: &theirs, Target: "≥ 0.85", Met: &met}), nil
}

// app is a running request.py.
type app struct {
	cmd    *exec.Cmd
	base   string
	client http.Client
}

func startApp(env []string, argv ...string) (*app, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		interrupt(cmd)
		return nil, fmt.Errorf("%s did not start: %s", strings.Join(argv, " "), stderr.String())
	}
	return &app{
		cmd:    cmd,
		base:   "http://127.0.0.1:" + strings.TrimSpace(port),
		client: http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}, Timeout: time.Minute},
	}, nil
}

// order makes so many requests, so many at once.
func (a *app) order(requests, atOnce int) error {
	const body = `{"item": "apple", "customer": "Ada", "password": "swordfish", "lines": [1, 2, 3], "note": "please ring twice"}`
	var left atomic.Int64
	left.Store(int64(requests))
	var mu sync.Mutex
	var failed error
	var clients sync.WaitGroup
	for range atOnce {
		clients.Go(func() {
			for left.Add(-1) >= 0 {
				answer, err := a.client.Post(a.base+"/orders/apple", "application/json", strings.NewReader(body))
				if err == nil {
					io.Copy(io.Discard, answer.Body)
					answer.Body.Close()
					if answer.StatusCode != 200 {
						err = fmt.Errorf("the app answered %s", answer.Status)
					}
				}
				if err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
					return
				}
			}
		})
	}
	clients.Wait()
	return failed
}

func (a *app) cpu() (float64, error) {
	answer, err := a.client.Get(a.base + "/cpu")
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(string(text), 64)
}
