package export

import (
	"sync"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// quiet is how long one kind of line stays unsaid after it was said.
const quiet = time.Minute

// reporter writes the exporter's log lines: when something changes, not for
// each request, and each kind of line at most once a minute. The debug log has
// every attempt.
type reporter struct {
	log      *diag.Logger
	signal   otlp.Signal
	endpoint string // as it may be shown
	limit    int64

	mu     sync.Mutex
	said   map[string]time.Time
	failed bool // an outage has been said, and its end has not
}

func newReporter(log *diag.Logger, signal otlp.Signal, endpoint string, limit int64) *reporter {
	return &reporter{log: log, signal: signal, endpoint: endpoint, limit: limit, said: map[string]time.Time{}}
}

// once tells whether a line of this kind is due.
func (r *reporter) once(kind string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	last, ok := r.said[kind]
	now := time.Now()
	if ok && now.Sub(last) < quiet {
		return false
	}
	r.said[kind] = now
	return true
}

// outage says that the backend cannot be reached, or cannot take spans now.
func (r *reporter) outage(cause string) {
	r.mu.Lock()
	known := r.failed
	r.mu.Unlock()
	if known || !r.once("outage") {
		r.log.Debugf("cannot deliver %s to %s: %s", things(r.signal), r.endpoint, cause)
		return
	}
	r.mu.Lock()
	r.failed = true
	r.mu.Unlock()
	r.log.Warningf("cannot deliver %s to %s: %s; they wait in memory (at most %s) while delivery is tried again", things(r.signal), r.endpoint, cause, size(r.limit))
}

// recovery says that an outage is over, if it was said that there is one.
func (r *reporter) recovery(after time.Duration, waiting int64) {
	r.mu.Lock()
	failed := r.failed
	r.failed = false
	r.mu.Unlock()
	if failed {
		r.log.Infof("%s are delivered to %s again, after %v; %s had to wait", things(r.signal), r.endpoint, after.Round(time.Millisecond), number(r.signal, waiting))
	}
}

// rejected says that the backend will not have a request; remedy may be empty.
func (r *reporter) rejected(n int, answer, remedy string) {
	if remedy != "" {
		remedy = "; " + remedy
	}
	level := diag.Debug
	if r.once("rejected") {
		level = diag.Warning
	}
	r.log.Printf(level, "%s refused %s, which are dropped: %s%s", r.endpoint, number(r.signal, int64(n)), answer, remedy)
}

// partial relays what the backend has to say of a request that it took.
func (r *reporter) partial(rejected, of int, message string) {
	level := diag.Debug
	if r.once("partial") {
		level = diag.Warning
	}
	if rejected > 0 {
		r.log.Printf(level, "%s dropped %d of %s: %q", r.endpoint, rejected, number(r.signal, int64(of)), message)
	} else {
		r.log.Printf(level, "%s took %s and warns: %q", r.endpoint, number(r.signal, int64(of)), message)
	}
}

// full says that spans are being dropped because too many wait.
func (r *reporter) full(t Totals) {
	if r.once("full") {
		r.log.Warningf("the queue for %s is full with %s waiting, so new ones are dropped (%s so far); LUMIGO_EXPORT_MEMORY_LIMIT (%s) and OTEL_BSP_MAX_QUEUE_SIZE bound it",
			r.endpoint, number(r.signal, t.Pending), digits(t.Dropped[QueueFull]), size(r.limit))
	}
}

// size writes a number of bytes in the largest unit that fits it whole.
func size(n int64) string {
	for _, unit := range []struct {
		name  string
		bytes int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= unit.bytes && n%unit.bytes == 0 {
			return digits(n/unit.bytes) + " " + unit.name
		}
	}
	return digits(n) + " bytes"
}
