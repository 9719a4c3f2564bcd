import os

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def provider():
    made = TracerProvider(resource=Resource.create({"service.name": "benchmark"}))
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(os.environ["BENCHMARK_BACKEND"])))
    trace.set_tracer_provider(made)
    return made
