package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// memory measures the engine's resident memory: with an app that is idle, and with 20,000 spans a second and a
// backend that refuses connections, long after the memory for waiting spans (64 MiB) is used up.
func memory(b *bench) ([]result, error) {
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

	progress("  idle")
	idle, err := func() (float64, error) {
		e, err := b.newEngine(backend.URL())
		if err != nil {
			return 0, err
		}
		defer e.stop()
		cmd := exec.Command(b.python.Python, filepath.Join(dir, "idle.py"))
		cmd.Env = e.env
		input, err := cmd.StdinPipe()
		if err != nil {
			return 0, err
		}
		defer input.Close()
		if err := cmd.Start(); err != nil {
			return 0, err
		}
		defer cmd.Wait()
		defer input.Close()
		if err := waitFor(backend, 10); err != nil {
			return 0, err
		}
		time.Sleep(3 * time.Second) // idle is what we measure
		return e.memory("VmRSS")
	}()
	if err != nil {
		return nil, err
	}

	const rate, seconds, apps = 20000, 20, 2
	progress("  backend down, %d spans/s for %d s", rate, seconds)
	e, err := b.newEngine("http://127.0.0.1:1/v1/traces") // nobody listens on port 1
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var failed error
	made := 0
	var running sync.WaitGroup
	for range apps {
		running.Go(func() {
			cmd := exec.Command(b.python.Python, filepath.Join(dir, "pace.py"), strconv.Itoa(rate/apps), strconv.Itoa(seconds))
			cmd.Env = e.env
			out, err := cmd.Output()
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = fmt.Errorf("pace.py: %w", err)
				return
			}
			n, err := strconv.Atoi(strings.TrimSpace(string(out)))
			made += n
			if err != nil {
				failed = err
			}
		})
	}
	running.Wait()
	peak, err := e.memory("VmHWM")
	last := summaryOf(e.stop())
	if failed != nil {
		return nil, failed
	}
	if err != nil {
		return nil, err
	}
	progress("  the apps made %d spans; the engine says: %s", made, last)
	return []result{
		result{Measure: "engine's memory, idle", Unit: "MB", Ours: idle}.atMost(25, 0),
		// 64 MiB for spans, what an idle engine takes, and what the collector of garbage needs to work.
		result{Measure: "engine's memory at its peak, backend down", Unit: "MB", Ours: peak}.atMost(110, 0),
	}, nil
}

var summaryLine = regexp.MustCompile(`\d+ spans? made in .*`)

func summaryOf(stderr string) string { return summaryLine.FindString(stderr) }
