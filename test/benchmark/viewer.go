package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// viewer measures `lumigo view`: 20,000 spans a second for a minute, which is several times what it keeps; whether
// one is lost, its memory and its CPU meanwhile; and how long a trace of 10,000 spans takes to open, with everything
// else that it has then.
func viewer(b *bench) ([]result, error) {
	dir, err := os.MkdirTemp("", "lumigo-benchmark-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	const rate, seconds, size, clients = 20000, 60, 500, 4
	progress("  within lumigo run, %d spans/s for %d s", rate, seconds)
	within, err := b.viewerOfRun(rate, seconds, size, clients)
	if err != nil {
		return nil, err
	}
	v, err := newViewer(exec.Command(b.lumigo, "view", "--listen", "127.0.0.1:0", "--dir", dir))
	if err != nil {
		return nil, err
	}
	defer interrupt(v.cmd)

	progress("  %d spans/s for %d s", rate, seconds)
	before, err := v.cpu()
	if err != nil {
		return nil, err
	}
	if err := v.flood(rate, seconds, size, clients); err != nil {
		return nil, err
	}
	after, err := v.cpu()
	if err != nil {
		return nil, err
	}
	status, err := v.status()
	if err != nil {
		return nil, err
	}
	lost := float64(rate*seconds-status.ReceivedSpans) + float64(status.DroppedSpans)
	progress("  it has %d spans of %d, in %d MB on disk; an index of %d MB", status.Spans, status.ReceivedSpans, status.Bytes/1e6, status.IndexBytes/1e6)

	const large = 10000
	if err := v.send(requests(1<<40, large, large)); err != nil {
		return nil, err
	}
	trace := fmt.Sprintf("/api/v1/traces/%x", traceID(1<<40))
	measures, err := interleave(b.rounds,
		func() (float64, error) { return v.time(trace) },
		func() (float64, error) { return v.time("/api/v1/traces?limit=100") },
		func() (float64, error) { return v.time("/api/v1/traces?text=nowhere") },
		func() (float64, error) { return v.time("/api/v1/map") },
	)
	if err != nil {
		return nil, err
	}
	peak, err := v.memory("VmHWM")
	if err != nil {
		return nil, err
	}
	return []result{
		result{Measure: "spans lost at 20,000 a second", Unit: "", Ours: lost}.atMost(0.5, 0),
		{Measure: "viewer's CPU per span", Unit: "µs", Ours: float64(after-before) / float64(time.Microsecond) / rate / seconds},
		result{Measure: "viewer's memory at its peak", Unit: "MB", Ours: peak}.atMost(150, 0),
		{Measure: "memory of lumigo run --view at its peak", Unit: "MB", Ours: within},
		result{Measure: "a trace of 10,000 spans", Unit: "ms", Ours: measures[0]}.atMost(1000, 0),
		{Measure: "the list of the latest 100 traces", Unit: "ms", Ours: measures[1]},
		{Measure: "a search that finds nothing", Unit: "ms", Ours: measures[2]},
		{Measure: "the map of all services", Unit: "ms", Ours: measures[3]},
	}, nil
}

// viewerOfRun measures the memory, at its peak, of a `lumigo run --view`: launcher, engine and viewer are one process. The
// spans come from elsewhere, as the command makes none.
func (b *bench) viewerOfRun(rate, seconds, size, clients int) (peak float64, err error) {
	dir, err := os.MkdirTemp("", "lumigo-benchmark-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command(b.lumigo, "run", "--view=127.0.0.1:0", "--", "sleep", "infinity")
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+dir)
	v, err := newViewer(cmd)
	if err != nil {
		return 0, err
	}
	defer interrupt(cmd)
	if err := v.flood(rate, seconds, size, clients); err != nil {
		return 0, err
	}
	return v.memory("VmHWM")
}

// runningViewer is a `lumigo view`, or one within `lumigo run`.
type runningViewer struct {
	process
	cmd *exec.Cmd
	url string
}

func newViewer(cmd *exec.Cmd) (*runningViewer, error) {
	v := &runningViewer{cmd: cmd}
	out, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	v.pid = cmd.Process.Pid
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "lumigo: viewer: "); ok {
			v.url = url
			go io.Copy(io.Discard, out)
			return v, nil
		}
	}
	interrupt(cmd)
	return nil, fmt.Errorf("%v has no viewer", cmd.Args)
}

// flood sends requests of so many spans at a rate, from several clients at a time.
func (v *runningViewer) flood(rate, seconds, size, clients int) error {
	var group sync.WaitGroup
	errors := make([]error, clients)
	began := time.Now()
	for c := range clients {
		group.Go(func() {
			for n := c; n < rate*seconds/size; n += clients {
				time.Sleep(time.Until(began.Add(time.Duration(n) * time.Second * time.Duration(size) / time.Duration(rate)))) // the pace
				if errors[c] = v.send(requests(uint64(n*size), size, 5)); errors[c] != nil {
					return
				}
			}
		})
	}
	group.Wait()
	if late := time.Since(began) - time.Duration(seconds)*time.Second; late > 2*time.Second {
		return fmt.Errorf("%d spans/s were more than this machine can send: %v late", rate, late)
	}
	for _, err := range errors {
		if err != nil {
			return err
		}
	}
	return nil
}

func (v *runningViewer) send(request []byte) error {
	response, err := http.Post(v.url+"/v1/traces", "application/x-protobuf", bytes.NewReader(request))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK || len(body) > 0 {
		return fmt.Errorf("%s: %q, %v", response.Status, body, err)
	}
	return nil
}

// time is how long an answer takes, in milliseconds.
func (v *runningViewer) time(path string) (float64, error) {
	began := time.Now()
	response, err := http.Get(v.url + path)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s: %s, %v", path, response.Status, err)
	}
	return float64(time.Since(began)) / float64(time.Millisecond), nil
}

type viewerStatus struct{ ReceivedSpans, DroppedSpans, Spans, Bytes, IndexBytes int64 }

func (v *runningViewer) status() (status viewerStatus, err error) {
	response, err := http.Get(v.url + "/api/v1/status")
	if err != nil {
		return status, err
	}
	defer response.Body.Close()
	return status, json.NewDecoder(response.Body).Decode(&status)
}

// requests makes a request of so many spans, numbered from first, of which each traceSize are a trace. A span has
// the attributes of a served HTTP request.
func requests(first uint64, count, traceSize int) []byte {
	group := otlp.Group{
		Resource: otlp.NewResource([]otlp.Attribute{
			{Key: "service.name", Value: fmt.Sprintf("service-%d", first/1000%5)},
			{Key: "process.environ", Value: strings.Repeat("a variable of the environment ", 100)},
		}, ""),
		Scopes: []otlp.ScopeSpans{{Scope: otlp.NewScope("benchmark", "")}},
	}
	for i := range uint64(count) {
		n := first + i
		top := n - i%uint64(traceSize)
		var parent [8]byte
		if n > top {
			parent = spanID(top + (i%uint64(traceSize)-1)/4) // each has four children
		}
		var s otlp.Span
		s.Context(traceID(top), spanID(n), parent, "", 1)
		s.Name(fmt.Sprintf("GET /items/{id}/%d", n%20))
		s.Kind(otlp.KindServer)
		start := uint64(1_700_000_000_000_000_000) + n*10_000
		s.Times(start, start+5_000_000)
		s.String("http.request.method", "GET")
		s.String("url.scheme", "https")
		s.String("url.path", fmt.Sprintf("/items/%d", n))
		s.String("http.route", "/items/{id}")
		s.String("server.address", "example.com")
		s.Int("server.port", 443)
		s.Int("http.response.status_code", 200)
		s.String("user_agent.original", "curl/8.5.0")
		group.Scopes[0].Spans = append(group.Scopes[0].Spans, s.Encoded())
	}
	return otlp.AppendRequest(nil, []otlp.Group{group})
}

func traceID(n uint64) (id [16]byte) {
	binary.BigEndian.PutUint64(id[8:], n+1)
	return id
}

func spanID(n uint64) (id [8]byte) {
	binary.BigEndian.PutUint64(id[:], n+1)
	return id
}
