package config

import (
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
)

// Message is a line that the user should find in the log. It holds no secret.
type Message struct {
	Level diag.Level
	Text  string
}

// KeyValue is a pair whose order among its like matters.
type KeyValue struct {
	Key, Value string
}

// Config is what the environment asks for, with defaults filled in.
type Config struct {
	SwitchOff     bool       // LUMIGO_SWITCH_OFF: do nothing at all
	SDKDisabled   bool       // OTEL_SDK_DISABLED: the same, by OpenTelemetry's name
	TracesEnabled bool       // LUMIGO_ENABLE_TRACES: false means that no library is hooked but logging
	LogLevel      diag.Level // LUMIGO_DEBUG, else OTEL_LOG_LEVEL, else diag.Info

	ServiceName        string     // OTEL_SERVICE_NAME
	ResourceAttributes []KeyValue // OTEL_RESOURCE_ATTRIBUTES in their order, decoded
	Tag                string     // LUMIGO_TAG
	ContainerName      string     // LUMIGO_CONTAINER_NAME

	SpanDump string // LUMIGO_DEBUG_SPANDUMP: path of the span dump; "" for none

	LogsEnabled  bool   // LUMIGO_ENABLE_LOGS: the records that the app logs are sent as well
	LogsEndpoint string // full URL for logs; "" when none are to be sent. All else is as Export says
	LogDump      string // LUMIGO_DEBUG_LOGDUMP: path of the log dump; "" for none

	Masking                  Masking
	Filter                   EndpointFilter
	DisabledInstrumentations []string // canonical ids of [Instrumentations], sorted
	Propagators              []string // of tracecontext, baggage, b3, b3multi; empty for none
	Sampler                  Sampler
	Limits                   Limits
	Batch                    Batch
	Export                   Export
	Proxy                    Proxy

	SemconvHTTPDup     bool // OTEL_SEMCONV_STABILITY_OPT_IN has http/dup
	SemconvDatabaseDup bool // OTEL_SEMCONV_STABILITY_OPT_IN has database/dup
	AutoFilterEmptySQS bool // LUMIGO_AUTO_FILTER_EMPTY_SQS
	GRPCPayloads       bool // LUMIGO_INSTRUMENT_GRPC_PAYLOADS
	ReducedRedis       bool // LUMIGO_REDUCED_REDIS_INSTRUMENTATION
	ReducedMongo       bool // LUMIGO_REDUCED_MONGO_INSTRUMENTATION

	ECSMetadataURI    string // ECS_CONTAINER_METADATA_URI
	ECSMetadataURIV4  string // ECS_CONTAINER_METADATA_URI_V4
	LambdaTraceHeader string // _X_AMZN_TRACE_ID
}

// Masking holds the masking variables as they were written: their meaning, and
// the warnings about it, belong to package mask.
type Masking struct {
	General         Patterns
	Environment     Patterns
	RequestHeaders  Patterns
	ResponseHeaders Patterns
	RequestBodies   Patterns
	ResponseBodies  Patterns
	QueryParameters Patterns

	// Compatible asks for the original's masking without our safer choices. It
	// serves the original's test vectors; no variable sets it.
	Compatible bool
}

// Patterns is the text of one masking variable: a JSON array of regular
// expressions, or the word all.
type Patterns struct {
	Name  string // the variable that Text comes from
	Text  string
	IsSet bool // false when the variable is missing or empty
}

// EndpointFilter holds the regular expressions, not compiled, of the endpoints
// that are not traced. General ones count for both kinds.
type EndpointFilter struct {
	General, Server, Client []string
}

// Sampler is the sampler beneath the endpoint filters.
type Sampler struct {
	Name  string  // one of OpenTelemetry's names, such as parentbased_always_on
	Ratio float64 // 0 to 1; used by the traceidratio samplers
}

// Limits bounds a span. Zero means zero.
type Limits struct {
	AttributeValueLength int // of the span's attributes, in characters; -1 for no limit
	ItemValueLength      int // likewise, of the attributes of events and links
	AttributeCount       int
	EventCount           int
	LinkCount            int
	EventAttributeCount  int
	LinkAttributeCount   int
}

// Batch says when spans are sent. All values but MaxQueueSize are positive.
type Batch struct {
	ScheduleDelay      time.Duration
	ExportTimeout      time.Duration
	MaxQueueSize       int // in spans; 0 when not set: then Export.MemoryLimit alone bounds the queue
	MaxExportBatchSize int // in spans; never above a MaxQueueSize that is set
}

// Export says where spans go and how.
type Export struct {
	Endpoint string     // full URL for traces; "" when nothing is to be sent
	Token    string     // trimmed; "" for none. Kept, as a secret to mask, even when nothing is sent
	Headers  []KeyValue // the user's own; never Authorization when Token is set
	Protocol string     // http/protobuf or http/json

	Timeout     time.Duration // of one attempt; positive
	Compression string        // none or gzip

	Certificate       string // path of the PEM file with the server's certificate authorities; "" for the system's
	ClientCertificate string // path; "" for none
	ClientKey         string // path; "" for none

	Console     bool  // OTEL_TRACES_EXPORTER has console
	MemoryLimit int64 // in bytes, for spans that wait or are on their way
}

// Proxy holds the proxy variables as they were written, the upper-case name
// winning over the lower-case one.
type Proxy struct {
	HTTP, HTTPS, No string
}

// Variable describes an environment variable for its documentation.
type Variable struct {
	Group       string // heading under which it is documented
	Name        string
	Default     string // as one would write it in the environment; "" for none
	Description string // Markdown, one line
}
