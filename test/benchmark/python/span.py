"""Makes spans with 8 attributes at a pace that loses none.  span.py plain|ours|upstream COUNT IN_A_TRACE

plain does all the rest, so that the difference is what the spans cost.
"""

import os
import sys
import time

kind, count, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

if kind == "ours":
    from lumigo_opentelemetry import _tracing

    def trace(spans):
        root = _tracing.start_span("request", _tracing.SERVER if size > 1 else _tracing.CLIENT, attributes(0))
        token = _tracing.activate(root)
        for number in range(1, spans):
            _tracing.start_span("call", _tracing.CLIENT, attributes(number)).end()
        _tracing.deactivate(token)
        root.end()

elif kind == "upstream":
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "upstream"))
    import setup_upstream
    from opentelemetry.trace import SpanKind, use_span

    provider = setup_upstream.provider()
    tracer = provider.get_tracer("benchmark")

    def trace(spans):
        root = tracer.start_span("request", kind=SpanKind.SERVER if size > 1 else SpanKind.CLIENT, attributes=attributes(0))
        with use_span(root):
            for number in range(1, spans):
                tracer.start_span("call", kind=SpanKind.CLIENT, attributes=attributes(number)).end()
        root.end()

else:

    def trace(spans):
        for number in range(spans):
            attributes(number)


def attributes(number):
    return {
        "http.request.method": "GET",
        "url.full": "http://warehouse.internal:8080/stock/apple",
        "server.address": "warehouse.internal",
        "server.port": 8080,
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
        "order.number": number,
        "order.express": True,
    }


since = 0
for _ in range(count // size):
    trace(size)
    since += size
    if since >= 40:
        since = 0
        time.sleep(0.002)
if kind == "upstream":
    provider.shutdown()
