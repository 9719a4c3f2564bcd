package export

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/untraced"
)

const (
	maxInFlight = 4       // requests at a time
	maxRequest  = 4 << 20 // bytes of spans in a request, when memory is ample

	defaultMemoryLimit = 64 << 20
	defaultBatchSize   = 512
	defaultDelay       = 5 * time.Second
	defaultTimeout     = 10 * time.Second
	defaultFlush       = 30 * time.Second
)

// Options is what New needs to know. In Export and Batch, a limit, size or
// duration that is not positive means the default that config would fill in.
type Options struct {
	Export    config.Export
	Batch     config.Batch
	Proxy     config.Proxy
	Signal    otlp.Signal  // what is sent: spans, or log records in the place of spans everywhere
	Log       *diag.Logger // nil logs nothing
	UserAgent string       // such as lumigo-opentelemetry-distro/1.2.3
}

// Exporter sends spans to one destination. Make it with New and end it with
// Shutdown. All methods are safe for concurrent use.
type Exporter struct {
	signal   otlp.Signal
	endpoint string // with its credentials; "" when there is nowhere to send to
	client   *http.Client
	header   http.Header
	json     bool
	gzip     bool
	token    bool
	timeout  time.Duration // of an attempt
	delay    time.Duration // until a batch that is not full is sent
	flush    time.Duration // for a Flush or Shutdown without a deadline
	limit    int64         // bytes of memory
	maxSpans int           // waiting; 0 for no bound
	batch    int           // spans of a request
	request  int           // bytes of spans in a request, unless a single one is larger
	report   *reporter

	firstPause, longestPause time.Duration // between attempts

	ctx    context.Context // ended when Shutdown's time is up
	cancel context.CancelFunc
	wake   chan struct{} // tells run to look again
	done   chan struct{} // closed when run has ended

	mu        sync.Mutex
	totals    Totals
	queue     queue
	sending   []*batch
	held      int64         // bytes of the bodies of sending
	taken     uint64        // spans that have left the queue, ever
	urgent    uint64        // spans to send without delay: those numbered below
	since     time.Time     // when the wait of what is queued began; zero when run has not looked yet
	full      bool          // a span was dropped since a batch last left
	fullSaid  bool          // and the report has been told
	failing   time.Time     // when the outage began; zero when there is none
	notBefore time.Time     // as the backend's Retry-After asks
	kicks     int           // how often pauses were cut short
	changed   chan struct{} // closed, and replaced, when a batch is settled or pauses are cut short
	closed    bool          // Shutdown was called
	deadline  time.Time     // of Shutdown; zero for none
}

// batch is a request and what is left to know of its spans.
type batch struct {
	first  uint64 // number of its first span
	spans  int
	body   []byte
	memory int64

	heldUp    bool  // an attempt has failed
	delivered int64 // Totals.Delivered when its last attempt ended
	strikes   int   // see rejectAfter
}

// New starts an exporter. It does no I/O but reading the certificates that
// o.Export names, and never fails: what it cannot use it warns of, and without
// an endpoint it drops every span, as [NoEndpoint].
func New(o Options) *Exporter {
	e := &Exporter{
		signal:   o.Signal,
		json:     o.Export.Protocol == "http/json",
		gzip:     o.Export.Compression == "gzip",
		token:    o.Export.Token != "",
		timeout:  positive(o.Export.Timeout, defaultTimeout),
		delay:    positive(o.Batch.ScheduleDelay, defaultDelay),
		flush:    positive(o.Batch.ExportTimeout, defaultFlush),
		limit:    positive(o.Export.MemoryLimit, defaultMemoryLimit),
		maxSpans: max(o.Batch.MaxQueueSize, 0),
		batch:    positive(o.Batch.MaxExportBatchSize, defaultBatchSize),

		firstPause:   250 * time.Millisecond,
		longestPause: 5 * time.Second,

		wake:    make(chan struct{}, 1),
		done:    make(chan struct{}),
		changed: make(chan struct{}),
	}
	if e.maxSpans > 0 {
		e.batch = min(e.batch, e.maxSpans)
	}
	e.request = int(min(e.limit/(2*maxInFlight), maxRequest))
	e.queue.chunkSize = int(min(max(e.limit/64, 1<<10), largestChunk))
	e.ctx, e.cancel = context.WithCancel(untraced.Context(context.Background()))
	if o.Export.Endpoint == "" {
		close(e.done)
		return e
	}
	u, err := parseEndpoint(o.Export.Endpoint)
	if err != nil {
		o.Log.Errorf(things(o.Signal)+" cannot be sent to the configured endpoint: %v; they are dropped", err)
		close(e.done)
		return e
	}
	e.endpoint = u.String()
	e.report = newReporter(o.Log, o.Signal, shown(u), e.limit)
	e.client = newClient(u, o, e.timeout, o.Log.Warningf)
	e.header = header(o, o.Log.Warningf)
	go e.run()
	return e
}

func positive[T int | int64 | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

// Add takes a copy of an encoded span, to be sent as one of r's and s's, which
// must not be nil. It never blocks; a span that there is no room for is dropped
// and counted.
func (e *Exporter) Add(r *otlp.Resource, s *otlp.Scope, span []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.totals.Accepted++
	switch {
	case e.endpoint == "":
		e.totals.Dropped[NoEndpoint]++
		return
	case e.closed:
		e.totals.Dropped[AfterShutdown]++
		return
	case e.maxSpans > 0 && e.queue.spans >= e.maxSpans, !e.queue.add(r, s, span, e.limit-e.held):
		e.totals.Dropped[QueueFull]++
		if !e.full {
			e.full = true
			e.look()
		}
		return
	}
	e.totals.Pending++
	if n := e.queue.spans; n == 1 || n == e.batch || e.queue.bytes >= e.request && e.queue.bytes-len(span) < e.request {
		e.look()
	}
}

// Signal returns what is sent.
func (e *Exporter) Signal() otlp.Signal { return e.signal }

// Totals returns the counts of all spans so far.
func (e *Exporter) Totals() Totals {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.totals
}

// Flush sends what waits now, at once, and returns when every span added before
// the call is delivered or dropped. Its deadline is that of ctx, or without one
// config.Batch.ExportTimeout; spans that are then still waiting are kept, and
// the error says how many there are.
func (e *Exporter) Flush(ctx context.Context) error {
	if e.endpoint == "" {
		return nil
	}
	ctx, cancel := e.withDeadline(ctx)
	defer cancel()
	e.mu.Lock()
	target := e.taken + uint64(e.queue.spans)
	e.hurry(target)
	for e.settled() < target {
		changed := e.changed
		e.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("flush: %s still waiting: %w", number(e.signal, e.Totals().Pending), ctx.Err())
		}
		e.mu.Lock()
	}
	e.mu.Unlock()
	return nil
}

// Shutdown flushes, until the deadline of ctx or without one for
// config.Batch.ExportTimeout, drops what is then still waiting, and ends the
// exporter. Afterwards nothing is pending and nothing of it runs. The error
// says how many spans the deadline cost. Further calls wait for the first; the
// earliest deadline of all counts.
func (e *Exporter) Shutdown(ctx context.Context) error {
	ctx, cancel := e.withDeadline(ctx)
	defer cancel()
	e.mu.Lock()
	e.closed = true
	if d, _ := ctx.Deadline(); e.deadline.IsZero() || d.Before(e.deadline) {
		e.deadline = d
	}
	e.hurry(e.taken + uint64(e.queue.spans))
	e.mu.Unlock()
	select {
	case <-e.done:
	case <-ctx.Done():
		e.cancel()
		<-e.done
	}
	e.cancel()
	if e.client != nil {
		e.client.CloseIdleConnections()
	}
	dropped := e.Totals().Dropped
	if n := dropped[ShutdownDeadline]; n > 0 {
		return fmt.Errorf("shutdown: %s not delivered in time", number(e.signal, n))
	}
	if n := dropped[Forbidden]; n > 0 {
		return fmt.Errorf("shutdown: %s not delivered: %v", number(e.signal, n), Forbidden)
	}
	return nil
}

func (e *Exporter) isClosed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closed
}

func (e *Exporter) withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, e.flush)
}

// hurry makes spans numbered below target leave without delay, and batches try
// again now. e.mu is held.
func (e *Exporter) hurry(target uint64) {
	e.urgent = max(e.urgent, target)
	e.kicks++
	e.broadcast()
	e.look()
}

// settled is the number below which every span is delivered or dropped. e.mu is
// held.
func (e *Exporter) settled() uint64 {
	n := e.taken
	for _, b := range e.sending {
		n = min(n, b.first)
	}
	return n
}

func (e *Exporter) broadcast() {
	close(e.changed)
	e.changed = make(chan struct{})
}

func (e *Exporter) look() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// run cuts the queue into batches and gives each a goroutine, until Shutdown
// has nothing left to wait for.
func (e *Exporter) run() {
	defer close(e.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	stop := e.ctx.Done()
	for {
		b, wait, end := e.next()
		if end {
			return
		}
		if b != nil {
			go e.deliver(b)
			continue
		}
		var due <-chan time.Time
		if wait > 0 {
			timer.Reset(wait)
			due = timer.C
		}
		select {
		case <-e.wake:
		case <-due:
		case <-stop:
			stop = nil // seen; what is left is to wait for those sending
		}
	}
}

// next returns a batch that is due, if there is a slot for it, or how long
// until one will be; 0 means until there is news.
func (e *Exporter) next() (b *batch, wait time.Duration, end bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.full && !e.fullSaid {
		e.fullSaid = true
		totals := e.totals
		e.mu.Unlock()
		e.report.full(totals) // without the lock: Add must not wait for a log line
		e.mu.Lock()
	}
	if e.ctx.Err() != nil {
		n := e.queue.spans
		e.queue.drop(n, e.queue.bytes)
		e.taken += uint64(n)
		e.totals.Pending -= int64(n)
		e.totals.Dropped[ShutdownDeadline] += int64(n)
		e.broadcast()
	}
	if e.queue.spans == 0 {
		e.since = time.Time{}
		return nil, 0, e.closed && len(e.sending) == 0
	}
	if len(e.sending) == maxInFlight {
		return nil, 0, false
	}
	now := time.Now()
	if e.since.IsZero() {
		e.since = now
	}
	if e.queue.spans < e.batch && e.queue.bytes < e.request && e.taken >= e.urgent {
		if wait := e.since.Add(e.delay).Sub(now); wait > 0 {
			return nil, wait, false
		}
	}
	groups, n, bytes := e.queue.take(e.batch, e.request)
	b = &batch{first: e.taken, spans: n, delivered: e.totals.Delivered}
	e.sending = append(e.sending, b)
	e.mu.Unlock()
	b.body = e.encode(groups) // without the lock: the queue does not move what it holds
	e.mu.Lock()
	e.queue.drop(n, bytes)
	e.taken += uint64(n)
	e.hold(b)
	e.since = time.Time{} // what is left waits anew
	return b, 0, false
}

func (e *Exporter) encode(groups []otlp.Group) []byte {
	if e.json {
		return otlp.AppendJSON(nil, e.signal, otlp.AppendRequest(nil, groups))
	}
	return otlp.AppendRequest(nil, groups)
}

// hold accounts for the memory of a batch's body. e.mu is held.
func (e *Exporter) hold(b *batch) {
	e.held += int64(cap(b.body)) - b.memory
	b.memory = int64(cap(b.body))
}

// settle ends a batch: so many of its spans dropped for the reason, the others
// delivered.
func (e *Exporter) settle(b *batch, dropped int, why Reason) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.totals.Pending -= int64(b.spans)
	e.totals.Delivered += int64(b.spans - dropped)
	e.totals.Dropped[why] += int64(dropped)
	e.held -= b.memory
	e.sending = slices.DeleteFunc(e.sending, func(other *batch) bool { return other == b })
	e.full, e.fullSaid = false, false
	e.broadcast()
	e.look()
}
