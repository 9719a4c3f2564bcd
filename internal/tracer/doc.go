// Package tracer makes the spans of the Go application itself.
//
// An integration asks [Active] for the tracer, starts a [Span] with what it knows, adds attributes as it learns
// them and ends it; the span is masked and encoded on the way, and nothing of it is kept but its encoding. An
// [Identity] is all of a span that its children need. It travels in a context, or, where a program passes none,
// with the goroutine and those that it starts, if the runtime is woven ([SetLocal]).
//
// Spans are pooled: whoever started one may use it until End, on one goroutine at a time. Everybody else goes by
// the Identity, whose methods are safe for concurrent use, before and after the span's end.
package tracer
