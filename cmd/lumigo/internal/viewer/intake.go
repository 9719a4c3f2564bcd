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

// intake collects the spans of an engine in the same process, which must not wait for a disk.
type intake struct {
	store *store.Store
	wake  chan struct{} // tells run to look
	done  chan struct{} // closed when run has ended

	flushing sync.Mutex // by one at a time

	mu      sync.Mutex
	groups  []otlp.Group
	index   map[origin]int // of groups
	bytes   int
	dropped int64
	closed  bool
}

type origin struct {
	resource *otlp.Resource
	scope    *otlp.Scope
}

func newIntake(s *store.Store) *intake {
	in := &intake{store: s, wake: make(chan struct{}, 1), done: make(chan struct{}), index: map[origin]int{}}
	go in.run()
	return in
}

func (in *intake) add(r *otlp.Resource, scope *otlp.Scope, span []byte) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed || in.bytes+len(span) > mostIntake {
		in.dropped++
		return
	}
	i, known := in.index[origin{r, scope}]
	if !known {
		i = len(in.groups)
		in.index[origin{r, scope}] = i
		in.groups = append(in.groups, otlp.Group{Resource: r, Scopes: []otlp.ScopeSpans{{Scope: scope}}})
	}
	spans := &in.groups[i].Scopes[0].Spans
	*spans = append(*spans, slices.Clone(span))
	in.bytes += len(span)
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
	in.groups, in.bytes = nil, 0
	clear(in.index)
	in.mu.Unlock()
	if len(groups) > 0 {
		in.store.AddSpans(groups)
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
