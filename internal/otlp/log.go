package otlp

// Field numbers of logs.v1.
const (
	logTime, logSeverity, logSeverityText, logBody, logAttributes, logDropped = 1, 2, 3, 5, 6, 7
	logFlags, logTraceID, logSpanID, logObserved, logEventName                = 8, 9, 10, 11, 12
)

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
