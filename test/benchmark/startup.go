package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
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

	compiled, err := b.volume(filepath.Join(dir, "compiled"), false)
	if err != nil {
		return nil, err
	}
	uncompiled, err := b.volume(filepath.Join(dir, "uncompiled"), true)
	if err != nil {
		return nil, err
	}

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
		pass(append(e.env[:len(e.env):len(e.env)], "PYTHONPATH="+compiled)),
		pass(append(e.env[:len(e.env):len(e.env)], "PYTHONPATH="+uncompiled)),
	)
	if err != nil {
		return nil, err
	}
	plain, ours, off, upstream := m[0], m[1]-m[0], m[2]-m[0], m[3]-m[0]
	progress("  untraced: %.2f ms", plain)
	return []result{
		result{Measure: "CPU added to the start of Python", Unit: "ms", Ours: ours, Upstream: &upstream}.atMost(3, 30),
		result{Measure: "the same, switched off", Unit: "ms", Ours: off}.atMost(0.5, 0),
		{Measure: "more of it where no .pyc file can be written", Unit: "ms", Ours: m[5] - m[4]},
	}, nil
}

// volume lays the tracer out as for containers, and returns what is to be on PYTHONPATH. If it is to be like one that is
// mounted read-only, which does not keep root from writing, a file is in the place of each __pycache__ directory.
func (b *bench) volume(dir string, readOnly bool) (string, error) {
	if out, err := exec.Command(b.lumigo, "install", "--target", dir).CombinedOutput(); err != nil {
		return "", fmt.Errorf("lumigo install: %w: %s", err, out)
	}
	path := filepath.Join(dir, "python", "sitecustomize")
	if !readOnly {
		return path, nil
	}
	return path, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return os.WriteFile(filepath.Join(name, "__pycache__"), nil, 0o644)
	})
}
