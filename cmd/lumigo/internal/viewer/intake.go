package viewer

import (
	"slices"
	"sync"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/viewer/store"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

const (
	intakeDelay = 50 * time.Millisecond // that a span waits for others
	mostIntake  = 16 << 20              // bytes that may wait
)

// intake collects the spans and log records of an engine in the same process, which must not wait for a disk.
type intake struct {
	store *store.Store
	wake  chan struct{} // tells run to look
	done  chan struct{} // closed when run has ended

	flushing sync.Mutex // by one at a time

	mu      sync.Mutex
	groups  [2][]otlp.Group // of spans, and of log records
	index   map[origin]int  // of groups
	bytes   int
	dropped int64 // spans
	closed  bool
}

type origin struct {
	signal   otlp.Signal
	resource *otlp.Resource
	scope    *otlp.Scope
}

func newIntake(s *store.Store) *intake {
	in := &intake{store: s, wake: make(chan struct{}, 1), done: make(chan struct{}), index: map[origin]int{}}
	go in.run()
	return in
}

func (in *intake) add(signal otlp.Signal, r *otlp.Resource, scope *otlp.Scope, item []byte) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed || in.bytes+len(item) > mostIntake {
		if signal == otlp.Traces {
			in.dropped++
		}
		return
	}
	groups := &in.groups[signal]
	i, known := in.index[origin{signal, r, scope}]
	if !known {
		i = len(*groups)
		in.index[origin{signal, r, scope}] = i
		*groups = append(*groups, otlp.Group{Resource: r, Scopes: []otlp.ScopeSpans{{Scope: scope}}})
	}
	items := &(*groups)[i].Scopes[0].Spans
	*items = append(*items, slices.Clone(item))
	in.bytes += len(item)
	select {
	case in.wake <- struct{}{}:
	default: // run will look anyway
	}
}

// run stores what has come, now and then.
func (in *intake) run() {
	defer close(in.done)
	for range in.wake {
		in.mu.Lock()
		closed := in.closed
		in.mu.Unlock()
		if !closed {
			time.Sleep(intakeDelay)
		}
		in.flush()
	}
}

func (in *intake) flush() {
	in.flushing.Lock()
	defer in.flushing.Unlock()
	in.mu.Lock()
	groups := in.groups
	in.groups, in.bytes = [2][]otlp.Group{}, 0
	clear(in.index)
	in.mu.Unlock()
	if spans := groups[otlp.Traces]; len(spans) > 0 {
		in.store.AddSpans(spans)
	}
	if logs := groups[otlp.Logs]; len(logs) > 0 {
		in.store.AddLogs(logs)
	}
}

// close stores what is left; what comes after is dropped.
func (in *intake) close() {
	in.mu.Lock()
	in.closed = true
	close(in.wake)
	in.mu.Unlock()
	<-in.done
}

func (in *intake) drops() int64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.dropped
}
