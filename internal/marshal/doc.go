// Package marshal reads and writes CPython's marshal format, version 2: what
// Python processes hand to the engine, because every interpreter since 3.7
// writes it at the speed of C, and writes it alike.
//
// Use [Reader] to walk a buffer without allocating, or [Reader.Value] where a
// Go value is handier; the Append functions write what Python then loads with
// marshal.loads.
//
// Any bytes may be read: depth is bounded, a length is believed only as far as
// the buffer reaches, and nothing is allocated but by Value. Code objects,
// references, complex numbers and the types of later versions are refused.
package marshal
