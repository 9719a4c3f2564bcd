import types
import unittest

from hooks_support import HookCase
from lumigo_opentelemetry import _tracing

SENDER = {"traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01"}


class Properties:
    def __init__(self, headers=None):
        self.headers = headers


def method(tag):
    return types.SimpleNamespace(exchange="", routing_key="orders", delivery_tag=tag)


def made():
    """pika's two modules, as far as the hook knows them, made anew for each test."""
    spec = types.SimpleNamespace(BasicProperties=Properties)
    connection = types.SimpleNamespace(params=types.SimpleNamespace(host="broker", port=5672))

    class Channel:
        def __init__(self):
            self.connection = connection
            self.sent = []

        def basic_publish(self, exchange, routing_key, body, properties=None, mandatory=False):
            self.sent.append(properties)

        def basic_consume(self, queue, on_message_callback, auto_ack=False):
            self.deliver = on_message_callback

        def basic_get(self, queue, callback, auto_ack=False):
            callback(self, method(1), Properties(SENDER), b"got")

    class BlockingChannel:
        def __init__(self):
            self.connection = types.SimpleNamespace(_impl=connection)
            self._impl = Channel()
            self.closed = False

        def basic_publish(self, exchange, routing_key, body, properties=None, mandatory=False):
            self._impl.basic_publish(exchange, routing_key, body, properties, mandatory)

        def _basic_consume_impl(self, queue, on_message_callback):
            self._impl.basic_consume(queue, on_message_callback)

        def basic_consume(self, queue, on_message_callback, auto_ack=False):
            self._basic_consume_impl(queue, on_message_callback)

        def basic_get(self, queue, auto_ack=False):
            return None, None, None

        def consume(self, queue, inactivity_timeout=None):
            try:
                yield method(1), Properties(SENDER), b"first"
                yield None, None, None
                yield method(2), Properties(), b"second"
            finally:
                self.closed = True

    channel = types.SimpleNamespace(Channel=Channel, spec=spec)
    return channel, types.SimpleNamespace(BlockingChannel=BlockingChannel, pika=types.SimpleNamespace(spec=spec))


class Pika(HookCase):
    def setUp(self):
        super().setUp()
        inner, outer = made()
        self.hook("pika", inner)
        self.hook("pika", outer)
        self.channel = outer.BlockingChannel()

    def test_a_message_has_one_span_and_carries_it(self):
        properties = Properties({"kind": "order"})
        self.channel.basic_publish("shop", "new", b"x", properties=properties)
        self.channel.basic_publish("", "orders", b"y")
        self.assertEqual([span.name for span in self.spans()], ["publish shop:new", "publish orders"])
        self.assertEqual(properties.headers, {"kind": "order"})
        for sent, span in zip(self.channel._impl.sent, self.spans()):
            self.assertIn(span.span_id.hex(), sent.headers["traceparent"])

    def test_a_message_that_is_passed_on_keeps_its_context(self):
        properties = Properties(SENDER)
        self.channel.basic_publish("", "orders", b"x", properties)
        self.assertIs(self.channel._impl.sent[0], properties)

    def test_a_callback_processes_and_what_it_raises_passes(self):
        def callback(channel, method, properties, body):
            self.assertEqual(_tracing.current_span().name, "process orders")
            raise KeyError("broken")

        self.channel.basic_consume("orders", callback)
        with self.assertRaises(KeyError):
            self.channel._impl.deliver(self.channel._impl, method(1), Properties(SENDER), b"x")
        self.assertIsNone(_tracing.current_span())
        span = self.one()
        self.assertEqual((span.kind, span.parent_id, span.exceptions), (_tracing.CONSUMER, b"\xbb" * 8, ["KeyError"]))

    def test_what_is_no_callback_is_the_library_s_to_complain_of(self):
        self.channel.basic_consume("orders", None)
        self.assertIsNone(self.channel._impl.deliver)

    def test_a_loop_stays_a_generator_that_is_closed(self):
        messages = self.channel.consume("orders")
        self.assertIsInstance(messages, types.GeneratorType)
        bodies, current = [], []
        for _, _, body in messages:
            bodies.append(body)
            current.append(getattr(_tracing.current_span(), "name", None))
        self.assertEqual(bodies, [b"first", None, b"second"])
        self.assertEqual(current, ["process orders", None, "process orders"])
        self.assertTrue(self.channel.closed)

    def test_a_loop_that_is_left_has_processed_its_message(self):
        messages = self.channel.consume("orders")
        for _ in messages:
            break
        messages.close()
        self.assertTrue(self.channel.closed)
        self.assertIsNone(_tracing.current_span())
        self.assertEqual(self.one().get("messaging.consume.body"), b"first")

    def test_a_poll_that_brings_nothing_has_no_span(self):
        self.assertEqual(self.channel.basic_get("orders"), (None, None, None))
        self.assertEqual(self.spans(), [])

    def test_a_callback_of_get_processes(self):
        self.channel._impl.basic_get("orders", lambda *_: None)
        self.assertEqual(self.one().name, "process orders")


if __name__ == "__main__":
    unittest.main()
