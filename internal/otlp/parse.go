package otlp

import (
	"fmt"
	"math"
)

// SpanData is a span read back from its bytes. Attribute values are of the
// types [Attribute] names, or nil for a value that is present but empty.
type SpanData struct {
	TraceID           [16]byte
	SpanID            [8]byte
	ParentID          [8]byte // zero for a root
	TraceState        string
	Flags             uint32
	Name              string
	Kind              Kind
	Start, End        uint64 // nanoseconds since 1970
	Attributes        []Attribute
	Events            []Event
	Links             []Link
	DroppedAttributes uint32
	DroppedEvents     uint32
	DroppedLinks      uint32
	Status            StatusCode
	StatusMessage     string
}

// Event is something that happened at one moment of a span.
type Event struct {
	Time              uint64 // nanoseconds since 1970
	Name              string
	Attributes        []Attribute
	DroppedAttributes uint32
}

// Link points from a span to another.
type Link struct {
	TraceID           [16]byte
	SpanID            [8]byte
	TraceState        string
	Flags             uint32
	Attributes        []Attribute
	DroppedAttributes uint32
}

// maxDepth bounds how deeply the lists and maps of a value may nest.
const maxDepth = 16

// ParseSpan reads an encoded span. It copies what it returns, skips what it
// does not know, and takes memory in proportion to len(b), whatever b holds.
// At an error the fields before the damage are filled in.
func ParseSpan(b []byte) (SpanData, error) {
	var s SpanData
	r := reader{rest: b}
	for r.next() {
		switch {
		case r.is(spanAttributes, wireBytes):
			s.Attributes = r.attribute(s.Attributes, 0)
		case r.is(spanEvents, wireBytes):
			s.Events = append(s.Events, Event{})
			r.err = s.Events[len(s.Events)-1].parse(r.data)
		case r.is(spanLinks, wireBytes):
			s.Links = append(s.Links, Link{})
			r.err = s.Links[len(s.Links)-1].parse(r.data)
		default:
			s.parseField(&r)
		}
	}
	return s, r.err
}

// ScanSpan reads an encoded span but for attributes, events and links, which it
// only counts; it calls attribute, unless that is nil, with each of the first.
// So it hardly takes memory.
func ScanSpan(b []byte, attribute func(key []byte, value RawValue)) (s SpanData, attributes, events int, err error) {
	r := reader{rest: b}
	for r.next() {
		switch {
		case r.is(spanAttributes, wireBytes):
			attributes++
			key, value, err := scanAttribute(r.data)
			if r.err = err; err == nil && attribute != nil {
				attribute(key, value)
			}
		case r.is(spanEvents, wireBytes):
			events++
		default:
			s.parseField(&r)
		}
	}
	return s, attributes, events, r.err
}

// parseField reads the reader's current field, if it is one that occurs once.
func (s *SpanData) parseField(r *reader) {
	switch {
	case r.is(spanTraceID, wireBytes):
		r.id(s.TraceID[:])
	case r.is(spanSpanID, wireBytes):
		r.id(s.SpanID[:])
	case r.is(spanParentID, wireBytes):
		if len(r.data) > 0 { // an empty parent is a root's
			r.id(s.ParentID[:])
		}
	case r.is(spanTraceState, wireBytes):
		s.TraceState = r.text()
	case r.is(spanFlags, wireFixed32):
		s.Flags = uint32(r.num)
	case r.is(spanName, wireBytes):
		s.Name = r.text()
	case r.is(spanKind, wireVarint):
		s.Kind = Kind(r.num)
	case r.is(spanStart, wireFixed64):
		s.Start = r.num
	case r.is(spanEnd, wireFixed64):
		s.End = r.num
	case r.is(spanDroppedAttributes, wireVarint):
		s.DroppedAttributes = uint32(r.num)
	case r.is(spanDroppedEvents, wireVarint):
		s.DroppedEvents = uint32(r.num)
	case r.is(spanDroppedLinks, wireVarint):
		s.DroppedLinks = uint32(r.num)
	case r.is(spanStatus, wireBytes):
		r.err = s.parseStatus(r.data)
	}
}

// RawValue is an encoded value.
type RawValue []byte

// Text returns the value if it is a text, else "".
func (v RawValue) Text() (text string) {
	r := reader{rest: v}
	for r.next() {
		if r.is(anyString, wireBytes) {
			text = r.text()
		}
	}
	return text
}

// Int returns the value if it is an integer, else 0.
func (v RawValue) Int() (n int64) {
	r := reader{rest: v}
	for r.next() {
		if r.is(anyInt, wireVarint) {
			n = int64(r.num)
		}
	}
	return n
}

// Value returns the value, of the types that [Attribute] names, as far as it is
// not damaged.
func (v RawValue) Value() any {
	r := reader{data: v}
	return r.value(0)
}

func scanAttribute(b []byte) (key []byte, value RawValue, err error) {
	r := reader{rest: b}
	for r.next() {
		switch {
		case r.is(keyValueKey, wireBytes):
			key = r.data
		case r.is(keyValueValue, wireBytes):
			value = r.data
		}
	}
	return key, value, r.err
}

func (s *SpanData) parseStatus(b []byte) error {
	r := reader{rest: b}
	for r.next() {
		switch {
		case r.is(statusMessage, wireBytes):
			s.StatusMessage = r.text()
		case r.is(statusCode, wireVarint):
			s.Status = StatusCode(r.num)
		}
	}
	return r.err
}

func (e *Event) parse(b []byte) error {
	r := reader{rest: b}
	for r.next() {
		switch {
		case r.is(eventTime, wireFixed64):
			e.Time = r.num
		case r.is(eventName, wireBytes):
			e.Name = r.text()
		case r.is(eventAttributes, wireBytes):
			e.Attributes = r.attribute(e.Attributes, 0)
		case r.is(eventDropped, wireVarint):
			e.DroppedAttributes = uint32(r.num)
		}
	}
	return r.err
}

func (l *Link) parse(b []byte) error {
	r := reader{rest: b}
	for r.next() {
		switch {
		case r.is(linkTraceID, wireBytes):
			r.id(l.TraceID[:])
		case r.is(linkSpanID, wireBytes):
			r.id(l.SpanID[:])
		case r.is(linkTraceState, wireBytes):
			l.TraceState = r.text()
		case r.is(linkFlag, wireFixed32):
			l.Flags = uint32(r.num)
		case r.is(linkAttributes, wireBytes):
			l.Attributes = r.attribute(l.Attributes, 0)
		case r.is(linkDropped, wireVarint):
			l.DroppedAttributes = uint32(r.num)
		}
	}
	return r.err
}

func (r *reader) id(dst []byte) {
	if len(r.data) != len(dst) {
		r.err = fmt.Errorf("id of %d bytes, want %d", len(r.data), len(dst))
		return
	}
	copy(dst, r.data)
}

func (r *reader) text() string { return valid(string(r.data)) }

// attribute appends the KeyValue that is the reader's current field.
func (r *reader) attribute(list []Attribute, depth int) []Attribute {
	var a Attribute
	kv := reader{rest: r.data}
	for kv.next() {
		switch {
		case kv.is(keyValueKey, wireBytes):
			a.Key = kv.text()
		case kv.is(keyValueValue, wireBytes):
			a.Value = kv.value(depth)
		}
	}
	r.err = kv.err
	return append(list, a)
}

// value is the AnyValue that is the reader's current field.
func (r *reader) value(depth int) (value any) {
	if depth > maxDepth {
		r.err = errDepth
		return nil
	}
	v := reader{rest: r.data}
	for v.next() {
		switch {
		case v.is(anyString, wireBytes):
			value = v.text()
		case v.is(anyBool, wireVarint):
			value = v.num != 0
		case v.is(anyInt, wireVarint):
			value = int64(v.num)
		case v.is(anyDouble, wireFixed64):
			value = math.Float64frombits(v.num)
		case v.is(anyBytes, wireBytes):
			value = append([]byte{}, v.data...)
		case v.is(anyArray, wireBytes):
			list := []any{}
			e := reader{rest: v.data}
			for e.next() {
				if e.is(arrayValues, wireBytes) {
					list = append(list, e.value(depth+1))
				}
			}
			value, v.err = list, e.err
		case v.is(anyList, wireBytes):
			list := []Attribute{}
			e := reader{rest: v.data}
			for e.next() {
				if e.is(listValues, wireBytes) {
					list = e.attribute(list, depth+1)
				}
			}
			value, v.err = list, e.err
		}
	}
	r.err = v.err
	return value
}
