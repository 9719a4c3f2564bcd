// Package conformance checks what the distribution writes against the official
// OTLP protobuf module, which the distribution itself does without. It has
// tests and benchmarks only.
package conformance
