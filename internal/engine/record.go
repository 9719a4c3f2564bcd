package engine

import (
	"unicode/utf8"
	"unsafe"

	"github.com/lumigo-io/opentelemetry-distro/internal/marshal"
	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/semconv"
)

// Record kinds, and how many elements each has at least. What follows these
// was added by a later client and is passed over.
const (
	recordFinished, finishedSize = 0, 17
	recordStarted, startedSize   = 1, 11
	recordFact, factSize         = 2, 3
	recordEncoded, encodedSize   = 3, 4
	recordLogged, loggedSize     = 4, 10
)

// outcome says what decoder.next has read.
type outcome int

const (
	finished outcome = iota // a span is in the decoder
	logged                  // a log record is in the decoder, as if it were a span
	started                 // ids and raw are those of an open span
	fact                    // factKey and factValue
	unknown                 // a kind of record that is not of this version
	malformed
	broken // not even a value: the rest of the frame cannot be read
)

// decoder turns the records of a frame into encoded spans. Its buffers are
// reused; what it points out is valid until the next call.
type decoder struct {
	marshal.Reader
	span    otlp.Span
	profile *profile

	kind     otlp.Kind
	traceID  [16]byte
	spanID   [8]byte
	parentID [8]byte
	scope    []byte
	skip     bool   // SKIP_EXPORT: for the dump only
	encoded  []byte // the span, when the process has encoded it; otherwise it is in span

	raw                []byte
	factKey, factValue string

	bad        bool   // the record does not have the shape it should
	valueLimit int    // of attributes, where it is read
	scratch    []byte // texts made on the way
	headers    []mask.Header
	words      []string // of a command
	naming     bool     // the attributes are what the app named, so that a name may be a secret's
	unnamed    bool     // an attribute says what the span's name is
	failed     bool     // an attribute says that the span's status is an error
	secret     bool     // the span's command names one, so that its answer may be it
	writer     *mask.Writer
	masker     *mask.Masker // writer's
	old        semconv.FormerNames

	request, response wire     // of the span's own messages
	own               []string // names of the span's attributes, once they have been looked at
	shared            []byte   // attributes that it has in common with others, likewise
}

// next reads one record for a process with the given profile.
func (d *decoder) next(p *profile) outcome {
	d.profile, d.bad, d.skip, d.encoded, d.valueLimit = p, false, false, nil, p.config.Limits.AttributeValueLength
	if cap(d.scratch) > 256<<10 { // one huge value must not hold its memory for ever
		d.scratch = nil
	}
	d.scratch = d.scratch[:0]

	start := d.Pos()
	result := d.record()
	if d.Err() != nil {
		return broken
	}
	if result == malformed || result == unknown {
		d.Seek(start)
		if !d.Skip() {
			return broken
		}
	}
	if result == started {
		d.raw = d.Between(start, d.Pos())
	}
	return result
}

func (d *decoder) record() outcome {
	if d.Next() != marshal.List {
		return malformed
	}
	size := d.Len()
	if size == 0 || d.Next() != marshal.Int {
		return malformed
	}
	var result outcome
	var used int
	switch kind := d.Int(); {
	case kind == recordFinished && size >= finishedSize:
		result, used = finished, finishedSize
		d.finished()
	case kind == recordStarted && size >= startedSize:
		result, used = started, startedSize
		d.started()
	case kind == recordFact && size >= factSize:
		result, used = fact, factSize
		d.factKey, d.factValue = string(d.cut(d.text())), string(d.secretless(d.cut(d.text())))
	case kind == recordEncoded && size >= encodedSize:
		result, used = finished, encodedSize
		d.alreadyEncoded()
	case kind == recordLogged && size >= loggedSize:
		result, used = logged, loggedSize
		d.logged()
	case kind < recordFinished || kind > recordLogged:
		return unknown
	default:
		return malformed
	}
	if d.bad {
		return malformed
	}
	for ; used < size; used++ {
		d.Skip()
	}
	return result
}

// identity reads what both kinds of span records begin with, up to the kind of
// span, and starts the encoding.
func (d *decoder) identity() {
	d.id(d.traceID[:], false)
	d.id(d.spanID[:], false)
	d.id(d.parentID[:], true)
	flags := uint32(d.int()) & 0x3FF
	state := d.optionalText()
	name := d.secretless(d.text())
	d.kind = otlp.Kind(d.int())
	if d.kind < otlp.KindInternal || d.kind > otlp.KindConsumer {
		d.kind = otlp.KindInternal
	}
	if d.traceID == [16]byte{} || d.spanID == [8]byte{} {
		d.bad = true
	}
	if d.bad {
		return
	}
	d.span.Reset()
	d.span.Context(d.traceID, d.spanID, d.parentID, view(state), flags)
	d.unnamed = len(name) == 0
	if !d.unnamed {
		d.span.Name(view(name))
	}
	d.span.Kind(d.kind)
}

func (d *decoder) finished() {
	d.identity()
	start, end := d.time(), d.time()
	status := otlp.StatusCode(d.int())
	message := d.optionalText()
	d.scope = d.text()
	if d.bad {
		return
	}
	if status < otlp.StatusUnset || status > otlp.StatusError {
		status = otlp.StatusUnset
	}
	d.span.Times(start, end)
	d.failed = false

	limits := &d.profile.config.Limits
	attributes := d.spanAttributes()
	if d.failed && status == otlp.StatusUnset {
		status = otlp.StatusError
	}
	d.span.Status(status, d.profile.masker.Message(view(message)))
	events := d.each(limits.EventCount, d.event)
	links := d.each(limits.LinkCount, d.link)
	if d.bad {
		return
	}
	switch d.Next() {
	case marshal.None:
	case marshal.List:
		n := d.Len()
		for i := range n {
			lost := uint32(max(0, min(d.int(), 1<<31)))
			switch i {
			case 0:
				attributes += lost
			case 1:
				events += lost
			case 2:
				links += lost
			}
		}
	default:
		d.bad = true
	}
	d.span.Dropped(attributes, events, links)
}

// alreadyEncoded reads a span that the process has masked and encoded itself. It only makes sure that it is one: bytes
// that are none would spoil the whole request that they are sent in.
func (d *decoder) alreadyEncoded() {
	d.scope = d.text()
	if d.Next() != marshal.Bytes {
		d.bad = true
		return
	}
	encoded := d.Bytes()
	span, err := otlp.ParseSpan(encoded)
	if d.Next() != marshal.Bool || d.bad || err != nil || span.TraceID == [16]byte{} || span.SpanID == [8]byte{} {
		d.bad = true
		return
	}
	d.skip, d.spanID, d.encoded = d.Bool(), span.SpanID, encoded
}

// logged reads (trace id, span id, flags, time, severity, its name, scope, body, attributes).
func (d *decoder) logged() {
	var l otlp.LogData
	d.id(l.TraceID[:], true)
	d.id(l.SpanID[:], true)
	l.Flags = uint32(d.int()) & 0xFF
	l.Time = d.time()
	l.Observed = l.Time
	l.Severity = int32(max(0, min(d.int(), 24)))
	l.SeverityText = view(d.secretless(d.text()))
	d.scope = d.text()
	if d.bad {
		return
	}
	d.span.ResetLog()
	d.span.LogBody(view(d.cut(d.logBody())))
	d.secret, d.naming = false, true
	l.DroppedAttributes = d.attributes(d.profile.config.Limits.AttributeCount, false)
	d.naming = false
	d.span.Log(l)
}

// logBody reads what was logged, as masked text: that of a text itself, and of any other value its JSON.
func (d *decoder) logBody() []byte {
	k, start := d.Next(), len(d.scratch)
	if k == marshal.String || k == marshal.Bytes {
		d.scratch = d.profile.masker.AppendBody(d.scratch, mask.General, d.valid(d.Bytes()), false, d.valueLimit)
	} else {
		d.dump(d.begin(mask.General), k, 0)
		d.scratch = d.writer.AppendTo(d.scratch)
	}
	return d.secretless(d.scratch[start:])
}

// started only makes sure that interrupted will find what it needs.
func (d *decoder) started() {
	d.identity()
	d.time()
	d.text()
	if k := d.Next(); k != marshal.None && k != marshal.Dict || d.bad {
		d.bad = true
	} else {
		d.SkipRest(k)
	}
}

// interrupted makes a span of a record of an open one, whose process is gone.
func (d *decoder) interrupted(p *profile, raw []byte, endNS uint64, why string) bool {
	d.Reset(raw)
	d.profile, d.bad, d.skip, d.encoded, d.scratch = p, false, false, nil, d.scratch[:0]
	d.valueLimit = p.config.Limits.AttributeValueLength
	d.Next()
	d.Next()
	d.identity()
	start := d.time()
	d.scope = d.text()
	if d.bad {
		return false
	}
	d.span.Times(start, max(start, endNS))
	d.span.Status(otlp.StatusError, why)
	lost := d.spanAttributes()
	d.span.Dropped(lost, 0, 0)
	return !d.bad && d.Err() == nil
}

// each reads a list of tuples, of which the last ones count when there are more
// than the limit, as in every OpenTelemetry SDK. It returns how many do not.
func (d *decoder) each(limit int, read func(size int) bool) (dropped uint32) {
	if d.bad {
		return 0
	}
	k := d.Next()
	if k == marshal.None {
		return 0
	}
	if k != marshal.List {
		d.bad = true
		return 0
	}
	for n := d.Len(); n > 0; n-- {
		start := d.Pos()
		if n <= limit && d.Next() == marshal.List && read(d.Len()) {
			continue
		}
		d.Seek(start)
		dropped++
		if !d.Skip() {
			d.bad = true
			return dropped
		}
	}
	return dropped
}

// event reads (time, name, attributes).
func (d *decoder) event(size int) bool {
	if size < 3 {
		return false
	}
	at, name := d.time(), d.secretless(d.text())
	if d.bad {
		d.bad = false // only this event is
		return false
	}
	d.span.BeginEvent(at, view(name))
	d.itemAttributes(d.profile.config.Limits.EventAttributeCount, size-3)
	d.span.EndEvent()
	return true
}

// link reads (trace id, span id, flags, trace state, attributes).
func (d *decoder) link(size int) bool {
	if size < 5 {
		return false
	}
	var traceID [16]byte
	var spanID [8]byte
	d.id(traceID[:], false)
	d.id(spanID[:], false)
	flags := uint32(d.int()) & 0x3FF
	state := d.optionalText()
	if d.bad {
		d.bad = false
		return false
	}
	d.span.BeginLink(traceID, spanID, view(state), flags)
	d.itemAttributes(d.profile.config.Limits.LinkAttributeCount, size-5)
	d.span.EndLink()
	return true
}

// itemAttributes reads the attributes of an event or a link, whose values have a
// limit of their own.
func (d *decoder) itemAttributes(limit, further int) {
	d.valueLimit = d.profile.config.Limits.ItemValueLength
	d.span.DroppedHere(d.attributes(limit, false))
	for ; further > 0; further-- {
		d.Skip()
	}
}

func (d *decoder) id(dst []byte, optional bool) {
	switch k := d.Next(); {
	case k == marshal.Bytes && len(d.Bytes()) == len(dst):
		copy(dst, d.Bytes())
	case k == marshal.None && optional:
		clear(dst)
	default:
		d.bad = true
	}
}

func (d *decoder) int() int64 {
	if d.Next() != marshal.Int {
		d.bad = true
		return 0
	}
	return d.Int()
}

func (d *decoder) time() uint64 { return uint64(max(0, d.int())) }

func (d *decoder) text() []byte {
	if d.Next() != marshal.String {
		d.bad = true
		return nil
	}
	return d.valid(d.Bytes())
}

func (d *decoder) optionalText() []byte {
	switch d.Next() {
	case marshal.String:
		return d.valid(d.Bytes())
	case marshal.None:
	default:
		d.bad = true
	}
	return nil
}

// valid returns s, or a copy with U+FFFD for whatever is not UTF-8.
func (d *decoder) valid(s []byte) []byte {
	if utf8.Valid(s) {
		return s
	}
	start := len(d.scratch)
	d.scratch = marshal.AppendText(d.scratch, s)
	return d.scratch[start:]
}

// cut returns the first characters of s, as many as the value limit allows.
func (d *decoder) cut(s []byte) []byte {
	return semconv.Cut(s, d.valueLimit)
}

// cutFront returns the last characters instead.
func (d *decoder) cutFront(s []byte) []byte {
	return semconv.CutFront(s, d.valueLimit)
}

// view lends bytes as a string: for as long as they stay as they are.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
