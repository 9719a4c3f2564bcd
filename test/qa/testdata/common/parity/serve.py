"""In the place of serve.py where upstream traces as well: it has no spans for http.server, so that a span of the app's own
has to be the parent of what the app does."""

import os
from importlib.metadata import entry_points

from opentelemetry import trace

for name in os.environ.get("QA_INSTRUMENT", "").split():
    for point in entry_points(group="opentelemetry_instrumentor", name=name):
        point.load()().instrument(skip_dep_check=True)


def serve(work):
    lines = []
    with trace.get_tracer("app").start_as_current_span("work"):
        work(lambda *values: lines.append(" ".join(map(repr, values))))
    print("\n".join(lines))


def untraced(work):
    """Has work() done below a span that is not kept."""
    context = trace.SpanContext(0xA, 0xB, False, trace.TraceFlags(0))
    with trace.use_span(trace.NonRecordingSpan(context)):
        work()


def raises(say, function, *args, **named):
    """What function raises, down to its text."""
    try:
        function(*args, **named)
    except Exception as error:
        say(type(error).__name__, str(error))
