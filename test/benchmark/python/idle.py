"""Makes a few spans and waits for its input to end.  idle.py"""

import sys

from lumigo_opentelemetry import _tracing

for _ in range(10):
    _tracing.start_span("call", _tracing.CLIENT, {"order.number": 7}).end()
print("ready", flush=True)
sys.stdin.read()
