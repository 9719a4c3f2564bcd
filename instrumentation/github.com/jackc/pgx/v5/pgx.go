// Package pgx finds out whether programs trace the statements of github.com/jackc/pgx themselves.
package pgx

import (
	"reflect"
	"strings"

	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
)

// Connection is what is known of one to a database. Like that, it is not for concurrent use.
type Connection struct {
	looked, byHand bool
}

// Traced reports whether statements get a span already that arrives where ours go: from the program's own tracer of
// this connection, which is nil or a pgx.QueryTracer.
func (c *Connection) Traced(own any) bool {
	if !c.looked {
		c.looked = true
		defer func() { recover() }() // this reads what is nobody's business but the program's
		c.byHand = own != nil && makesSpans(reflect.ValueOf(own), 8)
	}
	return c.byHand && !tracer.Elsewhere()
}

// makesSpans reports whether a tracer is one for OpenTelemetry, as otelpgx, or has such a one in it, to which it passes
// on what it is told, as multitracer.
func makesSpans(v reflect.Value, depth int) bool {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if !v.IsValid() || depth == 0 {
		return false
	}
	if strings.Contains(v.Type().PkgPath(), "otel") {
		return true
	}
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			if makesSpans(v.Index(i), depth-1) {
				return true
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if isTold(v.Field(i).Type()) && makesSpans(v.Field(i), depth-1) {
				return true
			}
		}
	}
	return false
}

// isTold reports whether what is of this type is a tracer, or several.
func isTold(t reflect.Type) bool {
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	_, ok := t.MethodByName("TraceQueryStart")
	return ok
}
