"""An app that has OpenTelemetry's own SDK, which sends spans and log records, packed."""

import logging

from opentelemetry import trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

traces, logs = TracerProvider(), LoggerProvider()
traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(compression=Compression.Gzip)))
logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(compression=Compression.Gzip)))
trace.set_tracer_provider(traces)
set_logger_provider(logs)
logging.getLogger().addHandler(LoggingHandler(logger_provider=logs))

with trace.get_tracer("upstream").start_as_current_span("outer", attributes={"n": 1, "list": [1.5, 2.5]}) as span:
    with trace.get_tracer("upstream").start_as_current_span("inner", kind=trace.SpanKind.CLIENT):
        logging.warning("something %s", "happens")
    span.add_event("event", {"key": "value"})
    try:
        raise ValueError("no")
    except ValueError as error:
        span.record_exception(error)
        span.set_status(trace.StatusCode.ERROR, "it failed")

traces.shutdown()
logs.shutdown()
