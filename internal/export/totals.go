package export

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// Reason says why a span was dropped.
type Reason int

// The reasons.
const (
	NoEndpoint       Reason = iota // nothing is configured to send to
	QueueFull                      // the memory limit, or OTEL_BSP_MAX_QUEUE_SIZE, was reached
	Rejected                       // the backend answered that it will not have the request
	PartialSuccess                 // the backend took the request, but not this span of it
	ShutdownDeadline               // still waiting when time was up
	Forbidden                      // still waiting at the end of a process that the system does not let connect
	AfterShutdown                  // added after Shutdown
	reasons          int    = iota
)

// String names the reason as Totals.String does.
func (r Reason) String() string {
	switch r {
	case NoEndpoint:
		return "no endpoint"
	case QueueFull:
		return "queue full"
	case Rejected:
		return "rejected"
	case PartialSuccess:
		return "partial success"
	case ShutdownDeadline:
		return "deadline at shutdown"
	case Forbidden:
		return "connecting is forbidden"
	case AfterShutdown:
		return "after shutdown"
	}
	return "Reason(" + strconv.Itoa(int(r)) + ")"
}

// Totals counts spans. Accepted = Delivered + Dropped.Sum() + Pending, always.
type Totals struct {
	Accepted  int64 // given to Add
	Delivered int64 // taken by the backend
	Dropped   Drops
	Pending   int64 // waiting, or on their way
}

// Drops counts dropped spans by [Reason].
type Drops [reasons]int64

// Sum is how many spans were dropped for any reason.
func (d Drops) Sum() (n int64) {
	for _, v := range d {
		n += v
	}
	return n
}

// String is a line for people:
//
//	1,204 spans: 1,200 delivered, 4 dropped (queue full: 4)
func (t Totals) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s delivered", number(otlp.Traces, t.Accepted), digits(t.Delivered))
	if n := t.Dropped.Sum(); n > 0 {
		fmt.Fprintf(&b, ", %s dropped", digits(n))
		separator := " ("
		for r, n := range t.Dropped {
			if n > 0 {
				fmt.Fprintf(&b, "%s%s: %s", separator, Reason(r), digits(n))
				separator = ", "
			}
		}
		b.WriteByte(')')
	}
	if t.Pending > 0 {
		fmt.Fprintf(&b, ", %s waiting", digits(t.Pending))
	}
	return b.String()
}

// number says how many of what a signal consists of.
func number(s otlp.Signal, n int64) string {
	if n == 1 {
		return "1 " + strings.TrimSuffix(things(s), "s")
	}
	return digits(n) + " " + things(s)
}

// things says what a signal consists of.
func things(s otlp.Signal) string {
	if s == otlp.Logs {
		return "log records"
	}
	return "spans"
}

// digits writes n, which is not negative, with commas between thousands.
func digits(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
