import asyncio
import contextvars
import copy
import gc
import inspect
import marshal
import pickle
import unittest

from hooks_support import HookCase
from lumigo_opentelemetry import _amqp, _handover, _kafka, _messaging, _tracing

SENDER = {"traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01"}


def process(message):
    return _messaging.processing({"messaging.system": "test"}, "orders", _messaging.extracted(SENDER))


class Consumer:
    """As clients are: an iterator whose messages never end."""

    def __init__(self):
        self.turn = _messaging.Turn()
        self.count = 0

    def __iter__(self):
        return _messaging.Loop(self, self.turn)

    def __next__(self):
        self.turn.done()
        self.count += 1
        _messaging.begin(self.turn, process, self.count)
        return self.count


class Loops(HookCase):
    def inside(self):
        return _tracing.current_span()

    def test_a_span_lasts_until_the_next_message_is_asked_for(self):
        seen = []
        for _, _ in zip(Consumer(), range(3)):
            seen.append(self.inside())
        self.assertEqual(len(set(map(id, seen))), 3)
        self.assertTrue(all(span.parent_id == b"\xbb" * 8 for span in seen))
        self.assertIsNone(self.inside())
        self.assertEqual(len(self.spans()), 4)  # zip asks for one more

    def test_break_return_and_exceptions_end_the_turn(self):
        consumer = Consumer()

        def returns():
            for message in consumer:
                return message

        def raises():
            for message in consumer:
                raise ValueError(message)

        for _ in consumer:
            break
        self.assertIsNone(self.inside())
        returns()
        self.assertIsNone(self.inside())
        self.assertRaises(ValueError, raises)
        self.assertIsNone(self.inside())
        self.assertEqual([span.name for span in self.spans()], ["process orders"] * 3)

    def test_what_is_current_around_a_loop_is_so_after_it(self):
        outer = _tracing.start_span("outer")
        token = _tracing.activate(outer)
        for _ in Consumer():
            break
        self.assertIs(self.inside(), outer)
        _tracing.deactivate(token)
        self.assertEqual([link[1] for link in _links(self)], [outer.span_id])

    def test_a_span_that_the_application_forgot_inside_stays_current(self):
        def forgets():
            consumer = Consumer()
            next(consumer)
            _tracing.activate(_tracing.start_span("forgotten"))
            consumer.turn.done()
            self.assertEqual(self.inside().name, "forgotten")

        contextvars.copy_context().run(forgets)

    def test_a_consumer_that_is_let_go_of(self):
        consumer = Consumer()
        next(consumer)
        del consumer
        gc.collect()
        self.assertEqual(self.one().name, "process orders")
        self.assertEqual(_tracing.unfinished, set())

    def test_spans_that_nothing_ends_end_with_the_process(self):
        _messaging.sends(lambda sender, given: _tracing.start_span("pending"), lambda span, answer: None)(Senders.send)(self, 1)
        _tracing.end_unfinished()  # as at the end of the process
        self.assertEqual(self.one().name, "pending")

    def test_nothing_where_all_is_suppressed(self):
        with _tracing.suppress():
            self.assertEqual(next(Consumer()), 1)
        self.assertEqual(self.spans(), [])


class Lists(HookCase):
    def messages(self):
        return _messaging.Messages([1, 2, 3], process)

    def test_each_message_has_its_turn(self):
        current = []
        for _ in self.messages():
            current.append(_tracing.current_span())
        self.assertEqual(len(set(map(id, current))), 3)
        self.assertIsNone(_tracing.current_span())
        self.assertEqual(len(self.spans()), 3)

    def test_break(self):
        for _ in self.messages():
            break
        self.assertIsNone(_tracing.current_span())
        self.one()

    def test_it_is_a_list(self):
        messages = self.messages()
        self.assertEqual((messages, messages[1:], len(messages), repr(messages)), ([1, 2, 3], [2, 3], 3, "[1, 2, 3]"))
        for copied in (pickle.loads(pickle.dumps(messages)), copy.copy(messages), messages[:]):
            self.assertIs(type(copied), list)
            self.assertEqual(copied, [1, 2, 3])
        self.assertEqual(self.spans(), [])

    def test_a_fault_of_ours_is_not_the_application_s(self):
        def broken(message):
            raise KeyError(message)

        self.assertEqual(list(_messaging.Messages([1], broken)), [1])
        self.assertEqual(type(self.faults.pop()[1]), KeyError)


class Headers(HookCase):
    def test_what_the_application_gave_stays_as_it_is(self):
        span = _tracing.start_span("send")
        context = "00-%s-%s-01" % (span.trace_id.hex(), span.span_id.hex())
        pairs, entries = [("kind", b"order")], {"kind": "order"}
        self.assertEqual(_messaging.with_pairs(pairs, span), [("kind", b"order"), ("traceparent", context.encode())])
        self.assertEqual(_messaging.with_entries(entries, span), {"kind": "order", "traceparent": context})
        self.assertEqual((pairs, entries), ([("kind", b"order")], {"kind": "order"}))
        self.assertEqual(_messaging.with_pairs(None, span), [("traceparent", context.encode())])

    def test_contexts_are_found_in_every_form(self):
        value = SENDER["traceparent"]
        for headers in (
            SENDER,
            {"Traceparent": value.encode()},
            [("kind", b"x"), ("traceparent", value.encode())],
            [(b"traceparent", value.encode())],
            (("traceparent", value), ("other", None)),
        ):
            with self.subTest(headers):
                self.assertEqual(_messaging.extracted(headers).span_id, b"\xbb" * 8)
                self.assertTrue(_messaging.propagated(headers))
        for headers in (None, [], {}, {"kind": "order"}, [("kind", None)], {"traceparent": "nonsense"}, {"traceparent": 7, "baggage": {}}):
            with self.subTest(headers):
                self.assertIsNone(_messaging.extracted(headers))

    def test_arguments_by_position_and_by_name(self):
        def method(self, topic, value=None, headers=None):
            return topic, value, headers

        names = _messaging.parameters(method)
        for args, named in (((1, 2, 3), {}), ((1, 2), {"headers": 3}), ((), {"topic": 1, "value": 2, "headers": 3})):
            given = _messaging.Arguments(names, args, named)
            self.assertEqual([given.get(name) for name in names], [1, 2, 3])
            before = dict(named)
            given.put("headers", 4)
            self.assertEqual(method(self, *given.args, **given.named), (1, 2, 4))
            self.assertEqual(named, before)
        given = _messaging.Arguments(names, (1,), {})
        self.assertEqual((given.get("headers"), given.get("headers", 5), given.get("none")), (None, 5, None))
        given.put("headers", 4)
        self.assertEqual(method(self, *given.args, **given.named), (1, None, 4))


class Senders(HookCase):
    def send(self, topic, headers=None):
        if topic == "refused":
            raise KeyError(topic)
        return topic, headers

    async def send_async(self, topic, headers=None):
        return Senders.send(self, topic, headers)

    def begin(self, sender, given):
        if given.get("topic") == "odd":
            raise ValueError
        if given.get("topic") == "untraced":
            return None
        given.put("headers", "ours")
        return _tracing.start_span(given.get("topic"))

    def senders(self, later=None):
        yield _messaging.sends(self.begin, later)(Senders.send)
        traced = _messaging.async_sends(self.begin, later)(Senders.send_async)
        self.assertTrue(inspect.iscoroutinefunction(traced))
        yield lambda *args, **named: asyncio.run(traced(*args, **named))

    def test_a_span_ends_with_the_call(self):
        for send in self.senders():
            self.assertEqual(send(self, "orders", headers="theirs"), ("orders", "ours"))
            with self.assertRaises(KeyError):
                send(self, topic="refused")
            self.assertEqual([span.name for span in self.spans()[-2:]], ["orders", "refused"])
            self.assertEqual(self.spans()[-1].exceptions, ["KeyError"])

    def test_or_when_its_answer_says_so(self):
        told = []
        for send in self.senders(lambda span, answer: told.append((span, answer))):
            before = len(self.spans())
            send(self, "orders")
            self.assertEqual(len(self.spans()), before)
            span, answer = told.pop()
            self.assertEqual(answer, ("orders", "ours"))
            _messaging.end(span)
            self.assertEqual((len(self.spans()), _tracing.unfinished), (before + 1, set()))

    def test_what_is_not_traced_is_sent_as_it_is(self):
        def later(span, answer):
            raise ValueError

        for send in self.senders(later):
            for topic in ("untraced", "odd"):
                self.assertEqual(send(self, topic, "theirs"), (topic, "theirs"))
            with _tracing.suppress():
                self.assertEqual(send(self, "orders", "theirs"), ("orders", "theirs"))
            before = len(self.spans())
            self.assertEqual(send(self, "orders"), ("orders", "ours"))
            self.assertEqual((len(self.spans()), _tracing.unfinished), (before + 1, set()))
            self.assertEqual([type(error) for _, error in self.faults], [ValueError] * 2)
            self.faults.clear()


class Bodies(HookCase):
    def kept(self, value):
        span = _tracing.start_span("send")
        _messaging.body(span, "messaging.produce.body", value)
        return span.attributes.get("messaging.produce.body")

    def test_the_beginning_is_kept(self):
        limit = _tracing.settings.capture
        self.assertEqual(self.kept("x" * limit), "x" * limit)
        self.assertEqual(self.kept(b"x" * (limit + 1)), (b"x" * limit, True))
        self.assertEqual(self.kept(memoryview(b"view")), b"view")
        self.assertIsNone(self.kept(None))

    def test_data_is_copied(self):
        order = {"items": [1]}
        kept = self.kept(order)
        order["items"].append(2)
        self.assertEqual(kept, {"items": [1]})

    def test_what_is_no_data_is_shown_as_text(self):
        self.assertEqual(self.kept(_messaging.Turn), str(_messaging.Turn))

    def test_a_message_that_cannot_be_shown_has_its_span(self):
        class Silent:
            def __str__(self):
                raise ValueError

        class Broken(dict):
            def __getitem__(self, name):
                raise ValueError

        self.assertEqual(self.kept([Silent(), 1]), ["<Silent that cannot be printed>", 1])
        self.assertIsNone(self.kept(Broken(lamp=1)))
        self.assertEqual([type(error) for _, error in self.faults], [ValueError])
        self.faults.clear()


class Acknowledgements(HookCase):
    def test_a_message_for_which_none_was_asked(self):
        _kafka.delivered(_tracing.start_span("send"), None)
        self.assertNotIn("messaging.destination.partition.id", self.one().attributes)


class Names(HookCase):
    def test_servers(self):
        for servers, address, port in (
            ("broker:9092", "broker", 9092),
            ("one:1,two:2", "one", 1),
            ("SASL_SSL://broker:9093", "broker", 9093),
            (["one:1", "two:2"], "one", 1),
            ("localhost", "localhost", None),
            ("[::1]:9092", "::1", 9092),
            (None, None, None),
            ([], None, None),
        ):
            with self.subTest(servers):
                common = _kafka.base(servers, None)
                self.assertEqual((common.get("server.address"), common.get("server.port")), (address, port))

    def test_destinations_of_rabbitmq(self):
        for exchange, key, queue, name, shown in (
            ("", "orders", "orders", "orders", "orders"),
            ("shop", "new", "orders", "shop:new:orders", "shop:new:orders"),
            ("shop", "", "orders", "shop:orders", "shop:orders"),
            ("", "amq.gen-x1", "amq.gen-x1", "amq.gen-x1", "(anonymous)"),
            ("shop", "", "amq.gen-x1", "shop:amq.gen-x1", "shop:(anonymous)"),
            (None, None, None, "amq.default", "amq.default"),
        ):
            with self.subTest((exchange, key, queue)):
                span = _amqp.delivered({}, queue, exchange, key, 1, None, b"")
                self.assertEqual((span.attributes["messaging.destination.name"], span.name), (name, "process " + shown))
                span.end()


def _links(case):
    """The links of the one span that there is."""
    (data,) = _handover.spans
    return marshal.loads(data)[15]


if __name__ == "__main__":
    unittest.main()
