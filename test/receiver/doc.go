// Package receiver is an OTLP/HTTP receiver for tests and benchmarks: it
// decodes what arrives with the official protobuf module, records it, finds
// duplicates, and fails on request.
//
//	r, err := receiver.Listen("127.0.0.1:0")
//	defer r.Close()
//	… run something that exports to r.URL() …
//	err = r.Wait(ctx, func(spans []receiver.Span) bool { return len(spans) == 3 })
//
// [Receiver.Answer] programs what it answers, [Receiver.Refuse] makes its port
// refuse connections and accept them again. The command cmd/receiver is the
// same for use by hand and by programs that are not written in Go.
package receiver
