"""What is kept, which ids it has, and what crosses the wire. Names such as C7 and D8 are the
rows of the behavioural specification."""

import enum
import marshal
import os
import unittest

import here
from lumigo_opentelemetry import _handover, _tracing
from lumigo_opentelemetry._tracing import CLIENT, CONSUMER, INTERNAL, SERVER

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
PARENT = "00-%s-%s-01" % (TRACE, SPAN)


def extract(**headers):
    lowered = {name.replace("_", "-"): value for name, value in headers.items()}
    return _tracing.extract(lowered.get)


def inject(span):
    headers = {}
    _tracing.inject(headers.__setitem__, span)
    return headers


class TracingTest(unittest.TestCase):
    def setUp(self):
        here.reset()
        self.addCleanup(here.reset)


class EndpointFilter(TracingTest):
    def test_which_spans_are_dropped(self):
        orders, matches, other = {"url.path": "/orders"}, [".*orders.*"], [".*no-match.*"]
        outside, foo = {"url.full": "https://foo.bar"}, ["foo"]
        rows = [
            ("C1 only the server filter matches a server", SERVER, orders, dict(server=matches), False),
            ("C2 only the client filter matches a server", SERVER, orders, dict(client=matches), True),
            ("C3 the general filter matches a server", SERVER, orders, dict(general=matches), False),
            ("C4 only the server filter matches a client", CLIENT, outside, dict(server=foo), True),
            ("C5 the client filter matches a client", CLIENT, outside, dict(client=foo), False),
            ("C6 the general filter matches a client", CLIENT, outside, dict(general=foo), False),
            ("C7 a general regex found in the path", SERVER, orders, dict(general=matches), False),
            ("C8 a general regex not found", SERVER, orders, dict(general=other), True),
            ("C20 internal spans are never filtered", INTERNAL, dict(orders, **outside), dict(general=[".*"]), True),
            ("C20 nor are those without an endpoint", SERVER, {}, dict(general=[".*"]), True),
            ("a specific filter does not replace the general", SERVER, orders, dict(server=other, general=matches), False),
            ("case matters", SERVER, {"url.path": "/Orders"}, dict(general=["orders"]), True),
        ]
        for name, kind, attributes, filters, kept in rows:
            with self.subTest(name):
                here.reset(filters=filters)
                self.assertEqual(kept, bool(_tracing.start_span("x", kind, dict(attributes)).recording))

    def test_a_regex_is_searched_for(self):
        rows = [
            ("C9 empty in empty", "", "", False),
            ("C9 an empty regex matches nothing", "", "a", False),
            ("C9 nothing matches an empty endpoint", "a", "", False),
            ("C9 another letter", "a", "b", False),
            ("C9 invalid regex, empty endpoint", "[", "", False),
            ("C9 invalid regex", "[", "[", False),
            ("C10 itself", "a", "a", True),
            ("C10 a word", "word", "a sentence with a word in it", True),
            ("C10 a word between wildcards", ".*word.*", "a sentence with a word in it", True),
            ("C10 the whole", "^a sentence$", "a sentence", True),
            ("C11 a word is not the whole", "^word$", "a sentence with a word in it", False),
        ]
        for name, regex, endpoint, found in rows:
            with self.subTest(name), here.Lines():
                here.reset(filters={"general": [regex]})
                span = _tracing.start_span("x", CLIENT, {"url.full": endpoint})
                self.assertEqual(found, not span.recording)

    def test_an_invalid_regex_costs_one_warning(self):
        with here.Lines() as lines:
            here.reset(filters={"general": ["[", "ok"]})
            for _ in range(3):
                _tracing.start_span("x", SERVER, {"url.path": "/a"})
        self.assertEqual([("WARNING", "Invalid regex: [")], lines)

    def test_backslashes_are_taken_as_they_come(self):
        """C14: JSON has been decoded by the engine; nothing is unescaped again."""
        here.reset(filters={"client": [r"https:\/\/a\.b\/c"]})
        self.assertFalse(_tracing.start_span("x", CLIENT, {"url.full": "https://a.b/c"}).recording)
        self.assertTrue(_tracing.start_span("x", CLIENT, {"url.full": "https://aXb/c"}).recording)

    def test_which_endpoint_is_looked_at(self):
        all_four = {"url.path": "/p", "http.target": "/t", "url.full": "https://f", "http.url": "https://u"}
        rows = [
            ("C15 path before target", SERVER, {"url.path": "/search", "http.target": "/about"}, "/search"),
            ("C16 target alone", SERVER, {"http.target": "/about"}, "/about"),
            ("C17 full before url", CLIENT, {"url.full": "https://a/1", "http.url": "https://a/2"}, "https://a/1"),
            ("C18 url alone", CLIENT, {"http.url": "/about"}, "/about"),
            (
                "C19 a server's url without its authority",
                SERVER,
                {"http.url": "https://www.foo.bar/search?q=OpenTelemetry#SemConv"},
                "/search?q=OpenTelemetry#SemConv",
            ),
            ("C20 other kinds have none", INTERNAL, all_four, None),
            ("C20 none to be had", CLIENT, {}, None),
            ("a path that begins with two slashes", SERVER, {"http.target": "//host/path"}, "/path"),
            ("a path with an address in its query", SERVER, {"url.path": "/go?to=https://x/y"}, "/go?to=https://x/y"),
        ]
        for name, kind, attributes, endpoint in rows:
            with self.subTest(name):
                self.assertEqual(endpoint, _tracing.endpoint_of(kind, attributes))

    def test_children_of_a_dropped_request_are_dropped(self):
        here.reset(filters={"server": ["health"]})
        request = _tracing.start_span("x", SERVER, {"url.path": "/health"})
        child = _tracing.start_span("y", CLIENT, {"url.full": "https://a"}, request)
        self.assertFalse(child.recording)
        self.assertTrue(inject(child)["traceparent"].endswith("-00"))


class Sampling(TracingTest):
    HIGH = "f" * 32

    def test_samplers(self):
        sampled, unsampled = extract(traceparent=PARENT), extract(traceparent=PARENT[:-1] + "0")
        high = extract(traceparent="00-%s-%s-01" % (self.HIGH, SPAN))
        rows = [
            ("parentbased_always_on", 1.0, None, True),
            ("parentbased_always_on", 1.0, unsampled, False),  # a suppressed parent, flags 00
            ("parentbased_always_off", 1.0, None, False),
            ("parentbased_always_off", 1.0, sampled, True),
            ("always_on", 1.0, unsampled, True),
            ("always_off", 1.0, sampled, False),
            ("traceidratio", 0.0, None, False),
            ("traceidratio", 1.0, None, True),
            ("traceidratio", 0.5, high, False),
            ("parentbased_traceidratio", 0.5, high, True),
            ("parentbased_traceidratio", 0.0, None, False),
        ]
        for name, ratio, remote, kept in rows:
            with self.subTest("%s %s below %s" % (name, ratio, remote and remote.flags)):
                here.reset(sampler=(name, ratio))
                self.assertEqual(kept, bool(_tracing.start_span("x", SERVER, remote=remote).recording))

    def test_a_ratio_keeps_its_share(self):
        here.reset(sampler=("traceidratio", 0.25))
        kept = sum(bool(_tracing.start_span("x", parent=None).recording) for _ in range(4000))
        self.assertTrue(800 < kept < 1200, kept)


class Identity(TracingTest):
    def tearDown(self):
        os.environ.pop("_X_AMZN_TRACE_ID", None)

    def test_lambda_trace_ids(self):
        good = "bd862e3fe1be46a99427279300000000"
        rows = [
            ("D7 the id of the invocation", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", good),
            ("D7 in any case and place", "Sampled=1; root=1-5759E988-BD862E3FE1BE46A994272793", good),
            ("D8 no root", "Sampled=1", None),
            ("D8 too short", "Root=1-5759e988-bd862e3fe1be46", None),
            ("D8 not hexadecimal", "Root=1-5759e988-zd862e3fe1be46a994272793", None),
            ("D8 empty", "", None),
            ("D8 unset", None, None),
        ]
        for name, header, expected in rows:
            with self.subTest(name):
                os.environ.pop("_X_AMZN_TRACE_ID", None)
                if header is not None:
                    os.environ["_X_AMZN_TRACE_ID"] = header
                span = _tracing.start_span("x", parent=None)
                self.assertEqual(16, len(span.trace_id))
                if expected:
                    self.assertEqual(expected, span.trace_id.hex())
                else:
                    self.assertNotEqual(span.trace_id, _tracing.start_span("x", parent=None).trace_id)

    def test_the_lambda_id_is_read_for_each_new_trace(self):
        for unique in ("a" * 24, "b" * 24):
            os.environ["_X_AMZN_TRACE_ID"] = "Root=1-5759e988-" + unique
            self.assertEqual(unique + "0" * 8, _tracing.start_span("x", parent=None).trace_id.hex())

    def test_ids_do_not_repeat(self):
        ids = {_tracing.start_span("x", parent=None).span_id for _ in range(10000)}
        self.assertEqual(10000, len(ids))

    @unittest.skipUnless(hasattr(os, "fork"), "no fork")
    def test_a_child_has_ids_of_its_own(self):
        def ids():
            return {_tracing.start_span("x", parent=None).span_id.hex() for _ in range(100)}

        _tracing.start_span("x")  # others are made in advance
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.write(writer, " ".join(ids()).encode())
            finally:
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as child:
            others = set(child.read().split())
        os.waitpid(pid, 0)
        self.assertEqual(100, len(others))
        self.assertEqual(set(), others & ids())



class Propagation(TracingTest):
    def test_traceparent(self):
        rows = [
            ("as the standard has it", PARENT, True),
            ("not sampled", PARENT[:-1] + "0", True),
            ("spaces around", "  %s\t" % PARENT, True),
            ("a later version", "cc" + PARENT[2:], True),
            ("a later version with more fields", "cc" + PARENT[2:] + "-what-comes", True),
            ("version 00 with more fields", PARENT + "-x", False),
            ("version ff", "ff" + PARENT[2:], False),
            ("upper case", PARENT.upper(), False),
            ("trace id all zero", "00-%s-%s-01" % ("0" * 32, SPAN), False),
            ("span id all zero", "00-%s-%s-01" % (TRACE, "0" * 16), False),
            ("not hexadecimal", "00-%s-%s-01" % ("g" * 32, SPAN), False),
            ("a space within", "00-%s-%s-01" % (" " + TRACE[1:], SPAN), False),
            ("too short", PARENT[:-1], False),
            ("empty", "", False),
            ("something else", "hello", False),
        ]
        for name, header, valid in rows:
            with self.subTest(name):
                context = extract(traceparent=header)
                self.assertEqual(valid, context is not None)
                if valid:
                    self.assertEqual((TRACE, SPAN), (context.trace_id.hex(), context.span_id.hex()))

    def test_tracestate(self):
        many = ",".join("k%d=v" % i for i in range(33))
        rows = [
            ("passed on", "a=1,b=2", "a=1,b=2"),
            ("spaces and empty members", " a=1 , ,b=2,", "a=1,b=2"),
            ("multi-tenant key", "t@vendor=x", "t@vendor=x"),
            ("too many members", many, None),
            ("a key twice", "a=1,a=2", None),
            ("upper-case key", "A=1", None),
            ("no value", "a", None),
            ("not printable", "a=\x01", None),
        ]
        for name, header, expected in rows:
            with self.subTest(name):
                context = extract(traceparent=PARENT, tracestate=header)
                self.assertEqual(expected, context.trace_state)
                self.assertEqual(expected, inject(_tracing.start_span("x", remote=context)).get("tracestate"))

    def test_baggage_passes_through(self):
        span = _tracing.start_span("x", SERVER, remote=extract(traceparent=PARENT, baggage="a=1;p,b=%20"))
        child = _tracing.start_span("y", CLIENT, parent=span)
        self.assertEqual("a=1;p,b=%20", inject(child)["baggage"])
        self.assertEqual(TRACE, child.trace_id.hex())

    def test_baggage_without_a_trace_goes_with_a_new_one(self):
        span = _tracing.start_span("x", SERVER, remote=extract(baggage="a=1"))
        self.assertIsNone(span.parent_id)
        self.assertEqual("a=1", inject(span)["baggage"])

    def test_b3(self):
        rows = [
            ("single header", ["b3"], dict(b3="%s-%s-1" % (TRACE, SPAN)), 1),
            ("not sampled", ["b3"], dict(b3="%s-%s-0" % (TRACE, SPAN)), 0),
            ("debug", ["b3"], dict(b3="%s-%s-d" % (TRACE, SPAN)), 1),
            ("no decision", ["b3"], dict(b3="%s-%s" % (TRACE, SPAN)), 1),
            ("with the parent's id", ["b3"], dict(b3="%s-%s-1-%s" % (TRACE, SPAN, SPAN)), 1),
            ("only a decision", ["b3"], dict(b3="0"), None),
            ("several headers", ["b3multi"], dict(x_b3_traceid=TRACE, x_b3_spanid=SPAN, x_b3_sampled="1"), 1),
            ("several, not sampled", ["b3multi"], dict(x_b3_traceid=TRACE, x_b3_spanid=SPAN, x_b3_sampled="0"), 0),
            ("several, debug", ["b3multi"], dict(x_b3_traceid=TRACE, x_b3_spanid=SPAN, x_b3_flags="1"), 1),
            ("nothing", ["b3multi"], {}, None),
            ("another propagator's", ["b3"], dict(traceparent=PARENT), None),
        ]
        for name, propagators, headers, flags in rows:
            with self.subTest(name):
                here.reset(propagators=propagators)
                context = extract(**headers)
                self.assertEqual(flags, context and context.flags)

    def test_b3_short_trace_ids_are_padded(self):
        here.reset(propagators=["b3"])
        self.assertEqual("0" * 16 + TRACE[:16], extract(b3="%s-%s-1" % (TRACE[:16], SPAN)).trace_id.hex())

    def test_every_propagator_writes_what_it_reads(self):
        for name in ("tracecontext", "b3", "b3multi"):
            with self.subTest(name):
                here.reset(propagators=[name])
                span = _tracing.start_span("x", CLIENT)
                headers = inject(span)
                self.assertTrue(all(header == header.lower() for header in headers))
                context = _tracing.extract(headers.get)
                self.assertEqual((span.trace_id, span.span_id, 1), (context.trace_id, context.span_id, context.flags))

    def test_none_writes_nothing(self):
        here.reset(propagators=[])
        self.assertEqual({}, inject(_tracing.start_span("x")))

    def test_signed_requests_are_recognised(self):
        """D13: a header added to these would break AWS's signature."""
        self.assertTrue(_tracing.signed(["Host", "X-Amz-Content-Sha256"]))
        self.assertTrue(_tracing.signed([b"x-amz-content-sha256"]))
        self.assertFalse(_tracing.signed(["Host"]))


class Colour(enum.IntEnum):
    RED = 1


class Text(str):
    pass


class Unprintable:
    def __str__(self):
        raise ValueError("no")


class Records(TracingTest):
    def ended(self, span):
        span.end()
        records = [marshal.loads(data) for data in _handover.spans]
        return records[-1] if records else None

    def setUp(self):
        super().setUp()
        here.keep(self)

    def test_a_record_has_the_contract_s_form(self):
        request = _tracing.start_span("GET /", SERVER, {"url.path": "/"}, remote=extract(traceparent=PARENT))
        started = marshal.loads(_handover.notes[0])
        request.add_event("seen", {"a": 1}, 5)
        request.add_link(extract(traceparent=PARENT), {"l": 1})
        request.set_status(_tracing.ERROR, "bad")
        record = self.ended(request)
        ids = (bytes.fromhex(TRACE), request.span_id, bytes.fromhex(SPAN))
        self.assertEqual((1,) + ids + (1, None, "GET /", 2, request.start_ns), started[:9])
        self.assertEqual([0, *ids, 1, None, "GET /", 2, request.start_ns, request.end_ns], record[:10])
        self.assertEqual([2, "bad", "lumigo_opentelemetry", {"url.path": "/"}], record[10:14])
        self.assertEqual([(5, "seen", {"a": 1})], record[14])
        self.assertEqual([(bytes.fromhex(TRACE), bytes.fromhex(SPAN), 1, None, {"l": 1})], record[15])
        self.assertEqual(17, len(record))

    def test_only_requests_and_messages_that_begin_here_are_announced(self):
        request = _tracing.start_span("x", SERVER)
        for kind in (INTERNAL, CLIENT, SERVER, CONSUMER):
            _tracing.start_span("y", kind, parent=request)
        _tracing.start_span("z", CLIENT, parent=None)
        self.assertEqual(1, len(_handover.notes))
        _tracing.start_span("z", CONSUMER, parent=None)
        self.assertEqual(2, len(_handover.notes))

    def test_ending_twice_hands_over_once(self):
        span = _tracing.start_span("x")
        span.end(span.start_ns + 1)
        span.set_attribute("late", 1)
        span.end()
        self.assertEqual(1, len(_handover.spans))
        self.assertEqual(span.start_ns + 1, marshal.loads(_handover.spans[0])[9])

    def test_values_that_marshal_does_not_know(self):
        given = {
            "enum": Colour.RED, "text": Text("t"), "bytes": bytearray(b"b"), "object": Unprintable(), "set": {1},
            "nested": {"deep": [Colour.RED, (Text("x"),)]}, "surrogate": "\ud800", "huge": 1 << 200, "nan": 0.5,
            Colour.RED: "key",
        }  # fmt: skip
        attributes = self.ended(_tracing.start_span("x", attributes=given))[13]
        expected = {
            "enum": 1, "text": "t", "bytes": b"b", "object": "<Unprintable>", "set": [1],
            "nested": {"deep": [1, ("x",)]}, "surrogate": "\ud800", "huge": str(1 << 200), "nan": 0.5, 1: "key",
        }  # fmt: skip
        self.assertEqual(expected, attributes)

    def test_a_value_that_contains_itself(self):
        loop = []
        loop.append(loop)
        record = self.ended(_tracing.start_span("x", attributes={"loop": loop, "a": 1}))
        self.assertEqual(1, record[13]["a"])

    def test_oversize_records_shrink_into_a_frame(self):
        rows = [
            ("one long text", {"a": "x" * 1000000, "b": 1}),
            ("many long texts", {"k%d" % i: "x" * 5000 for i in range(100)}),
            ("a long list", {"a": list(range(1000000)), "b": 1}),
            ("a long body", {"a": (b"x" * 1000000, True), "b": 1}),
        ]
        for name, attributes in rows:
            with self.subTest(name):
                del _handover.spans[:]
                record = self.ended(_tracing.start_span("kept", attributes=dict(attributes)))
                self.assertLessEqual(len(_handover.spans[0]), _handover.MAX_RECORD)
                self.assertEqual("kept", record[6])
                self.assertEqual(set(attributes), set(record[13]))

    def test_a_body_that_is_cut_has_no_gaps(self):
        """Where a part of it were missing, a secret could have lost the name that it is known by."""
        parts = [b"%04d" % number * 5000 for number in range(10)]
        record = self.ended(_tracing.start_span("kept", attributes={"http.request.payload": parts}))
        kept, more = record[13]["http.request.payload"]
        self.assertTrue(b"".join(parts).startswith(kept))
        self.assertTrue(more)

    def test_marks_of_a_body_survive_its_cut(self):
        """True: there was more. False: a library has unpacked it."""
        for marks in ([], [True], [False], [True, False]):
            attributes = {"http.request.payload": [b"a", b"b"] + marks, "unknown to marshal": object()}
            record = self.ended(_tracing.start_span("x", attributes=attributes))
            self.assertEqual([b"ab"] + marks, record[13]["http.request.payload"])

    def test_nothing_makes_an_endless_record(self):
        events = [(1, "e" * 300, {"k": "v" * 300})] * 2000
        span = _tracing.start_span("kept")
        span.events = events
        record = self.ended(span)
        self.assertLessEqual(len(_handover.spans[0]), _handover.MAX_RECORD)
        self.assertEqual("kept", record[6])

    def test_limits_are_counted(self):
        here.reset(event_count=1, link_count=0)
        span = _tracing.start_span("x")
        for name in ("one", "two", "three"):
            span.add_event(name)
        span.add_link(extract(traceparent=PARENT))
        record = self.ended(span)
        self.assertEqual(1, len(record[14]))
        self.assertEqual((0, 2, 1), record[16])

    def test_thousands_of_attributes_do_not_cost_the_first(self):
        """Of others, the engine counts."""
        here.reset(attribute_count=2)
        many = {"key %d" % number: "v" * 300 for number in range(2000)}
        for odd in ({}, {"unknown to marshal": object()}):
            record = self.ended(_tracing.start_span("x", attributes={"a": 1, "b": 2, **many, **odd}))
            self.assertEqual({"a": 1, "b": 2}, record[13])
            self.assertEqual((2000 + len(odd), 0, 0), record[16])

    def test_exceptions(self):
        span = _tracing.start_span("x")
        try:
            raise KeyError("k")
        except KeyError as err:
            span.record_exception(err)
        record = self.ended(span)
        name, attributes = record[14][0][1:]
        self.assertEqual(("exception", "KeyError", "'k'"), (name, attributes["exception.type"], attributes["exception.message"]))
        self.assertIn("test_exceptions", attributes["exception.stacktrace"])
        self.assertEqual((2, "'k'", "KeyError"), (record[10], record[11], record[13]["error.type"]))

    def test_an_exception_that_cannot_be_printed(self):
        class Odd(Exception):
            def __str__(self):
                raise RuntimeError("no")

        span = _tracing.start_span("x")
        span.record_exception(Odd())
        self.assertIn("cannot be printed", self.ended(span)[11])

    def test_spans_not_recorded_take_everything_and_hand_over_nothing(self):
        with _tracing.suppress():
            span = _tracing.start_span("x")
            self.assertEqual({}, inject(span))
        span.set_attribute("a", 1)
        span.add_event("e")
        span.record_exception(ValueError())
        self.assertIsNone(self.ended(span))


class Context(TracingTest):
    def test_the_current_span_is_the_parent(self):
        outer = _tracing.start_span("outer")
        token = _tracing.activate(outer)
        inner = _tracing.start_span("inner")
        self.assertEqual((outer.trace_id, outer.span_id), (inner.trace_id, inner.parent_id))
        _tracing.deactivate(token)
        self.assertIsNone(_tracing.current_span())

    def test_a_remote_context_counts_only_where_nothing_is_current(self):
        remote = extract(traceparent=PARENT)
        self.assertEqual(TRACE, _tracing.start_span("x", remote=remote).trace_id.hex())
        token = _tracing.activate(_tracing.start_span("outer", parent=None))
        self.addCleanup(_tracing.deactivate, token)
        self.assertNotEqual(TRACE, _tracing.start_span("x", remote=remote).trace_id.hex())

    def test_a_token_from_elsewhere_is_let_go(self):
        import contextvars

        token = contextvars.copy_context().run(_tracing.activate, _tracing.start_span("x"))
        _tracing.deactivate(token)
        _tracing.deactivate(token)
        _tracing.deactivate(None)

    def test_a_span_long_ended_is_no_parent(self):
        old = _tracing.start_span("old")
        token = _tracing.activate(old)
        self.addCleanup(_tracing.deactivate, token)
        old.end()
        self.assertEqual(old.trace_id, _tracing.start_span("soon after").trace_id)
        later = old.end_ns + _tracing.STALE_NS + 1
        self.assertNotEqual(old.trace_id, _tracing.start_span("an hour later", start=later).trace_id)


class CaptureTest(unittest.TestCase):
    def test_what_is_kept(self):
        rows = [
            ("nothing", 4, [], []),
            ("less than fits", 4, [b"ab", b"c"], [b"ab", b"c"]),
            ("exactly what fits", 4, [b"ab", b"cd"], [b"ab", b"cd"]),
            ("more in one piece", 4, [b"abcdef"], [b"abcd", True]),
            ("more in a later piece", 4, [b"abc", b"de", b"f"], [b"abc", b"d", True]),
            ("more when it is full", 4, [b"abcd", b"e"], [b"abcd", b"", True]),
            ("empty pieces", 4, [b"", b"abcd", b""], [b"abcd"]),
            ("other kinds of bytes", 4, [bytearray(b"ab"), memoryview(b"cde")], [b"ab", b"cd", True]),
            ("nothing is to be kept", 0, [b"a", b""], []),
        ]
        for name, limit, pieces, expected in rows:
            with self.subTest(name):
                capture = _tracing.Capture(limit)
                for piece in pieces:
                    capture.write(piece)
                self.assertEqual(expected, capture.parts)


if __name__ == "__main__":
    unittest.main()
