// Package runtime lets spans follow goroutines, and sends what is left when the process ends: in a woven runtime,
// which is what it is for.
package runtime
