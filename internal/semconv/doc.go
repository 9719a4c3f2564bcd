// Package semconv knows attributes by their names: how the value of each is to be masked, and what it was called
// before the semantic conventions became stable.
//
// It is the one table for the spans of other processes and for those of the Go application itself.
package semconv
