package otlp

import "math"

// Kind is a span's kind, numbered as OTLP numbers it.
type Kind int32

const (
	KindUnspecified Kind = iota
	KindInternal
	KindServer
	KindClient
	KindProducer
	KindConsumer
)

// StatusCode is a span's status, numbered as OTLP numbers it.
type StatusCode int32

const (
	StatusUnset StatusCode = iota
	StatusOK
	StatusError
)

// Field numbers of trace.v1.
const (
	spanTraceID, spanSpanID, spanTraceState, spanParentID, spanName, spanKind      = 1, 2, 3, 4, 5, 6
	spanStart, spanEnd, spanAttributes, spanDroppedAttributes                      = 7, 8, 9, 10
	spanEvents, spanDroppedEvents, spanLinks, spanDroppedLinks, spanStatus         = 11, 12, 13, 14, 15
	spanFlags                                                                      = 16
	eventTime, eventName, eventAttributes, eventDropped                            = 1, 2, 3, 4
	linkTraceID, linkSpanID, linkTraceState, linkAttributes, linkDropped, linkFlag = 1, 2, 3, 4, 5, 6
	statusMessage, statusCode                                                      = 2, 3
	keyValueKey, keyValueValue                                                     = 1, 2
	anyString, anyBool, anyInt, anyDouble, anyArray, anyList, anyBytes             = 1, 2, 3, 4, 5, 6, 7
	arrayValues, listValues                                                        = 1, 1
)

// keepBuffer is the largest buffer, in bytes, that Reset keeps: one huge span
// must not hold its memory for the life of the builder.
const keepBuffer = 64 << 10

// Span builds one encoded trace.v1.Span over a buffer that is reused. The zero
// value is ready for use. Call Reset, then the methods for what the span has,
// each at most once but for attributes, events and links, in any order; then
// take Encoded.
//
// Attribute methods write to the event or link that is open, else to the span.
// Events, links and arrays do not nest in their own kind; whatever is left open
// is closed by the next Begin or by Encoded, so that the bytes are always a
// whole message. A Span is not safe for concurrent use.
type Span struct {
	buf   []byte
	item  int    // where the length of the open event or link stands; 0 when none is open
	array [3]int // the same for the open array attribute: its pair, its value, its list
	field byte   // the field number attributes have where they are written now, when item > 0
	log   bool   // it is a log record that is built
}

// Reset makes s an empty span. It invalidates what Encoded returned.
func (s *Span) Reset() {
	if cap(s.buf) > keepBuffer {
		s.buf = nil
	}
	s.buf, s.item, s.array, s.log = s.buf[:0], 0, [3]int{}, false
}

// Context sets the span's identity. A zero parentID makes it a root. The low
// eight bits of flags are the W3C trace flags; OTLP gives bits 8 and 9 to
// whether the parent is remote.
func (s *Span) Context(traceID [16]byte, spanID, parentID [8]byte, traceState string, flags uint32) {
	s.closeItem()
	s.ids(traceID, spanID, traceState)
	if parentID != [8]byte{} {
		s.buf = append(append(s.buf, tag(spanParentID, wireBytes), 8), parentID[:]...)
	}
	if flags != 0 {
		s.buf = appendFixed32(s.buf, spanFlags, flags)
	}
}

// ids appends the three fields that spans and links have in common.
func (s *Span) ids(traceID [16]byte, spanID [8]byte, traceState string) {
	s.buf = append(append(s.buf, tag(spanTraceID, wireBytes), 16), traceID[:]...)
	s.buf = append(append(s.buf, tag(spanSpanID, wireBytes), 8), spanID[:]...)
	if traceState != "" {
		s.buf = appendText(s.buf, spanTraceState, valid(traceState))
	}
}

// Name sets the span's name.
func (s *Span) Name(name string) {
	s.closeItem()
	s.buf = appendText(s.buf, spanName, valid(name))
}

// Kind sets the span's kind.
func (s *Span) Kind(k Kind) {
	s.closeItem()
	s.buf = appendUint(s.buf, spanKind, uint64(k))
}

// Times sets start and end, in nanoseconds since 1970.
func (s *Span) Times(startNS, endNS uint64) {
	s.closeItem()
	s.buf = appendFixed64(s.buf, spanStart, startNS)
	s.buf = appendFixed64(s.buf, spanEnd, endNS)
}

// Status sets the status and its message, which may be empty. An unset status
// without a message takes no bytes.
func (s *Span) Status(code StatusCode, message string) {
	if code == StatusUnset && message == "" {
		return
	}
	s.closeItem()
	message = valid(message)
	n := 0
	if message != "" {
		n += sizeBytes(len(message))
	}
	if code != StatusUnset {
		n += 1 + varintSize(uint64(code))
	}
	s.buf = appendHeader(s.buf, spanStatus, n)
	if message != "" {
		s.buf = appendText(s.buf, statusMessage, message)
	}
	if code != StatusUnset {
		s.buf = appendUint(s.buf, statusCode, uint64(code))
	}
}

// Dropped sets how many attributes, events and links the span lost to limits.
func (s *Span) Dropped(attributes, events, links uint32) {
	s.closeItem()
	if attributes > 0 {
		s.buf = appendUint(s.buf, spanDroppedAttributes, uint64(attributes))
	}
	if events > 0 {
		s.buf = appendUint(s.buf, spanDroppedEvents, uint64(events))
	}
	if links > 0 {
		s.buf = appendUint(s.buf, spanDroppedLinks, uint64(links))
	}
}

// DroppedHere sets how many attributes the open event or link lost to limits.
// It does nothing when none is open.
func (s *Span) DroppedHere(attributes uint32) {
	if s.item == 0 || attributes == 0 {
		return
	}
	s.EndArray()
	field := byte(eventDropped)
	if s.field == linkAttributes {
		field = linkDropped
	}
	s.buf = appendUint(s.buf, field, uint64(attributes))
}

// String adds a text attribute.
func (s *Span) String(key, value string) { text(s, key, valid(value)) }

// StringBytes adds a text attribute from bytes; it keeps no reference to them.
func (s *Span) StringBytes(key string, value []byte) {
	if validBytes(value) {
		text(s, key, value)
		return
	}
	s.String(key, string(value))
}

// Bool adds a boolean attribute.
func (s *Span) Bool(key string, value bool) {
	s.pair(key, 2)
	s.buf = append(s.buf, tag(anyBool, wireVarint), bit(value))
}

// Int adds an integer attribute.
func (s *Span) Int(key string, value int64) {
	s.pair(key, 1+varintSize(uint64(value)))
	s.buf = appendUint(s.buf, anyInt, uint64(value))
}

// Double adds a floating point attribute.
func (s *Span) Double(key string, value float64) {
	s.pair(key, 9)
	s.buf = appendFixed64(s.buf, anyDouble, math.Float64bits(value))
}

// Strings adds an attribute that is an array of texts.
func (s *Span) Strings(key string, values []string) {
	s.BeginArray(key)
	for _, v := range values {
		s.StringElement(v)
	}
	s.EndArray()
}

// Prepared is an encoded attribute, for what many spans have.
type Prepared []byte

// PrepareString prepares a text attribute.
func PrepareString(key, value string) Prepared {
	var s Span
	s.String(key, value)
	return s.buf
}

// PrepareInt prepares an integer attribute.
func PrepareInt(key string, value int64) Prepared {
	var s Span
	s.Int(key, value)
	return s.buf
}

// Prepared adds a prepared attribute to the span itself.
func (s *Span) Prepared(p Prepared) {
	s.closeItem()
	s.buf = append(s.buf, p...)
}

// BeginArray opens an attribute that is an array. Fill it with the Element
// methods and close it with EndArray.
func (s *Span) BeginArray(key string) {
	s.EndArray()
	key = valid(key)
	s.array[0] = s.open(s.attributeField())
	s.buf = appendText(s.buf, keyValueKey, key)
	s.array[1] = s.open(keyValueValue)
	s.array[2] = s.open(anyArray)
}

// StringElement adds a text to the open array. Like the other Element methods
// it does nothing when no array is open.
func (s *Span) StringElement(v string) {
	if s.array[0] > 0 {
		v = valid(v)
		s.buf = appendHeader(s.buf, arrayValues, sizeBytes(len(v)))
		s.buf = appendText(s.buf, anyString, v)
	}
}

// BoolElement adds a boolean to the open array.
func (s *Span) BoolElement(v bool) {
	if s.array[0] > 0 {
		s.buf = append(appendHeader(s.buf, arrayValues, 2), tag(anyBool, wireVarint), bit(v))
	}
}

// IntElement adds an integer to the open array.
func (s *Span) IntElement(v int64) {
	if s.array[0] > 0 {
		s.buf = appendHeader(s.buf, arrayValues, 1+varintSize(uint64(v)))
		s.buf = appendUint(s.buf, anyInt, uint64(v))
	}
}

// DoubleElement adds a floating point number to the open array.
func (s *Span) DoubleElement(v float64) {
	if s.array[0] > 0 {
		s.buf = appendHeader(s.buf, arrayValues, 9)
		s.buf = appendFixed64(s.buf, anyDouble, math.Float64bits(v))
	}
}

// EndArray closes the array that BeginArray opened, if any.
func (s *Span) EndArray() {
	if s.array[0] == 0 {
		return
	}
	s.close(s.array[2])
	s.close(s.array[1])
	s.close(s.array[0])
	s.array = [3]int{}
}

// BeginEvent opens an event, timed in nanoseconds since 1970. Attributes added
// until EndEvent are the event's.
func (s *Span) BeginEvent(timeNS uint64, name string) {
	s.closeItem()
	s.item, s.field = s.open(spanEvents), eventAttributes
	s.buf = appendFixed64(s.buf, eventTime, timeNS)
	s.buf = appendText(s.buf, eventName, valid(name))
}

// EndEvent closes the event that BeginEvent opened, if any.
func (s *Span) EndEvent() { s.closeItem() }

// BeginLink opens a link. Attributes added until EndLink are the link's.
func (s *Span) BeginLink(traceID [16]byte, spanID [8]byte, traceState string, flags uint32) {
	s.closeItem()
	s.item, s.field = s.open(spanLinks), linkAttributes
	s.ids(traceID, spanID, traceState)
	if flags != 0 {
		s.buf = appendFixed32(s.buf, linkFlag, flags)
	}
}

// EndLink closes the link that BeginLink opened, if any.
func (s *Span) EndLink() { s.closeItem() }

// Resume goes on with a span that has been begun elsewhere, by what Encoded returned there.
func (s *Span) Resume(begun []byte) {
	s.Reset()
	s.buf = append(s.buf, begun...)
}

// Encoded returns the span's bytes. They are valid until the next call of any
// method and must not be changed.
func (s *Span) Encoded() []byte {
	s.closeItem()
	return s.buf
}

func (s *Span) attributeField() byte {
	switch {
	case s.item > 0:
		return s.field
	case s.log:
		return logAttributes
	}
	return spanAttributes
}

// pair starts an attribute whose AnyValue takes n bytes, to be appended next.
func (s *Span) pair(key string, n int) {
	if s.array[0] > 0 {
		s.EndArray()
	}
	key = valid(key)
	s.buf = appendHeader(s.buf, s.attributeField(), sizeBytes(len(key))+sizeBytes(n))
	s.buf = appendText(s.buf, keyValueKey, key)
	s.buf = appendHeader(s.buf, keyValueValue, n)
}

func text[T string | []byte](s *Span, key string, value T) {
	s.pair(key, sizeBytes(len(value)))
	s.buf = appendText(s.buf, anyString, value)
}

func (s *Span) open(field byte) (at int) {
	s.buf, at = appendOpen(s.buf, field)
	return at
}

func (s *Span) close(at int) { s.buf = appendClose(s.buf, at) }

// closeItem closes whatever is open, so that the span's own fields can follow.
func (s *Span) closeItem() {
	s.EndArray()
	if s.item > 0 {
		s.close(s.item)
		s.item = 0
	}
}

func bit(v bool) byte {
	if v {
		return 1
	}
	return 0
}
