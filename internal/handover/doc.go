// Package handover gives the spans of this process to an engine that outlives it, as docs/protocol.md has it.
//
// Under "lumigo run" a Go program has such an engine: what it has handed over survives whatever becomes of it.
package handover
