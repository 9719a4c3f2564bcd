"""Writes the lines of spans.jsonl: what opentelemetry-python makes of the
spans that spandump_test.go builds as well.

    pip install opentelemetry-sdk==1.39.1
    python spans.py > spans.jsonl
"""

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

RESOURCE = Resource(
    {"service.name": "shop", "process.pid": 42, "aws.log.group.names": ["a", "b"]},
    "https://opentelemetry.io/schemas/1.37.0",
)
START, END = 1700000000123456000, 1700000001000000000


def context(trace_id, span_id, *state):
    return SpanContext(trace_id, span_id, True, TraceFlags(1), TraceState(state))


def span(name, **more):
    fields = dict(
        name=name,
        context=context(0x0102030405060708090A0B0C0D0E0F10, 0x1112131415161718),
        kind=SpanKind.INTERNAL,
        start_time=START,
        end_time=END,
        attributes={},  # never None, when a tracer makes the span
        resource=RESOURCE,
    )
    fields.update(more)
    print(ReadableSpan(**fields).to_json(indent=None))


span("a root")
span("a child", parent=context(0x0102030405060708090A0B0C0D0E0F10, 0x2122232425262728))
span("not ended", start_time=None, end_time=None)
for kind in (SpanKind.SERVER, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER):
    span("a kind", kind=kind)
span("well done", status=Status(StatusCode.OK))
span("failed", status=Status(StatusCode.ERROR, "ValueError: \u00e4"))
span("failed without a word", status=Status(StatusCode.ERROR))
span(
    "trace state",
    context=context(1, 2, ("a", "b"), ("vendor@x", "it's"), ("c", "say \"hi\" it's\\")),
)
span(
    "strings",
    attributes={
        "quote": "\"\\/",
        "controls": "".join(map(chr, range(32))) + "\x7f",
        "languages": "\u00e9 \u5bf8 \U0001f600 \u2028",
        "html": "</>&'",
        "": "",
    },
)
span(
    "numbers",
    attributes={
        "true": True,
        "false": False,
        "int": -1,
        "big": 2**63 - 1,
        "whole": 1.0,
        "negative zero": -0.0,
        "third": 1 / 3,
        "up to": 999999999999999.9,
        "up to 1e16": 1e15,
        "from": 1e16,
        "below": 123456789012345680.0,
        "small": 0.0001,
        "smaller": 0.00001,
        "huge": 1.5e300,
        "nan": float("nan"),
        "inf": float("inf"),
        "-inf": -float("inf"),
    },
)
span("lists", attributes={"strings": ["a", "b"], "ints": [1, 2], "floats": [1.0, 0.5], "bools": [True], "none": []})
span(
    "events",
    events=[
        Event("one", {}, timestamp=START),
        Event("exception", {"exception.type": "ValueError", "exception.message": "no"}, timestamp=END),
    ],
)
span("links", links=[Link(context(3, 4, ("k", "v")), {"n": 1}), Link(context(5, 6), {})])
