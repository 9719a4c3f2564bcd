package main

import (
	"path/filepath"
	"strconv"
	"time"
)

// engineCost measures the engine's CPU for a span with 8 attributes, from the socket to the wire.
func engineCost(b *bench) ([]result, error) {
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
	var results []result
	for _, size := range []int{1, 10} {
		e, err := b.newEngine(backend.URL())
		if err != nil {
			return nil, err
		}
		progress("  %d in a trace", size)
		const count = 60000
		m, err := interleave(b.rounds, func() (float64, error) {
			before, err := e.cpu()
			if err != nil {
				return 0, err
			}
			if _, err := cpuOf(e.env, b.python.Python, filepath.Join(dir, "span.py"), "ours", strconv.Itoa(count), strconv.Itoa(size)); err != nil {
				return 0, err
			}
			if err := waitFor(backend, count); err != nil {
				return 0, err
			}
			after, err := e.cpu()
			return float64(after-before) / float64(time.Microsecond) / count, err
		})
		e.stop()
		if err != nil {
			return nil, err
		}
		results = append(results, result{Measure: "engine CPU per span, " + strconv.Itoa(size) + " in a trace", Unit: "µs", Ours: m[0]}.atMost(5, 0))
	}
	return results, nil
}
