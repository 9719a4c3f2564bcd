package otlp

// The messages of OTLP, as far as JSON is read and written: a list of fields
// for each, in the order in which they are written.

// A messageType is one of the messages in the schema.
type messageType int

const (
	messageTraces messageType = iota
	messageResourceSpans
	messageScopeSpans
	messageSpan
	messageEvent
	messageLink
	messageStatus
	messageLogs
	messageResourceLogs
	messageScopeLogs
	messageLogRecord
	messageResource
	messageScope
	messageAttribute
	messageValue
	messageArray
	messageList
)

// field describes a field of a message.
type field struct {
	number   byte // below 32
	name     string
	kind     fieldKind
	repeated bool
	message  messageType // of a fieldMessage
	names    []string    // of a fieldEnum's values, without what comes before the last underscore
}

// A fieldKind says how a field is encoded, in protobuf and in JSON.
type fieldKind int

const (
	fieldText    fieldKind = iota
	fieldID                // bytes, in JSON hexadecimal
	fieldBytes             // bytes, in JSON base64
	fieldBool              // varint
	fieldUint32            // varint, in JSON a number
	fieldEnum              // varint, in JSON a number
	fieldInt64             // varint, in JSON a string
	fieldFixed32           // in JSON a number
	fieldFixed64           // in JSON a string
	fieldDouble            // fixed64
	fieldMessage           // bytes
)

// wire is the wire type of a field of this kind.
func (k fieldKind) wire() byte {
	switch k {
	case fieldText, fieldID, fieldBytes, fieldMessage:
		return wireBytes
	case fieldFixed32:
		return wireFixed32
	case fieldFixed64, fieldDouble:
		return wireFixed64
	}
	return wireVarint
}

var (
	kindNames     = []string{"UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"}
	statusNames   = []string{"UNSET", "OK", "ERROR"}
	severityNames = []string{"UNSPECIFIED", "TRACE", "TRACE2", "TRACE3", "TRACE4", "DEBUG", "DEBUG2", "DEBUG3", "DEBUG4",
		"INFO", "INFO2", "INFO3", "INFO4", "WARN", "WARN2", "WARN3", "WARN4", "ERROR", "ERROR2", "ERROR3", "ERROR4",
		"FATAL", "FATAL2", "FATAL3", "FATAL4"}
)

var schema = [...][]field{
	messageTraces:        request("resourceSpans", messageResourceSpans),
	messageResourceSpans: ofResource("scopeSpans", messageScopeSpans),
	messageScopeSpans:    ofScope("spans", messageSpan),
	messageSpan: {
		{number: spanTraceID, name: "traceId", kind: fieldID},
		{number: spanSpanID, name: "spanId", kind: fieldID},
		{number: spanTraceState, name: "traceState", kind: fieldText},
		{number: spanParentID, name: "parentSpanId", kind: fieldID},
		{number: spanFlags, name: "flags", kind: fieldFixed32},
		{number: spanName, name: "name", kind: fieldText},
		{number: spanKind, name: "kind", kind: fieldEnum, names: kindNames},
		{number: spanStart, name: "startTimeUnixNano", kind: fieldFixed64},
		{number: spanEnd, name: "endTimeUnixNano", kind: fieldFixed64},
		attributes(spanAttributes),
		dropped(spanDroppedAttributes),
		{number: spanEvents, name: "events", kind: fieldMessage, repeated: true, message: messageEvent},
		{number: spanDroppedEvents, name: "droppedEventsCount", kind: fieldUint32},
		{number: spanLinks, name: "links", kind: fieldMessage, repeated: true, message: messageLink},
		{number: spanDroppedLinks, name: "droppedLinksCount", kind: fieldUint32},
		{number: spanStatus, name: "status", kind: fieldMessage, message: messageStatus},
	},
	messageEvent: {
		{number: eventTime, name: "timeUnixNano", kind: fieldFixed64},
		{number: eventName, name: "name", kind: fieldText},
		attributes(eventAttributes),
		dropped(eventDropped),
	},
	messageLink: {
		{number: linkTraceID, name: "traceId", kind: fieldID},
		{number: linkSpanID, name: "spanId", kind: fieldID},
		{number: linkTraceState, name: "traceState", kind: fieldText},
		{number: linkFlag, name: "flags", kind: fieldFixed32},
		attributes(linkAttributes),
		dropped(linkDropped),
	},
	messageStatus: {
		{number: statusMessage, name: "message", kind: fieldText},
		{number: statusCode, name: "code", kind: fieldEnum, names: statusNames},
	},
	messageLogs:         request("resourceLogs", messageResourceLogs),
	messageResourceLogs: ofResource("scopeLogs", messageScopeLogs),
	messageScopeLogs:    ofScope("logRecords", messageLogRecord),
	messageLogRecord: {
		{number: logTime, name: "timeUnixNano", kind: fieldFixed64},
		{number: logObserved, name: "observedTimeUnixNano", kind: fieldFixed64},
		{number: logSeverity, name: "severityNumber", kind: fieldEnum, names: severityNames},
		{number: logSeverityText, name: "severityText", kind: fieldText},
		{number: logEventName, name: "eventName", kind: fieldText},
		{number: logBody, name: "body", kind: fieldMessage, message: messageValue},
		attributes(logAttributes),
		dropped(logDropped),
		{number: logFlags, name: "flags", kind: fieldFixed32},
		{number: logTraceID, name: "traceId", kind: fieldID},
		{number: logSpanID, name: "spanId", kind: fieldID},
	},
	messageResource: {
		attributes(resourceAttributes),
		dropped(resourceDropped),
	},
	messageScope: {
		{number: scopeName, name: "name", kind: fieldText},
		{number: scopeVersion, name: "version", kind: fieldText},
		attributes(scopeAttributes),
		dropped(scopeDropped),
	},
	messageAttribute: {
		{number: keyValueKey, name: "key", kind: fieldText},
		{number: keyValueValue, name: "value", kind: fieldMessage, message: messageValue},
	},
	messageValue: { // one of them
		{number: anyString, name: "stringValue", kind: fieldText},
		{number: anyBool, name: "boolValue", kind: fieldBool},
		{number: anyInt, name: "intValue", kind: fieldInt64},
		{number: anyDouble, name: "doubleValue", kind: fieldDouble},
		{number: anyArray, name: "arrayValue", kind: fieldMessage, message: messageArray},
		{number: anyList, name: "kvlistValue", kind: fieldMessage, message: messageList},
		{number: anyBytes, name: "bytesValue", kind: fieldBytes},
	},
	messageArray: {
		{number: arrayValues, name: "values", kind: fieldMessage, repeated: true, message: messageValue},
	},
	messageList: {
		{number: listValues, name: "values", kind: fieldMessage, repeated: true, message: messageAttribute},
	},
}

// Traces and logs come in the same envelopes, whose fields have the same numbers.

func request(name string, m messageType) []field {
	return []field{{number: requestResourceSpans, name: name, kind: fieldMessage, repeated: true, message: m}}
}

func ofResource(name string, m messageType) []field {
	return []field{
		{number: resourceSpansResource, name: "resource", kind: fieldMessage, message: messageResource},
		{number: resourceSpansSchema, name: "schemaUrl", kind: fieldText},
		{number: resourceSpansScopes, name: name, kind: fieldMessage, repeated: true, message: m},
	}
}

func ofScope(name string, m messageType) []field {
	return []field{
		{number: scopeSpansScope, name: "scope", kind: fieldMessage, message: messageScope},
		{number: scopeSpansSchema, name: "schemaUrl", kind: fieldText},
		{number: scopeSpansSpans, name: name, kind: fieldMessage, repeated: true, message: m},
	}
}

func attributes(number byte) field {
	return field{number: number, name: "attributes", kind: fieldMessage, repeated: true, message: messageAttribute}
}

func dropped(number byte) field {
	return field{number: number, name: "droppedAttributesCount", kind: fieldUint32}
}
