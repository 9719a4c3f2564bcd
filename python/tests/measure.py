"""What we cost, in CPU time: python measure.py spans | start. Figures, not a test."""

import os
import resource
import statistics
import subprocess
import sys

from fake_engine import FakeEngine

SPANS = """
import sys, time
import lumigo_opentelemetry
from lumigo_opentelemetry import _tracing as t, _handover
n = 100000
def go(kind, parent):
    start = time.process_time_ns()
    for i in range(n):
        s = t.start_span("GET /users/{id}", kind, {"http.request.method": "GET", "url.path": "/users/1",
            "http.response.status_code": 200, "server.address": "localhost", "server.port": 8080,
            "url.scheme": "http", "network.protocol.version": "1.1", "user_agent.original": "curl/7"}, parent)
        s.end()
        if i % 200 == 0:
            lumigo_opentelemetry.tracer_provider  # as an app would do something else
            time.sleep(0.0005)
    return (time.process_time_ns() - start) / n
go(t.CLIENT, None)
root = t.start_span("root")
print("below a request %d ns, local roots %d ns, requests (announced) %d ns, dropped %d of %d" % (
    go(t.CLIENT, root), go(t.INTERNAL, None), go(t.SERVER, None), _handover._dropped, _handover._made))
"""


def cpu_of_start(environ, n=40):
    """Median user + system milliseconds of an interpreter that does nothing."""
    samples = []
    for _ in range(n):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", "pass"], env=environ, stderr=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        samples.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(samples) * 1000


def main():
    with FakeEngine() as engine:
        if "start" in sys.argv[1:]:
            plain = engine.environ(PYTHONPATH=None)
            variants = (plain, engine.environ(inject=True), engine.environ(inject=True, LUMIGO_SWITCH_OFF="true"))
            rounds = [[cpu_of_start(variant, 20) for variant in variants] for _ in range(6)]
            bare, on, off = (statistics.median(column) for column in zip(*rounds))
            print("start: bare %.2f ms, traced +%.2f ms, switched off +%.2f ms" % (bare, on - bare, off - bare))
        if "spans" in sys.argv[1:]:
            process = subprocess.run(
                [sys.executable, "-c", SPANS], env=engine.environ(OTEL_LOG_LEVEL="error"), stdout=subprocess.PIPE
            )
            print(process.stdout.decode().strip())


if __name__ == "__main__":
    print("Python %d.%d.%d, pid %d:" % (tuple(sys.version_info[:3]) + (os.getpid(),)), end=" ")
    main()
