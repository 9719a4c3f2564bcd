package tracer

import (
	"context"
	"encoding/hex"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// Identity is what the children of a span need to know of it. It is small, so that it may be kept by goroutines
// that outlive the span. Its exported fields do not change once it is shared.
type Identity struct {
	TraceID [16]byte
	SpanID  [8]byte
	Flags   byte // of W3C: 1 when the span is sampled
	Remote  bool // the span is another process's
	theirs  bool // made by another tracing interface
	absent  bool // and not to be found where ours go
	kind    otlp.Kind
	parent  [8]byte
	State   string // W3C's tracestate
	Baggage string // W3C's, passed on as it is

	tags   []otlp.Attribute // execution tags, for the spans below; not changed once set
	origin *Identity        // of which this is a copy with other tags; nil for none
	live   atomic.Pointer[Span]
	ended  atomic.Int64 // when, in ns since 1970; 0 before

	standIn atomic.Pointer[Identity] // a span that the program has made for the same
}

const sampled = 1

// stale is how long after its end a span can still be a parent by way of its goroutine: one that outlives a request
// by hours is no part of it any more. As in the Python part.
const stale = 60 * time.Second

// Sampled reports whether the span is recorded.
func (id *Identity) Sampled() bool { return id.Flags&sampled != 0 }

// IDs returns the ids of trace and span as one writes them, "" for none. It may be called on nil.
func (id *Identity) IDs() (traceID, spanID string) {
	if id == nil || id.TraceID == [16]byte{} {
		return "", ""
	}
	return hex.EncodeToString(id.TraceID[:]), hex.EncodeToString(id.SpanID[:])
}

// Parent is the id of the span above, zero for none.
func (id *Identity) Parent() [8]byte { return id.parent }

// Kind is the span's kind, 0 for one of another process.
func (id *Identity) Kind() otlp.Kind { return id.kind }

func (id *Identity) source() *Identity {
	if id.origin != nil {
		return id.origin
	}
	return id
}

// with calls f with the span if it has not ended. f must not call methods of the identity.
func (id *Identity) with(f func(*Span)) bool {
	id = id.source()
	s := id.live.Load()
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.id != id { // it has ended meanwhile, and may be another one by now
		return false
	}
	f(s)
	return true
}

// AddEvent adds an event to the span, unless it has ended or is not recorded.
func (id *Identity) AddEvent(name string, attributes ...otlp.Attribute) bool {
	return id.with(func(s *Span) { s.addEvent(name, attributes) })
}

// SetAttribute adds an attribute when the span ends. Of several with one key the last counts.
func (id *Identity) SetAttribute(a otlp.Attribute) bool {
	return id.with(func(s *Span) { s.setLate(a) })
}

// Adopt says that another tracing interface has a span of its own for what this one is about, whose attributes and
// name this one is to get. It works once, and only for a span of the kind that is not over.
func (id *Identity) Adopt(kind otlp.Kind) (adopted bool) {
	id.with(func(s *Span) {
		adopted = s.kind == kind && !s.adopted
		s.adopted = s.adopted || adopted
	})
	return adopted
}

// SetStatus sets the status, unless the span has ended.
func (id *Identity) SetStatus(code otlp.StatusCode, message string) {
	id.with(func(s *Span) { s.lateStatus, s.lateMessage = code, message })
}

// Tags are the attributes that WithTags has given to the spans below.
func (id *Identity) Tags() []otlp.Attribute { return id.tags }

// WithTags returns a copy whose children also have these attributes; a later one replaces one of the same key.
func (id *Identity) WithTags(tags []otlp.Attribute) *Identity {
	c := &Identity{
		TraceID: id.TraceID, SpanID: id.SpanID, Flags: id.Flags, Remote: id.Remote,
		State: id.State, Baggage: id.Baggage, parent: id.parent, kind: id.kind, theirs: id.theirs, absent: id.absent, origin: id.source(),
	}
	c.tags = append(c.tags, id.tags...)
	for _, tag := range tags {
		c.tags = setAttribute(c.tags, tag)
	}
	return c
}

func setAttribute(list []otlp.Attribute, a otlp.Attribute) []otlp.Attribute {
	for i := range list {
		if list[i].Key == a.Key {
			list[i] = a
			return list
		}
	}
	return append(list, a)
}

// Context is a context that carries an identity. Only its address is a context.Context.
type Context struct {
	context.Context
	ID *Identity
}

type contextKey struct{}

// Value implements context.Context.
func (c *Context) Value(key any) any {
	if _, ours := key.(contextKey); ours {
		return c.ID
	}
	if Other != nil {
		if v := Other.View(key, c.ID.standing()); v != nil {
			return v
		}
	}
	return c.Context.Value(key)
}

// WithIdentity returns a context that carries id.
func WithIdentity(ctx context.Context, id *Identity) context.Context { return &Context{ctx, id} }

// FromContext returns the identity that ctx carries, else the goroutine's, else nil.
func FromContext(ctx context.Context) *Identity {
	if ctx != nil {
		if Other != nil {
			if id := Other.Parent(ctx); id != nil {
				return id
			}
		}
		if id := OfContext(ctx); id != nil {
			return id
		}
	}
	return Current()
}

// OfContext returns the identity that ctx carries in our own way, or nil.
func OfContext(ctx context.Context) *Identity {
	if id, _ := ctx.Value(contextKey{}).(*Identity); id != nil {
		return id.standing()
	}
	return nil
}

// Live reports whether the span is recorded and has not ended.
func (id *Identity) Live() bool { return id.source().live.Load() != nil }

// AddEventAt is AddEvent for another time than now, unless that is zero.
func (id *Identity) AddEventAt(at time.Time, name string, attributes ...otlp.Attribute) bool {
	return id.with(func(s *Span) {
		if at.IsZero() {
			at = s.now()
		}
		s.Event(Event{at, name, attributes})
	})
}

// The goroutine's identity: in the woven runtime, each has a word for it, which those that it starts inherit.
var (
	getLocal func() unsafe.Pointer
	setLocal func(unsafe.Pointer)
)

// SetLocal says where goroutines keep their identity. It must be called before the first span.
func SetLocal(get func() unsafe.Pointer, set func(unsafe.Pointer)) { getLocal, setLocal = get, set }

// Current returns the goroutine's identity, nil when it has none, or none any more.
func Current() *Identity {
	if getLocal == nil {
		return nil
	}
	id := (*Identity)(getLocal())
	if id == nil {
		return nil
	}
	if ended := id.source().ended.Load(); ended != 0 && time.Now().UnixNano()-ended > int64(stale) {
		return nil
	}
	return id.standing()
}

// Enter makes id the goroutine's identity, and returns what it was, for another Enter.
func Enter(id *Identity) (before *Identity) {
	if getLocal == nil {
		return nil
	}
	before = (*Identity)(getLocal())
	setLocal(unsafe.Pointer(id))
	return before
}

// Panicking, in a woven program, tells what a deferred function would recover: the value, and a token that differs
// between panics.
var Panicking = func() (token uintptr, value any, panicking bool) { return 0, nil, false }

// Goexit is what Panicking returns in place of a value when the goroutine is being ended by [runtime.Goexit].
var Goexit any = new(goexit)

type goexit struct{ _ byte } // so that it has an address of its own
