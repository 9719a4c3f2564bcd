package engine

import (
	"fmt"
	"strings"

	"github.com/lumigo-io/opentelemetry-distro/internal/export"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// counts is the account of one process, or of many.
type counts struct {
	made        int64 // by the processes' own word, of those that said goodbye
	lost        int64 // dropped in the process
	missing     int64 // made, and neither lost nor received
	received    int64 // finished spans
	interrupted int64 // spans made of open ones when the process ended
	unwatched   int64 // open spans that could not be kept; they still arrive when they end
	malformed   int64 // records that could not be read
	unknown     int64 // records of a kind this version does not know
	gaps        int64 // frames missing from the sequence
	skipped     int64 // SKIP_EXPORT
	unsent      int64 // no destination is configured
	printed     int64 // on the console
	viewed      int64 // given to the viewer
	exported    int64 // given to an exporter
	dumped      int64 // written to a span dump
	undumped    int64 // not written to it
	logs        int64 // log records received; made, lost and missing count them with the spans
	logsUnsent  int64 // no destination is configured
	logsViewed  int64 // given to the viewer
	logsDumped  int64 // written to a log dump
}

func (c *counts) add(o counts) {
	c.made += o.made
	c.lost += o.lost
	c.missing += o.missing
	c.received += o.received
	c.interrupted += o.interrupted
	c.unwatched += o.unwatched
	c.malformed += o.malformed
	c.unknown += o.unknown
	c.gaps += o.gaps
	c.skipped += o.skipped
	c.unsent += o.unsent
	c.printed += o.printed
	c.viewed += o.viewed
	c.exported += o.exported
	c.dumped += o.dumped
	c.undumped += o.undumped
	c.logs += o.logs
	c.logsUnsent += o.logsUnsent
	c.logsViewed += o.logsViewed
	c.logsDumped += o.logsDumped
}

// Summary is the account of all spans. Each is in exactly one of the places
// where a span can end:
//
//	Made = Lost + Missing + Malformed + Received
//	Received + Interrupted = Skipped + Unsent + Export.Accepted
//
// with Printed or Viewed in the place of Export.Accepted where there is a console or a viewer only.
// Log records that arrive have an account of their own; one that does not counts as a span, since
// processes do not tell which of the two they have dropped:
//
//	Logs = LogsUnsent + LogExport.Accepted
//
// again with LogsViewed where there is a viewer only.
type Summary struct {
	Processes   int   // that have said hello
	Made        int64 // spans made, as far as is known: a process that was killed could not say
	Lost        int64 // dropped in the processes themselves
	Missing     int64 // made by their word, and neither lost nor received
	Received    int64 // received whole
	Malformed   int64 // records that could not be read
	Interrupted int64 // reported as errors: open when their process ended
	Skipped     int64 // SKIP_EXPORT
	Unsent      int64 // not sent because no destination is configured
	Printed     int64 // on the console
	Viewed      int64 // given to the viewer
	Dumped      int64 // written to span dumps
	Undumped    int64 // that could not be
	Gaps        int64 // frames missing between those received
	Unknown     int64 // records of later versions
	Refused     int64 // connections that were turned away or cut off
	Export      export.Totals
	Logs        int64 // log records received whole
	LogsUnsent  int64 // not sent because no destination is configured
	LogsViewed  int64 // given to the viewer
	LogsDumped  int64 // written to log dumps
	LogExport   export.Totals
}

// String gives the line for the log at exit.
func (s Summary) String() string {
	var b strings.Builder
	made := s.Made + s.Interrupted
	fmt.Fprintf(&b, "%d span%s made in %d process%s, %d delivered", made, plural(made, "s"), s.Processes, plural(int64(s.Processes), "es"), s.Export.Delivered)
	add := func(n int64, what string) {
		if n > 0 {
			fmt.Fprintf(&b, ", %d %s", n, what)
		}
	}
	add(s.Interrupted, "interrupted by the end of their process")
	for reason, n := range s.Export.Dropped {
		add(n, "dropped ("+export.Reason(reason).String()+")")
	}
	add(s.Export.Pending, "still waiting")
	add(s.Lost, "dropped in the app")
	add(s.Missing, "missing")
	add(s.Malformed, "unreadable")
	add(s.Skipped, "not meant to be exported")
	add(s.Unsent, "without a destination")
	add(s.Printed, "printed")
	add(s.Viewed, "in the viewer")
	add(s.Dumped, "in the span dump")
	add(s.Undumped, "not written to the span dump")
	if s.Logs > 0 {
		fmt.Fprintf(&b, "; %d log record%s, %d delivered", s.Logs, plural(s.Logs, "s"), s.LogExport.Delivered)
		for reason, n := range s.LogExport.Dropped {
			add(n, "dropped ("+export.Reason(reason).String()+")")
		}
		add(s.LogExport.Pending, "still waiting")
		add(s.LogsUnsent, "without a destination")
		add(s.LogsViewed, "in the viewer")
		add(s.LogsDumped, "in the log dump")
	}
	return b.String()
}

func plural(n int64, ending string) string {
	if n == 1 {
		return ""
	}
	return ending
}

// account sums up; e.setup is held, and no process is left.
func (e *Engine) account() Summary {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.total
	s := Summary{
		Processes: e.known, Made: t.made - t.logs, Logs: t.logs, LogsUnsent: t.logsUnsent, LogsViewed: t.logsViewed, LogsDumped: t.logsDumped, Lost: t.lost, Missing: t.missing, Received: t.received,
		Malformed: t.malformed, Interrupted: t.interrupted, Skipped: t.skipped, Unsent: t.unsent,
		Printed: t.printed, Viewed: t.viewed, Dumped: t.dumped, Undumped: t.undumped, Gaps: t.gaps, Unknown: t.unknown, Refused: e.refused,
	}
	for _, x := range e.exporters {
		sum, totals := &s.Export, x.Totals()
		if x.Signal() == otlp.Logs {
			sum = &s.LogExport
		}
		sum.Accepted += totals.Accepted
		sum.Delivered += totals.Delivered
		sum.Pending += totals.Pending
		for reason, n := range totals.Dropped {
			sum.Dropped[reason] += n
		}
	}
	return s
}
