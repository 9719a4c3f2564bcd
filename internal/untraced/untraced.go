// Package untraced marks what the tracer itself does, so that it is not traced.
package untraced

import "context"

type key struct{}

// Context returns a context for requests of our own.
func Context(parent context.Context) context.Context { return context.WithValue(parent, key{}, true) }

// Is reports whether ctx comes from Context.
func Is(ctx context.Context) bool { return ctx.Value(key{}) != nil }
