"""The names that the original distro offers, and what they say when they are misused."""

import unittest

from fake_engine import FakeEngine

PRELUDE = """
import lumigo_opentelemetry
from lumigo_opentelemetry import _tracing
from lumigo_opentelemetry import add_execution_tags, create_programmatic_error, lumigo_wrapped, tracer_provider
def span(name="x"):
    span = _tracing.start_span(name); span.end(); return span
"""


class ApiTest(unittest.TestCase):
    def run_app(self, code, **environ):
        with FakeEngine() as engine:
            status, out, err = engine.run(PRELUDE + code, **environ)
            self.assertEqual(0, status, err)
            self.err = [line.split(" - ", 2)[2] for line in err.splitlines()[1:]]
            self.spans = engine.spans()
            return out

    def attributes(self):
        return [span["attributes"] for span in self.spans]

    def test_the_module_offers_them(self):
        out = self.run_app(
            "print(all(hasattr(lumigo_opentelemetry, name) for name in lumigo_opentelemetry.__all__))\n"
            "print(lumigo_opentelemetry.init() == lumigo_opentelemetry.init(), lumigo_opentelemetry.logger_provider)\n"
            "print(hasattr(lumigo_opentelemetry, 'other'))\n"
        )
        self.assertEqual("True\nTrue None\nFalse\n", out)  # A12

    def test_the_logger_is_made_when_asked_for(self):
        out = self.run_app(
            "import sys; lumigo_opentelemetry.logger.warning('beside'); print(lumigo_opentelemetry.logger.name)"
        )
        self.assertEqual("lumigo-opentelemetry\n", out)
        self.assertEqual(["WARNING - beside"], self.err)

    # --- D10: execution tags ---

    def test_tags_mark_what_starts_afterwards(self):
        self.run_app(
            "outer = _tracing.start_span('outer'); _tracing.activate(outer)\n"
            "add_execution_tags({'a': 'b', 'n': 1, 't': (1, 2)}); span(); add_execution_tags({'a': 'c'}); span(); outer.end()"
        )
        prefix = "lumigo.execution_tags."
        first = {prefix + "a": "b", prefix + "n": 1, prefix + "t": [1, 2]}
        self.assertEqual([first, dict(first, **{prefix + "a": "c"}), {}], self.attributes())

    def test_tags_of_the_current_span_only(self):
        self.run_app(
            "add_execution_tags({'early': 'x'}, only_current_span=True)\n"
            "outer = _tracing.start_span('outer'); _tracing.activate(outer)\n"
            "add_execution_tags({'a': 'b'}, only_current_span=True); span(); outer.end()"
        )
        self.assertEqual([{}, {"lumigo.execution_tags.a": "b"}], self.attributes())
        self.assertEqual(["WARNING - No active span to add execution tags to"], self.err)

    def test_tags_stay_in_their_context(self):
        self.run_app("import contextvars\ncontextvars.copy_context().run(add_execution_tags, {'a': 'b'}); span()")
        self.assertEqual([{}], self.attributes())

    def test_tags_that_are_none(self):
        none = "ERROR - No valid execution tags to add"
        key = "ERROR - Execution tag key must be a string and cannot be empty or whitespace: "
        rows = [
            ("not a dictionary", "[('a', 'b')]", ["ERROR - Execution tags must be a dictionary"]),
            ("empty", "{}", [none]),
            ("a key that is no string", "{1: 'x'}", [key + "'1' (type: <class 'int'>)", none]),
            ("a blank key", "{' ': 'x'}", [key + "' ' (type: <class 'str'>)", none]),
            ("a blank value", "{'k': ' '}", ["ERROR - Empty or whitespace execution tag value: 'k', ' '", none]),
            ("an empty list", "{'k': []}", ["ERROR - Empty array/tuple execution tag value: 'k'", none]),
            ("an empty tuple", "{'k': ()}", ["ERROR - Empty array/tuple execution tag value: 'k'", none]),
        ]
        for name, tags, expected in rows:
            with self.subTest(name):
                self.run_app("add_execution_tags(%s); span()" % tags)
                self.assertEqual(expected, self.err)
                self.assertEqual([{}], self.attributes())

    def test_the_valid_among_the_invalid_count(self):
        self.run_app("add_execution_tags({'a': 'b', '': 'x', 'c': ''}); span()")
        self.assertEqual([{"lumigo.execution_tags.a": "b"}], self.attributes())
        self.assertEqual(2, len(self.err))

    def test_tags_of_a_span_that_fails(self):
        self.run_app(
            "add_execution_tags({'a': 'b'})\ntry:\n    with tracer_provider.get_tracer('t').start_as_current_span('x'): 1 / 0\n"
            "except ZeroDivisionError: pass"
        )
        self.assertEqual("b", self.attributes()[0]["lumigo.execution_tags.a"])
        self.assertEqual(2, self.spans[0]["status"])

    # --- D11, D12 ---

    def test_a_programmatic_error_is_an_event(self):
        self.run_app(
            "create_programmatic_error('nowhere', 't')\nouter = _tracing.start_span('outer'); _tracing.activate(outer)\n"
            "create_programmatic_error('msg', 'type'); outer.end()"
        )
        self.assertEqual([("msg", {"lumigo.type": "type"})], [event[1:] for event in self.spans[0]["events"]])
        self.assertEqual(0, self.spans[0]["status"])

    def test_a_wrapped_function(self):
        out = self.run_app(
            "@lumigo_wrapped\ndef f(a, b=1):\n    'Theirs.'\n    a.append(3)\n    return {'sum': b}\n"
            "print(f([1, 2], b=2), f.__name__, f.__doc__)\n"
            "@lumigo_wrapped\ndef fails(): raise KeyError('k')\n"
            "try: fails()\nexcept KeyError: print('raised')"
        )
        self.assertEqual("{'sum': 2} f Theirs.\nraised\n", out)
        works, fails = self.spans
        self.assertEqual(("LumigoRoot", "lumigo", 1), (works["name"], works["scope"], works["kind"]))
        self.assertEqual({"input_args": [[1, 2]], "input_kwargs": {"b": 2}, "return_value": {"sum": 2}}, works["attributes"])
        self.assertEqual(2, fails["status"])
        self.assertEqual("exception", fails["events"][0][1])
        self.assertNotIn("return_value", fails["attributes"])

    def test_wrapped_coroutine_functions(self):
        out = self.run_app(
            "import asyncio, inspect\n"
            "@lumigo_wrapped\nasync def f(a):\n    await asyncio.sleep(0)\n    span()\n    return a + 1\n"
            "tracer = tracer_provider.get_tracer('mine')\n"
            "@tracer.start_as_current_span('mine')\nasync def g():\n    span()\n"
            "async def main(): print(await f(1), await g())\n"
            "print(inspect.iscoroutinefunction(f), inspect.iscoroutinefunction(g)); asyncio.run(main())"
        )
        self.assertEqual("True True\n2 None\n", out)
        inner, outer, second, mine = self.spans
        self.assertEqual(({"input_args": [1], "input_kwargs": {}, "return_value": 2}), outer["attributes"])
        self.assertEqual((inner["parent_id"], second["parent_id"]), (outer["span_id"], mine["span_id"]))

    def test_a_wrapped_function_where_tracing_is_off(self):
        out = self.run_app("print(lumigo_wrapped(max)(1, 2), tracer_provider.force_flush())", LUMIGO_SWITCH_OFF="true")
        self.assertEqual("2 True\n", out)

    # --- tracers ---

    def test_simple_manual_spans(self):
        out = self.run_app(
            "tracer = tracer_provider.get_tracer('mine', '1.0')\n"
            "with tracer.start_as_current_span('outer', attributes={'a': 1}) as outer:\n"
            "    inner = tracer.start_span('inner'); inner.end()\n"
            "@tracer.start_as_current_span('decorated')\ndef f(x): return x\nprint(f(1), f(2), f.__name__)"
        )
        self.assertEqual("1 2 f\n", out)
        self.assertEqual(["inner", "outer", "decorated", "decorated"], [span["name"] for span in self.spans])
        self.assertEqual(self.spans[1]["span_id"], self.spans[0]["parent_id"])
        self.assertEqual({"mine"}, {span["scope"] for span in self.spans})

    # --- J: AWS Lambda ---

    LAMBDA = """
import os, types
class Context:
    function_name, aws_request_id = "fn", "request-1"
    def get_remaining_time_in_millis(self): return %s
@lumigo_opentelemetry.lumigo_instrument_lambda
def handler(event, context):
    add_execution_tags({"inside": "x"}); span("work")
    if event == "fail": raise KeyError("k")
    return event
"""

    def test_a_lambda_handler(self):
        out = self.run_app(
            self.LAMBDA % 10000
            + "print(handler({'q': 1}, Context())); print(os.environ['OTEL_INSTRUMENTATION_AWS_LAMBDA_FLUSH_TIMEOUT'])\n"
            "print(handler(None, Context()))\ntry: handler('fail', Context())\nexcept KeyError: print('raised')\nspan('after')"
        )
        self.assertEqual("{'q': 1}\n9000\nNone\nraised\n", out)
        work, first, _, null, _, failed, after = self.spans
        self.assertEqual(
            {
                "faas.event": {"q": 1}, "faas.name": "fn", "faas.execution": "request-1", "faas.return_value": {"q": 1},
                "faas.invocation_id": "request-1", "faas.trigger": "other", "faas.coldstart": True,
            },
            first["attributes"],
        )
        self.assertEqual("null", null["attributes"]["faas.return_value"])
        self.assertIs(False, null["attributes"]["faas.coldstart"])
        self.assertEqual(2, failed["status"])
        self.assertEqual({"lumigo.execution_tags.inside": "x"}, work["attributes"])
        self.assertEqual({}, after["attributes"])

    def test_lambda_flush_timeouts(self):
        rows = [
            ("nine tenths of what is left", "1000", {}, "900"),
            ("but ten seconds at most", "900000", {}, "10000"),
            ("no such context", "1 / 0", {}, "1000"),
            ("as the user says", "1000", {"LUMIGO_FLUSH_TIMEOUT": "123"}, "123"),
            ("zero is not a timeout", "1000", {"LUMIGO_FLUSH_TIMEOUT": "0"}, "1000"),
            ("nor is a word", "1000", {"LUMIGO_FLUSH_TIMEOUT": "soon"}, "1000"),
            ("OpenTelemetry's own variable stays", "1000", {"OTEL_INSTRUMENTATION_AWS_LAMBDA_FLUSH_TIMEOUT": "5"}, "5"),
        ]
        for name, left, environ, expected in rows:
            with self.subTest(name):
                code = "handler(1, Context()); print(os.environ['OTEL_INSTRUMENTATION_AWS_LAMBDA_FLUSH_TIMEOUT'])"
                self.assertEqual(expected + "\n", self.run_app(self.LAMBDA % left + code, **environ))

    def test_what_cannot_be_a_handler_is_left_as_it_is(self):
        out = self.run_app(
            "import functools\nf = functools.partial(max, 1)\nprint(lumigo_opentelemetry.lumigo_instrument_lambda(f) is f)"
        )
        self.assertEqual("True\n", out)
        self.assertEqual(1, len(self.err))


if __name__ == "__main__":
    unittest.main()
