"""Makes spans at a steady pace.  pace.py SPANS_PER_SECOND SECONDS"""

import sys
import time

from lumigo_opentelemetry import _tracing

rate, seconds = int(sys.argv[1]), float(sys.argv[2])
text = "x" * 40
began = time.monotonic()
made = 0
while True:
    passed = time.monotonic() - began
    if passed >= seconds:
        break
    while made < passed * rate:
        made += 1
        attributes = {"a%d" % n: text for n in range(7)}
        attributes["number"] = made
        _tracing.start_span("call", _tracing.CLIENT, attributes).end()
    time.sleep(0.002)
print(made)
