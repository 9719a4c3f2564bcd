package main

import (
	"path/filepath"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
)

// startup measures the CPU time that tracing adds to `python -c pass`, everything compiled beforehand.
func startup(b *bench) ([]result, error) {
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

	const runs = 10 // a round; one is too short for the clock that the kernel keeps
	pass := func(env []string) func() (float64, error) {
		return func() (float64, error) {
			total := 0.0
			for range runs {
				cpu, err := cpuOf(env, b.python.Python, "-c", "pass")
				if err != nil {
					return 0, err
				}
				total += cpu.Seconds() * 1000
			}
			return total / runs, nil
		}
	}
	m, err := interleave(b.rounds,
		pass(pythonenv.Environ()),
		pass(e.env),
		pass(append(e.env[:len(e.env):len(e.env)], "LUMIGO_SWITCH_OFF=true")),
		pass(pythonenv.Environ("PYTHONPATH="+filepath.Join(dir, "upstream"), "BENCHMARK_BACKEND="+backend.URL())),
	)
	if err != nil {
		return nil, err
	}
	plain, ours, off, upstream := m[0], m[1]-m[0], m[2]-m[0], m[3]-m[0]
	progress("  untraced: %.2f ms", plain)
	return []result{
		result{Measure: "CPU added to the start of Python", Unit: "ms", Ours: ours, Upstream: &upstream}.atMost(3, 30),
		result{Measure: "the same, switched off", Unit: "ms", Ours: off}.atMost(0.5, 0),
	}, nil
}
