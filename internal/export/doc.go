// Package export sends encoded spans to an OTLP/HTTP backend, and accounts for
// every one of them.
//
// [New] makes an [Exporter] for one destination; [Exporter.Add] hands it a span
// and returns at once, whatever the backend does. Spans wait in memory, bounded
// by config.Export.MemoryLimit in bytes; they leave in batches, up to four
// requests at a time. What fails for want of the backend (no connection, no
// answer in time, 408, 429, any 5xx) is tried again, after a growing and
// jittered pause or as long as Retry-After says, for as long as the process
// lives: only a full memory, or the deadline of [Exporter.Shutdown], ends that.
//
// A span ends as delivered, or as dropped for a [Reason]. At any moment
//
//	Accepted = Delivered + Dropped + Pending
//
// holds in what [Exporter.Totals] returns. Delivery is at least once: a request
// whose answer is lost is sent again.
//
// There is no storage on disk, and no order among the spans of a destination.
package export
