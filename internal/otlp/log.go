package otlp

// Field numbers of logs.v1.
const (
	logTime, logSeverity, logSeverityText, logBody, logAttributes, logDropped = 1, 2, 3, 5, 6, 7
	logFlags, logTraceID, logSpanID, logObserved, logEventName                = 8, 9, 10, 11, 12
)

// ResetLog makes s an empty logs.v1.LogRecord, in the place of a span: Log and
// LogBody say what it has, the attribute methods add to it, and Encoded returns
// it. What only spans have must not be added. The next Reset is for a span again.
func (s *Span) ResetLog() {
	s.Reset()
	s.log = true
}

// Log sets what a log record consists of but for its body and attributes; of l,
// these two are not looked at. Without a trace id, there are no ids.
func (s *Span) Log(l LogData) {
	s.closeItem()
	s.buf = appendFixed64(s.buf, logTime, l.Time)
	if l.Severity != 0 {
		s.buf = appendUint(s.buf, logSeverity, uint64(l.Severity))
	}
	if l.SeverityText != "" {
		s.buf = appendText(s.buf, logSeverityText, valid(l.SeverityText))
	}
	if l.DroppedAttributes > 0 {
		s.buf = appendUint(s.buf, logDropped, uint64(l.DroppedAttributes))
	}
	if l.TraceID != [16]byte{} {
		s.buf = appendFixed32(s.buf, logFlags, l.Flags)
		s.buf = append(append(s.buf, tag(logTraceID, wireBytes), 16), l.TraceID[:]...)
		s.buf = append(append(s.buf, tag(logSpanID, wireBytes), 8), l.SpanID[:]...)
	}
	if l.Observed != 0 {
		s.buf = appendFixed64(s.buf, logObserved, l.Observed)
	}
}

// LogBody sets the text of a log record.
func (s *Span) LogBody(text string) {
	s.closeItem()
	text = valid(text)
	s.buf = appendHeader(s.buf, logBody, sizeBytes(len(text)))
	s.buf = appendText(s.buf, anyString, text)
}

// LogData is a log record read back from its bytes. Body and the attributes'
// values are of the types [Attribute] names, or nil.
type LogData struct {
	Time, Observed    uint64 // nanoseconds since 1970; Time may be unknown, 0
	Severity          int32  // as OTLP numbers it: 1 to 24, 0 for unknown
	SeverityText      string
	EventName         string
	Body              any
	Attributes        []Attribute
	DroppedAttributes uint32
	Flags             uint32
	TraceID           [16]byte // zero when it was not written in a span
	SpanID            [8]byte
}

// ParseLog reads an encoded log record, as [ParseSpan] reads a span.
func ParseLog(b []byte) (LogData, error) {
	var l LogData
	r := reader{rest: b}
	for r.next() {
		switch {
		case r.is(logBody, wireBytes):
			l.Body = r.value(0)
		case r.is(logAttributes, wireBytes):
			l.Attributes = r.attribute(l.Attributes, 0)
		default:
			l.parseField(&r)
		}
	}
	return l, r.err
}

// ScanLog reads an encoded log record but for its attributes, and its body as it
// is encoded, so that it hardly takes memory.
func ScanLog(b []byte) (l LogData, body RawValue, err error) {
	r := reader{rest: b}
	for r.next() {
		if r.is(logBody, wireBytes) {
			body = r.data
			continue
		}
		l.parseField(&r)
	}
	return l, body, r.err
}

func (l *LogData) parseField(r *reader) {
	switch {
	case r.is(logTime, wireFixed64):
		l.Time = r.num
	case r.is(logObserved, wireFixed64):
		l.Observed = r.num
	case r.is(logSeverity, wireVarint):
		l.Severity = int32(r.num)
	case r.is(logSeverityText, wireBytes):
		l.SeverityText = r.text()
	case r.is(logEventName, wireBytes):
		l.EventName = r.text()
	case r.is(logDropped, wireVarint):
		l.DroppedAttributes = uint32(r.num)
	case r.is(logFlags, wireFixed32):
		l.Flags = uint32(r.num)
	case r.is(logTraceID, wireBytes):
		if len(r.data) > 0 { // an empty id is none
			r.id(l.TraceID[:])
		}
	case r.is(logSpanID, wireBytes):
		if len(r.data) > 0 {
			r.id(l.SpanID[:])
		}
	}
}
