package main

import (
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
	"github.com/lumigo-io/opentelemetry-distro/test/receiver"
)

// span measures what a span with 8 attributes costs the traced process from its start to its being sent, by
// whatever thread; none may get lost.
func span(b *bench) ([]result, error) {
	dir, remove, err := unpack()
	if err != nil {
		return nil, err
	}
	defer remove()
	ourBackend, err := newBackend()
	if err != nil {
		return nil, err
	}
	defer ourBackend.Close()
	theirBackend, err := newBackend()
	if err != nil {
		return nil, err
	}
	defer theirBackend.Close()
	e, err := b.newEngine(ourBackend.URL())
	if err != nil {
		return nil, err
	}
	defer e.stop()

	const count = 20000
	var results []result
	for _, size := range []int{1, 10} {
		cost := func(kind string, env []string, backend *receiver.Receiver) func() (float64, error) {
			return func() (float64, error) {
				spent := [2]float64{}
				for n, spans := range []int{0, count} { // what is not spans cancels out
					cpu, err := cpuOf(env, b.python.Python, filepath.Join(dir, "span.py"), kind, strconv.Itoa(spans), strconv.Itoa(size))
					if err != nil {
						return 0, err
					}
					spent[n] = cpu.Seconds()
				}
				if backend != nil {
					if err := waitFor(backend, count); err != nil {
						return 0, err
					}
				}
				return (spent[1] - spent[0]) / count * 1e6, nil
			}
		}
		progress("  %d in a trace", size)
		m, err := interleave(b.rounds,
			cost("plain", pythonenv.Environ(), nil),
			cost("ours", e.env, ourBackend),
			cost("upstream", pythonenv.Environ("BENCHMARK_BACKEND="+theirBackend.URL(), "OTEL_BSP_MAX_QUEUE_SIZE="+strconv.Itoa(2*count)), theirBackend),
		)
		if err != nil {
			return nil, err
		}
		upstream := m[2] - m[0]
		r := result{Measure: fmt.Sprintf("app CPU per span, %d in a trace", size), Unit: "µs", Ours: m[1] - m[0], Upstream: &upstream}
		results = append(results, r.atMost(0, 25))
	}
	return results, nil
}
