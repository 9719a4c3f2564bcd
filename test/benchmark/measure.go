package main

import (
	"bufio"
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
	"github.com/lumigo-io/opentelemetry-distro/test/receiver"
)

//go:embed python
var scripts embed.FS

// unpack writes the Python programs to a directory that remove removes.
func unpack() (dir string, remove func(), err error) {
	made, err := os.MkdirTemp("", "lumigo-benchmark-")
	if err != nil {
		return "", nil, err
	}
	if err := os.CopyFS(made, scripts); err != nil {
		os.RemoveAll(made)
		return "", nil, err
	}
	return filepath.Join(made, "python"), func() { os.RemoveAll(made) }, nil
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// interleave measures each variant once a round, so that whatever disturbs the machine disturbs all alike, in an order
// of the round's own, as what ran before still matters; and returns their medians. The first round warms caches up and
// does not count.
func interleave(rounds int, variants ...func() (float64, error)) ([]float64, error) {
	values := make([][]float64, len(variants))
	for round := range rounds + 1 {
		for _, n := range rand.Perm(len(variants)) {
			v, err := variants[n]()
			if err != nil {
				return nil, err
			}
			if round > 0 {
				values[n] = append(values[n], v)
			}
		}
		progress("  round %d of %d", round, rounds)
	}
	medians := make([]float64, len(variants))
	for n := range values {
		medians[n] = median(values[n])
	}
	return medians, nil
}

// cpuOf runs a program to its end and returns the CPU time that it used, all its threads together.
func cpuOf(env []string, argv ...string) (time.Duration, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(stderr.String()))
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

// told runs a program to its end and returns the number that it prints last.
func told(env []string, argv ...string) (float64, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(stderr.String()))
	}
	out = bytes.TrimSpace(out)
	return strconv.ParseFloat(string(out[bytes.LastIndexByte(out, '\n')+1:]), 64)
}

// --- a running engine -------------------------------------------------------------------

const token = "t_0123456789abcdef01234"

const leaseArgument = "lease-of-an-engine"

// engine is a `lumigo run` whose command only tells its environment and waits. Programs that are started with
// that environment are traced by it as if it had started them, and their CPU time can be told from its own.
type engine struct {
	process
	env    []string // for programs
	stderr bytes.Buffer
	cmd    *exec.Cmd
	input  io.Closer
}

// lease is the command: it tells its environment and ends with its input.
func lease() {
	json.NewEncoder(os.Stdout).Encode(os.Environ())
	io.Copy(io.Discard, os.Stdin)
}

// newEngine starts an engine that exports to endpoint.
func (b *bench) newEngine(endpoint string, more ...string) (*engine, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	e := &engine{cmd: exec.Command(b.lumigo, "run", "--", self, leaseArgument)}
	e.cmd.Env = pythonenv.Environ(append([]string{"LUMIGO_TRACER_TOKEN=" + token, "LUMIGO_ENDPOINT=" + endpoint, "OTEL_SERVICE_NAME=benchmark"}, more...)...)
	e.cmd.Stderr = &e.stderr
	out, err := e.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if e.input, err = e.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := e.cmd.Start(); err != nil {
		return nil, err
	}
	e.pid = e.cmd.Process.Pid
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&e.env); err != nil {
		e.stop()
		return nil, fmt.Errorf("the launcher did not start its command: %w: %s", err, e.stderr.String())
	}
	return e, nil
}

// stop ends the engine and returns what it said.
func (e *engine) stop() string {
	e.input.Close()
	e.cmd.Wait()
	return e.stderr.String()
}

// process is one that runs.
type process struct{ pid int }

// cpu is the CPU time that the process has used, in the kernel's ticks of 10 ms.
func (p process) cpu() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid))
	if err != nil {
		return 0, err
	}
	// The name, in parentheses, may contain blanks.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("cannot read %q", stat)
	}
	return time.Duration(user+system) * 10 * time.Millisecond, nil
}

// memory is a field of the process's status, such as VmRSS or VmHWM, in MB.
func (p process) memory(field string) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, found := strings.CutPrefix(line, field+":"); found {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1000 * 1.024, err
		}
	}
	return 0, fmt.Errorf("no %s in /proc/%d/status", field, p.pid)
}

// --- the backend ------------------------------------------------------------------------

func newBackend() (*receiver.Receiver, error) {
	r, err := receiver.Listen("127.0.0.1:0")
	if err == nil {
		r.Lean()
	}
	return r, err
}

// waitFor waits until the backend has n spans and not one more, and forgets them.
func waitFor(r *receiver.Receiver, n int) error {
	got, err := waitForAtLeast(r, n)
	if err == nil && got != n {
		err = fmt.Errorf("%d spans arrived, want %d", got, n)
	}
	return err
}

// waitForAtLeast waits until the backend has n spans, forgets them, and returns how many there were.
func waitForAtLeast(r *receiver.Receiver, n int) (got int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	defer r.Reset()
	if err := r.WaitCounts(ctx, func(c receiver.Counts) bool { return c.Spans >= n }); err != nil {
		return 0, fmt.Errorf("want %d spans: %w", n, err)
	}
	return r.Counts().Spans, nil
}

// interrupt asks a server to end, and sees to it that it does.
func interrupt(cmd *exec.Cmd) {
	cmd.Process.Signal(syscall.SIGINT)
	stop := time.AfterFunc(5*time.Second, func() { cmd.Process.Kill() })
	cmd.Wait()
	stop.Stop()
}
