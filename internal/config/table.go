package config

import (
	"slices"
	"strconv"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
)

// variable is a row of the table.
type variable struct {
	Variable
	setting
	alias    string              // another name, read when Name is not set
	override string              // another name, which wins over Name
	conceal  func(string) string // hides secrets in a value that is to be shown
}

const defaultBatchSize = 512

// Variables returns all variables in the order of their documentation.
func Variables() []Variable {
	variables := make([]Variable, len(table))
	for i, v := range table {
		variables[i] = v.Variable
	}
	return variables
}

// table has every variable that is read. Where two set the same place, the
// later one wins, so that the general stands before the specific.
var table = slices.Concat(
	group("Lumigo",
		variable{
			Variable: Variable{Name: "LUMIGO_TRACER_TOKEN", Description: "The token of your Lumigo project. Without it, nothing is sent to Lumigo; all else works. Blanks around it are removed."},
			setting:  to(func(d *draft) *string { return &d.Export.Token }, token),
		},
		variable{
			Variable: Variable{Name: "LUMIGO_ENDPOINT", Description: "Full URL that spans are sent to when there is a token, used as it is; see [where spans go](#where-spans-go)."},
			setting:  to(func(d *draft) *string { return &d.lumigoEndpoint }, address),
			conceal:  concealURL,
		},
		variable{
			Variable: Variable{Name: "LUMIGO_SWITCH_OFF", Default: "false", Description: "`true` turns the distribution off altogether."},
			setting:  to(func(d *draft) *bool { return &d.SwitchOff }, boolean),
		},
		variable{
			Variable: Variable{Name: "LUMIGO_ENABLE_TRACES", Default: "true", Description: "Anything but `true` turns tracing off: nothing is hooked, no spans are made."},
			setting:  to(func(d *draft) *bool { return &d.TracesEnabled }, nothingButTrue),
		},
		variable{
			Variable: Variable{Name: "LUMIGO_DEBUG", Default: "false", Description: "`true` makes our own log say more. It wins over `OTEL_LOG_LEVEL`."},
			setting:  to(func(d *draft) *bool { return &d.debug }, boolean),
		},
		variable{
			Variable: Variable{Name: "LUMIGO_DEBUG_SPANDUMP", Description: "Path of a file that gets every span as a line of JSON, as well as what is sent. `/dev/stdout` and `/dev/stderr` work, also under the names `console:log` and `console:error`."},
			setting:  to(func(d *draft) *string { return &d.SpanDump }, dumpPath),
		},
		variable{
			Variable: Variable{Name: "LUMIGO_ENABLE_LOGS", Default: "false", Description: "`true` has the records of Python's `logging` sent as well, with the ids of their traces; see [logs](python.md#logs)."},
			setting:  to(func(d *draft) *bool { return &d.LogsEnabled }, boolean),
		},
		variable{
			Variable: Variable{Name: "LUMIGO_LOGS_ENDPOINT", Description: "Full URL that log records are sent to when there is a token, used as it is; see [where spans go](#where-spans-go)."},
			setting:  to(func(d *draft) *string { return &d.lumigoLogsEndpoint }, address),
			conceal:  concealURL,
		},
		variable{
			Variable: Variable{Name: "LUMIGO_DEBUG_LOGDUMP", Description: "Path of a file that gets every log record as a line of JSON, as well as what is sent, when logs are enabled. Standard streams as with the span dump; standard output also where the file cannot be opened."},
			setting:  to(func(d *draft) *string { return &d.LogDump }, dumpPath),
		},
		variable{
			Variable: Variable{Name: "LUMIGO_TAG", Description: "Becomes the resource attribute `lumigo.tag`. A semicolon is not allowed in it."},
			setting:  to(func(d *draft) *string { return &d.Tag }, tag),
		},
		variable{
			Variable: Variable{Name: "LUMIGO_CONTAINER_NAME", Description: "Becomes the resource attribute `k8s.container.name`. The Kubernetes operator sets it."},
			setting:  to(func(d *draft) *string { return &d.ContainerName }, verbatim),
		},
		variable{
			Variable: Variable{Name: "LUMIGO_DISABLE_INSTRUMENTATION", Description: "Comma list of [instrumentations](#names-of-instrumentations) to leave out."},
			setting:  to(func(d *draft) *[]string { return &d.DisabledInstrumentations }, instrumentations),
		},
		variable{
			Variable: Variable{Name: "LUMIGO_AUTO_FILTER_EMPTY_SQS", Default: "true", Description: "Whether SQS polls that return no message are kept from being sent."},
			setting:  to(func(d *draft) *bool { return &d.AutoFilterEmptySQS }, boolean),
		},
		variable{
			Variable: Variable{Name: "LUMIGO_INSTRUMENT_GRPC_PAYLOADS", Default: "true", Description: "`false` keeps the messages of gRPC calls out of their spans."},
			setting:  to(func(d *draft) *bool { return &d.GRPCPayloads }, boolean),
		},
		variable{
			Variable: Variable{Name: "LUMIGO_REDUCED_REDIS_INSTRUMENTATION", Default: "true", Description: "Whether Redis's `INFO` and `INFO SERVER`, with which clients ask after a server's health, are left without spans."},
			setting:  to(func(d *draft) *bool { return &d.ReducedRedis }, boolean),
		},
		variable{
			Variable: Variable{Name: "LUMIGO_REDUCED_MONGO_INSTRUMENTATION", Default: "true", Description: "Whether MongoDB's `isMaster`, `hello`, `ping` and `endSessions`, which are about connections and no data, are left without spans."},
			setting:  to(func(d *draft) *bool { return &d.ReducedMongo }, boolean),
		},
		variable{
			Variable: Variable{Name: "LUMIGO_EXPORT_MEMORY_LIMIT", Default: "64MiB", Description: "Bytes that spans may take up while they wait to be sent; beyond it, new spans are dropped and counted. At least 1 MiB; `KiB`, `MiB` and `GiB` are understood."},
			setting:  to(func(d *draft) *int64 { return &d.Export.MemoryLimit }, memory),
		},
	),
	group("Endpoints that are not traced",
		filter("LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX", "an incoming or outgoing HTTP request", func(f *EndpointFilter) *[]string { return &f.General }),
		filter("LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX_SERVER", "an incoming HTTP request, by its path and query,", func(f *EndpointFilter) *[]string { return &f.Server }),
		filter("LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX_CLIENT", "an outgoing HTTP request, by its URL,", func(f *EndpointFilter) *[]string { return &f.Client }),
	),
	group("Masking of secrets",
		masking("LUMIGO_SECRET_MASKING_REGEX", "LUMIGO_BLACKLIST_REGEX", "everything that has no variable of its own below", func(m *Masking) *Patterns { return &m.General }),
		masking("LUMIGO_SECRET_MASKING_REGEX_ENVIRONMENT", "", "the environment of the process", func(m *Masking) *Patterns { return &m.Environment }),
		masking("LUMIGO_SECRET_MASKING_REGEX_HTTP_REQUEST_HEADERS", "", "request headers", func(m *Masking) *Patterns { return &m.RequestHeaders }),
		masking("LUMIGO_SECRET_MASKING_REGEX_HTTP_RESPONSE_HEADERS", "", "response headers", func(m *Masking) *Patterns { return &m.ResponseHeaders }),
		masking("LUMIGO_SECRET_MASKING_REGEX_HTTP_REQUEST_BODIES", "", "request bodies", func(m *Masking) *Patterns { return &m.RequestBodies }),
		masking("LUMIGO_SECRET_MASKING_REGEX_HTTP_RESPONSE_BODIES", "", "response bodies", func(m *Masking) *Patterns { return &m.ResponseBodies }),
		masking("LUMIGO_SECRET_MASKING_REGEX_HTTP_QUERY_PARAMS", "", "query parameters", func(m *Masking) *Patterns { return &m.QueryParameters }),
	),
	group("OpenTelemetry",
		variable{
			Variable: Variable{Name: "OTEL_SDK_DISABLED", Default: "false", Description: "`true` does the same as `LUMIGO_SWITCH_OFF`."},
			setting:  to(func(d *draft) *bool { return &d.SDKDisabled }, boolean),
		},
		variable{
			Variable: Variable{Name: "OTEL_LOG_LEVEL", Default: "info", Description: "Level of our own log: `debug`, `info`, `warn`, `error` or `none`."},
			setting:  to(func(d *draft) *diag.Level { return &d.LogLevel }, level),
		},
		variable{
			Variable: Variable{Name: "OTEL_SERVICE_NAME", Description: "Name of the service; wins over a `service.name` in `OTEL_RESOURCE_ATTRIBUTES`. Without either it is `unknown_service:` and the name of the executable."},
			setting:  to(func(d *draft) *string { return &d.ServiceName }, verbatim),
		},
		variable{
			Variable: Variable{Name: "OTEL_RESOURCE_ATTRIBUTES", Description: "More resource attributes: `key=value,key=value`, values percent-encoded."},
			setting:  to(func(d *draft) *[]KeyValue { return &d.ResourceAttributes }, keyValues(anyPair)),
		},
		variable{
			Variable: Variable{Name: "OTEL_PROPAGATORS", Default: "tracecontext,baggage", Description: "How context travels from service to service: a comma list of `tracecontext`, `baggage`, `b3`, `b3multi`; or `none`."},
			setting:  to(func(d *draft) *[]string { return &d.Propagators }, someOf("tracecontext", "baggage", "b3", "b3multi")),
		},
		variable{
			Variable: Variable{Name: "OTEL_TRACES_SAMPLER", Default: "parentbased_always_on", Description: "`always_on`, `always_off`, `traceidratio`, or one of these after `parentbased_`. It has its say after the filters above."},
			setting: to(func(d *draft) *string { return &d.Sampler.Name }, oneOf("always_on", "always_off", "traceidratio",
				"parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio")),
		},
		variable{
			Variable: Variable{Name: "OTEL_TRACES_SAMPLER_ARG", Default: "1", Description: "Share of the traces that the `traceidratio` samplers keep, from 0 to 1."},
			setting:  to(func(d *draft) *float64 { return &d.Sampler.Ratio }, ratio),
		},
		variable{
			Variable: Variable{Name: "OTEL_TRACES_EXPORTER", Default: "otlp", Description: "Where spans go: a comma list of `otlp` and `console` (standard output); or `none`. The span dump is written in any case."},
			setting:  to(func(d *draft) *[]string { return &d.exporters }, someOf("otlp", "console")),
		},
		variable{
			Variable: Variable{Name: "OTEL_SEMCONV_STABILITY_OPT_IN", Description: "Comma list; `http/dup` and `database/dup` add the attribute names of the time before the conventions were stable."},
			setting:  to(func(d *draft) *[]string { return &d.semconv }, anyOf),
		},
	),
	group("Limits of a span",
		variable{
			Variable: Variable{Name: "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", Default: "-1", Description: "Characters of an attribute's value that are kept, in spans, events and links; `-1` keeps all."},
			setting: both(func(d *draft) *int { return &d.Limits.AttributeValueLength },
				func(d *draft) *int { return &d.Limits.ItemValueLength }, integer(-1)),
		},
		limit("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "", "2048", -1, "The same for the attributes of the span itself; its default gives way to `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`.", func(l *Limits) *int { return &l.AttributeValueLength }),
		limit("OTEL_ATTRIBUTE_COUNT_LIMIT", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "128", 0, "Attributes of a span that are kept.", func(l *Limits) *int { return &l.AttributeCount }),
		limit("OTEL_SPAN_EVENT_COUNT_LIMIT", "", "128", 0, "Events of a span that are kept.", func(l *Limits) *int { return &l.EventCount }),
		limit("OTEL_SPAN_LINK_COUNT_LIMIT", "", "128", 0, "Links of a span that are kept.", func(l *Limits) *int { return &l.LinkCount }),
		limit("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "", "128", 0, "Attributes of an event that are kept.", func(l *Limits) *int { return &l.EventAttributeCount }),
		limit("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "", "128", 0, "Attributes of a link that are kept.", func(l *Limits) *int { return &l.LinkAttributeCount }),
	),
	group("Batches",
		variable{
			Variable: Variable{Name: "OTEL_BSP_SCHEDULE_DELAY", Default: "5000", Description: "Milliseconds that a span waits at most before it is sent."},
			setting:  to(func(d *draft) *time.Duration { return &d.Batch.ScheduleDelay }, milliseconds),
		},
		variable{
			Variable: Variable{Name: "OTEL_BSP_EXPORT_TIMEOUT", Default: "30000", Description: "Milliseconds that a flush the app asks for may take. What could not be sent by then is not given up: it is tried again as long as memory allows."},
			setting:  to(func(d *draft) *time.Duration { return &d.Batch.ExportTimeout }, milliseconds),
		},
		variable{
			Variable: Variable{Name: "OTEL_BSP_MAX_QUEUE_SIZE", Description: "Spans that may wait. When it is not set, `LUMIGO_EXPORT_MEMORY_LIMIT` alone is the bound."},
			setting:  to(func(d *draft) *int { return &d.Batch.MaxQueueSize }, integer(1)),
		},
		variable{
			Variable: Variable{Name: "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", Default: strconv.Itoa(defaultBatchSize), Description: "Spans of a batch; no more than may wait."},
			setting:  to(func(d *draft) *int { return &d.Batch.MaxExportBatchSize }, integer(1)),
		},
	),
	group("OTLP",
		variable{
			Variable: Variable{Name: "OTEL_EXPORTER_OTLP_ENDPOINT", Description: "URL of an OTLP backend or Collector, to which `/v1/traces` is added, or `/v1/logs`; see [where spans go](#where-spans-go)."},
			setting:  to(func(d *draft) *string { return &d.otlpEndpoint }, address),
			conceal:  concealURL,
		},
		variable{
			Variable: Variable{Name: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", Description: "Full URL for traces, used as it is; wins."},
			setting:  to(func(d *draft) *string { return &d.tracesEndpoint }, address),
			conceal:  concealURL,
		},
		variable{
			Variable: Variable{Name: "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", Description: "Full URL for logs, used as it is; wins."},
			setting:  to(func(d *draft) *string { return &d.logsEndpoint }, address),
			conceal:  concealURL,
		},
		otlp("HEADERS", "", "Headers to send along: `name=value,name=value`, values percent-encoded. They cannot replace the token's.",
			to(func(d *draft) *[]KeyValue { return &d.Export.Headers }, keyValues(header))),
		otlp("PROTOCOL", "http/protobuf", "`http/protobuf` or `http/json`. `grpc` is not supported.",
			to(func(d *draft) *string { return &d.Export.Protocol }, protocol)),
		otlp("TIMEOUT", "10000", "Milliseconds that one attempt to send may take. (opentelemetry-python takes it for seconds.)",
			to(func(d *draft) *time.Duration { return &d.Export.Timeout }, timeout)),
		otlp("COMPRESSION", "none", "`gzip` or `none`.",
			to(func(d *draft) *string { return &d.Export.Compression }, oneOf("none", "gzip"))),
		otlp("CERTIFICATE", "", "Path of a PEM file with the certificate authorities to trust.",
			to(func(d *draft) *string { return &d.Export.Certificate }, verbatim)),
		otlp("CLIENT_CERTIFICATE", "", "Path of a PEM file with the certificate to show to the server.",
			to(func(d *draft) *string { return &d.Export.ClientCertificate }, verbatim)),
		otlp("CLIENT_KEY", "", "Path of a PEM file with that certificate's key.",
			to(func(d *draft) *string { return &d.Export.ClientKey }, verbatim)),
	),
	group("Proxies",
		proxy("HTTP_PROXY", "http_proxy", "Proxy for `http://` endpoints.", func(p *Proxy) *string { return &p.HTTP }),
		proxy("HTTPS_PROXY", "https_proxy", "Proxy for `https://` endpoints.", func(p *Proxy) *string { return &p.HTTPS }),
		proxy("NO_PROXY", "no_proxy", "Hosts that are reached without one.", func(p *Proxy) *string { return &p.No }),
	),
	group("Set by the platform",
		variable{
			Variable: Variable{Name: "ECS_CONTAINER_METADATA_URI_V4", Description: "Where Amazon ECS describes the task and its containers; they join the resource."},
			setting:  to(func(d *draft) *string { return &d.ECSMetadataURIV4 }, verbatim),
		},
		variable{
			Variable: Variable{Name: "ECS_CONTAINER_METADATA_URI", Description: "The older one. It tells that this is ECS; it is not called."},
			setting:  to(func(d *draft) *string { return &d.ECSMetadataURI }, verbatim),
		},
		variable{
			Variable: Variable{Name: "_X_AMZN_TRACE_ID", Description: "The trace that an AWS Lambda invocation belongs to; new traces take their id from it."},
			setting:  to(func(d *draft) *string { return &d.LambdaTraceHeader }, verbatim),
		},
	),
)

// group puts rows under a heading, and after each row with an override a row
// for that.
func group(heading string, rows ...variable) []variable {
	var all []variable
	for _, v := range rows {
		v.Group = heading
		all = append(all, v)
		if v.override != "" {
			v.Name, v.Default, v.alias = v.override, "", ""
			v.Description = "The same; wins over `" + all[len(all)-1].Name + "`."
			all = append(all, v)
		}
	}
	return all
}

func filter(name, what string, at func(*EndpointFilter) *[]string) variable {
	return variable{
		Variable: Variable{Name: name, Description: "JSON array of regular expressions; " + what + " in which one of them is found is not traced."},
		setting:  to(func(d *draft) *[]string { return at(&d.Filter) }, arrayOfStrings),
	}
}

func masking(name, alias, what string, at func(*Masking) *Patterns) variable {
	return variable{
		Variable: Variable{Name: name, Description: "JSON array of regular expressions, or `all`: which keys are masked in " + what + ". See [masking](masking.md)."},
		setting:  patterns(func(d *draft) *Patterns { return at(&d.Masking) }),
		alias:    alias,
	}
}

func limit(name, override, standard string, least int, description string, at func(*Limits) *int) variable {
	return variable{
		Variable: Variable{Name: name, Default: standard, Description: description},
		setting:  to(func(d *draft) *int { return at(&d.Limits) }, integer(least)),
		override: override,
	}
}

func otlp(name, standard, description string, s setting) variable {
	return variable{
		Variable: Variable{Name: "OTEL_EXPORTER_OTLP_" + name, Default: standard, Description: description},
		setting:  s,
		override: "OTEL_EXPORTER_OTLP_TRACES_" + name,
	}
}

func proxy(name, alias, description string, at func(*Proxy) *string) variable {
	return variable{
		Variable: Variable{Name: name, Description: description + " `" + alias + "` is read as well."},
		setting:  to(func(d *draft) *string { return at(&d.Proxy) }, verbatim),
		alias:    alias,
	}
}
