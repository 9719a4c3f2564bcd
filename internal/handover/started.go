package handover

import (
	"encoding/binary"
	"strings"
	"sync"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/marshal"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// Started is what is known of a span that has begun, for the engine to report should the process die before its end.
type Started struct {
	TraceID    [16]byte
	SpanID     [8]byte
	ParentID   [8]byte
	Flags      uint32
	State      string
	Name       string
	Kind       otlp.Kind
	Start      time.Time
	Scope      string
	Encoded    []byte           // OTLP's, of which the attributes count
	Attributes []otlp.Attribute // more of them
}

// Unfinished is a span that may have ended. Its methods are safe for concurrent use.
type Unfinished interface {
	Live() bool
	Look() (s Started, live bool)
}

// Begin says that a span has begun, of which the engine is to know if it lasts. That costs next to nothing: most spans
// end before the sender has woken twice, and are never looked at.
func (c *Client) Begin(s Unfinished) {
	if c.open.add(s) {
		c.kick()
	}
}

// open are spans that have begun and that the engine does not know of.
type open struct {
	mu     sync.Mutex
	young  []Unfinished // begun since the sender woke last
	closed bool

	older []Unfinished // were open when it did, and so last at least as long as it lingers; the sender's alone
	spare []Unfinished // memory for young; likewise
}

func (o *open) add(s Unfinished) (first bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return false
	}
	o.young = append(o.young, s)
	return len(o.young) == 1
}

// records returns frames that tell of the older spans that have not ended, or at the end of all of them.
func (o *open) records(end bool) (frames [][]byte) {
	o.mu.Lock()
	young := o.young
	o.young, o.closed = o.spare, end
	o.mu.Unlock()
	if end {
		o.older, young = append(o.older, young...), nil
	}
	count := 0
	for _, s := range o.older {
		started, live := s.Look()
		if !live {
			continue
		}
		record := started.record()
		if n := len(frames); n == 0 || count == 1<<15 || len(frames[n-1])+len(record) > maxFrame {
			frames, count = append(frames, begin(nil, frameRecords, 0)), 0
		}
		count++
		n := len(frames) - 1
		frames[n] = append(frames[n], record...)
		binary.LittleEndian.PutUint16(frames[n][2:], uint16(count))
	}
	clear(o.older)
	o.older = o.older[:0]
	for _, s := range young {
		if s.Live() {
			o.older = append(o.older, s)
		}
	}
	clear(young)
	o.spare = young[:0]
	return frames
}

// mostStarted is how large a record the engine keeps; a larger one goes without its attributes.
const mostStarted = 16 << 10

// record is protocol.md's record 1. The engine masks what is masked already once more, to no effect.
func (s *Started) record() []byte {
	b := marshal.AppendTuple(make([]byte, 0, 2<<10), 11)
	b = marshal.AppendInt(b, recordStarted)
	b = marshal.AppendBytes(b, s.TraceID[:])
	b = marshal.AppendBytes(b, s.SpanID[:])
	if s.ParentID != [8]byte{} {
		b = marshal.AppendBytes(b, s.ParentID[:])
	} else {
		b = marshal.AppendNone(b)
	}
	b = marshal.AppendInt(b, int64(s.Flags))
	b = appendText(b, s.State)
	b = appendText(b, s.Name)
	b = marshal.AppendInt(b, int64(s.Kind))
	b = marshal.AppendInt(b, s.Start.UnixNano())
	b = appendText(b, s.Scope)
	bare := len(b)
	data, _ := otlp.ParseSpan(s.Encoded) // ours, and whole
	b = marshal.BeginDict(b)
	for _, a := range append(data.Attributes, s.Attributes...) {
		b = appendValue(appendText(b, a.Key), a.Value)
	}
	if b = marshal.EndDict(b); len(b) > mostStarted {
		b = marshal.AppendNone(b[:bare])
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return marshal.AppendString(b, strings.ToValidUTF8(s, "\uFFFD"))
}

// appendValue appends an attribute's value; of the types that it does not know, nothing.
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendText(b, v)
	case bool:
		return marshal.AppendBool(b, v)
	case int:
		return marshal.AppendInt(b, int64(v))
	case int64:
		return marshal.AppendInt(b, v)
	case float64:
		return marshal.AppendFloat(b, v)
	case []any:
		return appendList(b, v)
	case []string:
		return appendList(b, v)
	case []bool:
		return appendList(b, v)
	case []int64:
		return appendList(b, v)
	case []float64:
		return appendList(b, v)
	}
	return marshal.AppendNone(b)
}

func appendList[T any](b []byte, list []T) []byte {
	b = marshal.AppendList(b, len(list))
	for _, e := range list {
		b = appendValue(b, e)
	}
	return b
}
