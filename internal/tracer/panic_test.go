package tracer

import (
	"errors"
	"strings"
	"testing"
)

// stringer's method panics itself.
type stringer struct{}

func (stringer) String() string { panic("no") }

func TestPanics(t *testing.T) {
	before := Panicking
	defer func() { Panicking = before }()
	tr, spans := newTracer(t)
	panics := func(token uintptr, value any) {
		Panicking = func() (uintptr, any, bool) { return token, value, token != 0 }
	}
	for _, test := range []struct {
		name       string
		start, end func()
		want       string // error.type
	}{
		{"none", func() { panics(0, nil) }, func() {}, ""},
		{"one that begins during the span", func() { panics(0, nil) }, func() { panics(1, errors.New("boom")) }, "*errors.errorString"},
		{"one that is under way already, as in a deferred function", func() { panics(1, errors.New("boom")) }, func() {}, ""},
		{"another one in a deferred function", func() { panics(1, errors.New("boom")) }, func() { panics(2, "second") }, "string"},
		{"a goroutine's end", func() { panics(0, nil) }, func() { panics(1, Goexit) }, "runtime.Goexit"},
		{"with a value that cannot be printed", func() { panics(0, nil) }, func() { panics(1, stringer{}) }, "tracer.stringer"},
	} {
		test.start()
		s := start(tr, test.name, nil)
		test.end()
		if value, panicking := s.Panicking(); panicking {
			s.Panicked(value, "goroutine 1 [running]:\nours()\npanic(x)\ntheirs()")
		}
		s.End()
		got := spans()[len(spans())-1]
		kind, _ := got.Attributes["error.type"].(string)
		if !strings.HasSuffix(kind, test.want) || (kind == "") != (test.want == "") || len(got.Events) != 0 != (test.want != "" && test.want != "runtime.Goexit") {
			t.Errorf("%s: %+v, want an error of type %q", test.name, got, test.want)
		}
		for _, e := range got.Events {
			if e.Attributes["exception.stacktrace"] != "panic(x)\ntheirs()" {
				t.Errorf("%s: the stack is %v", test.name, e.Attributes["exception.stacktrace"])
			}
		}
	}
}
