"""Apps that use opentelemetry-api, of any version from 1.0 on: run with an interpreter that has it,
and opentelemetry-sdk and opentelemetry-instrumentation-sqlite3 for all of the tests."""

import unittest

from fake_engine import FakeEngine

try:
    import opentelemetry.trace  # noqa: F401

    HAVE_API = True
except ImportError:
    HAVE_API = False
try:
    import opentelemetry.sdk.trace  # noqa: F401

    HAVE_SDK = True
except ImportError:
    HAVE_SDK = False
try:
    import opentelemetry.instrumentation.sqlite3  # noqa: F401

    HAVE_INSTRUMENTATION = True
except ImportError:
    HAVE_INSTRUMENTATION = False

TRACE, SPAN = "ab" * 16, "cd" * 8
PRELUDE = """
import lumigo_opentelemetry
from lumigo_opentelemetry import _tracing
from opentelemetry import baggage, context, propagate, trace
tracer = trace.get_tracer("app.scope", "1.0")
request = _tracing.start_span("GET /", _tracing.SERVER, {}, remote=_tracing.extract(
    {"traceparent": "00-%s-%s-01", "tracestate": "a=1", "baggage": "k=v"}.get))
token = _tracing.activate(request)
def done(): _tracing.deactivate(token); request.end()
""" % (TRACE, SPAN)


class BridgeTest(unittest.TestCase):
    def run_app(self, code, **environ):
        with FakeEngine() as engine:
            status, out, err = engine.run(PRELUDE + code, **environ)
            self.assertEqual(0, status, err)
            self.assertNotIn("WARNING", err)
            self.assertNotIn("Failed", err)
            self.spans = {span["name"]: span for span in engine.spans()}
            self.assertEqual(len(self.spans), len(engine.spans()), "a span came twice")
            return out

    def assert_child(self, child, parent):
        child, parent = self.spans[child], self.spans[parent]
        self.assertEqual((parent["trace_id"], parent["span_id"]), (child["trace_id"], child["parent_id"]))


@unittest.skipUnless(HAVE_API, "NO opentelemetry-api HERE: the bridge has not been tested")
class Bridge(BridgeTest):
    def test_our_span_is_the_current_span_of_the_api(self):
        out = self.run_app(
            """
span = trace.get_current_span()
c = span.get_span_context()
print(span.is_recording(), isinstance(span, trace.Span), span is trace.get_current_span())
print("%032x" % c.trace_id, c.is_valid, c.is_remote, bool(c.trace_flags), c.trace_state.to_header())
span.set_attribute("lumigo.execution_tags.x", "y")
span.set_attributes({"a": 1})
done()
print(trace.get_current_span().get_span_context().is_valid, span.is_recording())
"""
        )
        self.assertEqual("True True True\n%s True False True a=1\nFalse False\n" % TRACE, out)
        self.assertEqual({"lumigo.execution_tags.x": "y", "a": 1}, self.spans["GET /"]["attributes"])

    def test_spans_of_the_app_join_ours_both_ways(self):
        out = self.run_app(
            """
with tracer.start_as_current_span("app", kind=trace.SpanKind.CLIENT, attributes={"b": ["x"]}) as span:
    print(_tracing.current_span().name, trace.get_current_span() is span)
    _tracing.start_span("our client", _tracing.CLIENT).end()
    hook = _tracing.activate(_tracing.start_span("our current"))
    tracer.start_span("below ours").end()
    _tracing.current_span().end(); _tracing.deactivate(hook)
print(_tracing.current_span().name)
done()
"""
        )
        self.assertEqual("app True\nGET /\n", out)
        for child, parent in (("app", "GET /"), ("our client", "app"), ("our current", "app"), ("below ours", "our current")):
            self.assert_child(child, parent)
        self.assertEqual((3, "app.scope", {"b": ["x"]}), tuple(self.spans["app"][k] for k in ("kind", "scope", "attributes")))

    def test_the_whole_of_a_span(self):
        out = self.run_app(
            """
link = trace.Link(trace.get_current_span().get_span_context(), {"l": 1})
span = tracer.start_span("first", links=[link], start_time=1000)
span.update_name("renamed"); span.add_event("event", {"e": 1}, timestamp=5)
span.record_exception(ValueError("v"), {"more": 1}, escaped=True)
span.set_status(trace.Status(trace.StatusCode.ERROR, "bad"))
span.end(end_time=2000)
span.set_attribute("late", 1); span.end()
ok = tracer.start_span("ok"); ok.set_status(trace.Status(trace.StatusCode.OK))
ok.set_status(trace.Status(trace.StatusCode.ERROR, "too late")); ok.end()
done()
"""
        )
        self.assertEqual("", out)
        span = self.spans["renamed"]
        self.assertEqual((1000, 2000, 2, "bad", {}), tuple(span[k] for k in ("start", "end", "status", "message", "attributes")))
        self.assertEqual((5, "event", {"e": 1}), span["events"][0])
        exception = span["events"][1][2]
        keys = ("exception.type", "exception.message", "more", "exception.escaped")
        self.assertEqual(("ValueError", "v", 1, "True"), tuple(exception[key] for key in keys))
        self.assertEqual([(bytes.fromhex(TRACE), self.spans["GET /"]["span_id"], 1, "a=1", {"l": 1})], span["links"])
        self.assertEqual((1, None), (self.spans["ok"]["status"], self.spans["ok"]["message"]))

    def test_exceptions_that_leave_a_span(self):
        out = self.run_app(
            """
for name, options in (("recorded", {}), ("not recorded", dict(record_exception=False, set_status_on_exception=False))):
    try:
        with tracer.start_as_current_span(name, **options): raise KeyError("k")
    except KeyError: print("raised")
try:
    with tracer.start_span("not current"): raise KeyError("k")
except KeyError: print("raised")
@tracer.start_as_current_span("decorated")
def f(): return trace.get_current_span().is_recording()
print(f())
done()
"""
        )
        self.assertEqual("raised\n" * 3 + "True\n", out)
        for name in ("recorded", "not current"):
            span = self.spans[name]
            self.assertEqual((2, "KeyError: 'k'", 1), (span["status"], span["message"], len(span["events"])))
        self.assertEqual((0, None), (self.spans["not recorded"]["status"], self.spans["not recorded"]["events"]))
        self.assert_child("decorated", "GET /")

    def test_contexts_of_the_app(self):
        self.run_app(
            """
tracer.start_span("root", context=context.Context()).end()
remote = propagate.extract({"traceparent": "00-%s-%s-01"})
with tracer.start_as_current_span("remote child", context=remote): pass
attached = context.attach(remote)
_tracing.start_span("our consumer", _tracing.CONSUMER).end()
context.detach(attached)
attached = context.attach(trace.set_span_in_context(trace.get_current_span(), context.Context()))
tracer.start_span("still below the request").end()
context.detach(attached)
done()
""" % ("12" * 16, "34" * 8)
        )
        self.assertIsNone(self.spans["root"]["parent_id"])
        for name in ("remote child", "our consumer"):
            self.assertEqual(("12" * 16, "34" * 8), (self.spans[name]["trace_id"].hex(), self.spans[name]["parent_id"].hex()))
        self.assert_child("still below the request", "GET /")

    def test_propagation_both_ways(self):
        out = self.run_app(
            """
def ours(): headers = {}; _tracing.inject(headers.__setitem__); return headers
def apis(): headers = {}; propagate.inject(headers); return headers
print(ours() == apis(), sorted(ours()))
print(baggage.get_all())
attached = context.attach(baggage.set_baggage("colour", "red"))
print(ours()["baggage"], apis()["baggage"])
context.detach(attached)
print(ours()["baggage"])
done()
"""
        )
        self.assertEqual(
            "True ['baggage', 'traceparent', 'tracestate']\n{'k': 'v'}\nk=v,colour=red k=v,colour=red\nk=v\n", out
        )

    def test_suppression_is_heeded(self):
        out = self.run_app(
            """
for key in ("suppress_instrumentation", getattr(context, "_SUPPRESS_INSTRUMENTATION_KEY", "suppress_instrumentation")):
    attached = context.attach(context.set_value(key, True))
    print(_tracing.suppressed(), end=" ")
    tracer.start_span("quiet").end()
    context.detach(attached)
    print(_tracing.suppressed())
done()
"""
        )
        self.assertEqual("True False\n" * 2, out)
        self.assertEqual(["GET /"], list(self.spans))

    def test_the_provider(self):
        out = self.run_app(
            """
provider = trace.get_tracer_provider()
print(isinstance(provider, getattr(trace, "ProxyTracerProvider", trace.TracerProvider)), provider.force_flush())
provider.shutdown()
done()
"""
        )
        self.assertEqual("True True\n", out)

    def test_an_api_imported_before_us(self):
        with FakeEngine() as engine:
            status, out, err = engine.run(
                "from opentelemetry import trace\nearly = trace.get_tracer('early')\n" + PRELUDE + "tracer.start_span('late').end(); done()"
            )
            self.assertEqual(0, status, err)
            self.assertEqual(["late", "GET /"], [span["name"] for span in engine.spans()])


@unittest.skipUnless(HAVE_SDK, "NO opentelemetry-sdk HERE: apps with their own SDK have not been tested")
class OwnSdk(BridgeTest):
    SDK = """
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
"""

    def test_its_provider_wins_and_its_telemetry_is_undisturbed(self):
        out = self.run_app(
            self.SDK
            + """
print(trace.get_tracer_provider() is provider, trace.get_current_span().get_span_context().is_valid)
with tracer.start_as_current_span("outer"):
    trace.get_tracer("late").start_span("inner").end()
inner, outer = exporter.get_finished_spans()
print(outer.parent, inner.parent.span_id == outer.context.span_id, outer.context.trace_id != int.from_bytes(request.trace_id, "big"))
done()
"""
        )
        self.assertEqual("True False\nNone True True\n", out)

    def test_its_spans_join_our_traces(self):
        self.run_app(
            self.SDK
            + """
attached = context.attach(context.set_value("theirs", 1)); assert _tracing.current_span() is request; context.detach(attached)
with tracer.start_as_current_span("outer", kind=trace.SpanKind.CONSUMER, attributes={"a": 1}) as outer:
    with tracer.start_as_current_span("inner") as inner:
        inner.record_exception(ValueError("v")); inner.set_status(trace.Status(trace.StatusCode.ERROR, "bad"))
        _tracing.start_span("our client", _tracing.CLIENT).end()
assert _tracing.current_span() is request
done()
tracer.start_span("alone").end()
"""
        )
        for child, parent in (("outer", "GET /"), ("inner", "outer"), ("our client", "inner")):
            self.assert_child(child, parent)
        outer, inner = self.spans["outer"], self.spans["inner"]
        self.assertEqual((5, {"a": 1}, "app.scope"), (outer["kind"], outer["attributes"], outer["scope"]))
        self.assertEqual((2, "bad", "exception"), (inner["status"], inner["message"], inner["events"][0][1]))
        self.assertIsNone(self.spans["alone"]["parent_id"])

    def test_what_it_does_not_sample_we_do_not_have(self):
        self.run_app(
            self.SDK.replace("TracerProvider()", "TracerProvider(sampler=ALWAYS_OFF)").replace(
                "\nexporter,", "\nfrom opentelemetry.sdk.trace.sampling import ALWAYS_OFF\nexporter,"
            )
            + "tracer.start_span('unsampled').end(); done()"
        )
        self.assertEqual(["GET /"], list(self.spans))

    def test_our_provider_has_the_sampler_that_airflow_asks_for(self):
        for name, want in (("parentbased_always_on", "True True True"), ("traceidratio", "True False False")):
            out = self.run_app(
                """
provider = trace.get_tracer_provider()
assert not hasattr(provider, "sampler")
from opentelemetry.sdk.trace.sampling import Decision
_tracing.settings.sampler = %r
def kept(trace_id, parent=None):
    return provider.sampler.should_sample(parent, trace_id, "dag_run").decision == Decision.RECORD_AND_SAMPLE
high, ours = 1 << 63, trace.set_span_in_context(trace.NonRecordingSpan(trace.SpanContext(1, 1, True, trace.TraceFlags(1))))
print(kept(1), kept(high), kept(high, ours))
done()
"""
                % ((name, 0.5),)
            )
            self.assertEqual(want + "\n", out)

    def test_a_provider_set_before_us(self):
        with FakeEngine() as engine:
            status, out, err = engine.run("from opentelemetry import trace" + self.SDK + PRELUDE + "tracer.start_span('x').end(); done()")
            self.assertEqual(0, status, err)
            self.assertEqual(["x", "GET /"], [span["name"] for span in engine.spans()])


@unittest.skipUnless(HAVE_INSTRUMENTATION, "NO opentelemetry-instrumentation-sqlite3 HERE: stepping aside has not been tested")
class UpstreamInstrumentation(BridgeTest):
    def test_a_library_traced_twice_is_traced_once(self):
        for order in ("before", "after"):
            with self.subTest("sqlite3 imported %s upstream's instrumentor is active" % order):
                self.run_app(
                    ("import sqlite3\n" if order == "before" else "")
                    + """
from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
SQLite3Instrumentor().instrument()
import sqlite3
connection = sqlite3.connect(":memory:")
connection.cursor().execute("CREATE TABLE t (a)")
done()
"""
                )
                scopes = [span["scope"] for name, span in self.spans.items() if name != "GET /"]
                self.assertEqual(["opentelemetry.instrumentation.sqlite3"], scopes)


if __name__ == "__main__":
    unittest.main()
