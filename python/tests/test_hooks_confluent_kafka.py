import asyncio
import gc
import types
import unittest

from hooks_support import HookCase
from lumigo_opentelemetry import _tracing


class Message:
    def __init__(self, number, error=None, headers=None):
        self.number, self.bad, self.given = number, error, headers

    def error(self):
        return self.bad

    def headers(self):
        return self.given

    def topic(self):
        return "orders"

    def partition(self):
        return 0

    def offset(self):
        return self.number

    def key(self):
        return None

    def value(self):
        return b"order"


class Producer:
    """As the one in C, which has no room for attributes of others."""

    __slots__ = ("sent",)

    def __init__(self, *args, **named):
        self.sent = []

    def produce(self, topic, value=None, key=None, partition=-1, callback=None, on_delivery=None, timestamp=0, headers=None):
        """Sends."""
        self.sent.append(headers)


class Consumer:
    __slots__ = ("messages",)

    def __init__(self, *args, **named):
        self.messages = []

    def poll(self, timeout=-1):
        return self.messages.pop(0) if self.messages else None

    def consume(self, num_messages=1, timeout=-1):
        return self.messages[:num_messages]

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None


class ConfluentKafka(HookCase):
    def setUp(self):
        super().setUp()
        self.module = types.SimpleNamespace(Producer=Producer, Consumer=Consumer, Message=Message)
        self.hook("confluent_kafka", self.module)

    def test_the_classes_are_as_they_were(self):
        for mine, theirs in ((self.module.Producer, Producer), (self.module.Consumer, Consumer)):
            self.assertTrue(issubclass(mine, theirs))
            self.assertEqual((mine.__name__, mine.__module__, mine.__doc__), (theirs.__name__, theirs.__module__, theirs.__doc__))
            self.assertFalse(hasattr(mine({}), "__dict__"))
        self.assertEqual(self.module.Producer.produce.__doc__, "Sends.")

    def test_headers_are_copied_in_their_own_form(self):
        producer = self.module.Producer({"bootstrap.servers": "broker:9092"})
        for headers in (None, [("kind", "order")], {"kind": "order"}):
            before = headers.copy() if headers else headers
            producer.produce("orders", b"x", headers=headers)
            self.assertEqual(headers, before)
            self.assertIs(type(producer.sent[-1]), dict if isinstance(headers, dict) else list)
            self.assertIn("traceparent", dict(producer.sent[-1]))
        self.assertEqual(self.spans()[0].get("server.address"), "broker")

    def test_a_message_is_processed_until_the_next_is_asked_for(self):
        consumer = self.module.Consumer({"group.id": "g"})
        consumer.messages = [Message(1), Message(2, error="end of partition"), Message(3)]
        consumer.poll()
        self.assertEqual(_tracing.current_span().attributes["messaging.kafka.offset"], 1)
        consumer.poll()
        self.assertIsNone(_tracing.current_span())
        consumer.poll(1)
        consumer.close()
        self.assertIsNone(_tracing.current_span())
        self.assertEqual([span.get("messaging.kafka.offset") for span in self.spans()], [1, 3])

    def test_a_consumer_that_is_left(self):
        with self.module.Consumer({}) as consumer:
            consumer.messages.append(Message(1))
            consumer.poll()
            self.assertEqual(_tracing.current_span().name, "process orders")
        self.assertIsNone(_tracing.current_span())
        self.assertEqual(len(self.spans()), 1)

    def test_a_batch_and_its_messages(self):
        consumer = self.module.Consumer()
        consumer.messages = [Message(1), Message(2, error="end of partition")]
        messages = consumer.consume(2)
        self.assertEqual([message.number for message in messages], [1, 2])
        self.assertEqual([span.name for span in self.spans()], ["consume orders", "process orders"])
        consumer.messages = [Message(1, error="end of partition")]
        self.assertIs(type(consumer.consume()), list)

    def test_an_older_one_without_headers_is_left_alone(self):
        self.assertRaises(AttributeError, self.hook, "confluent_kafka", types.SimpleNamespace(Message=object))


class AsyncProducing(HookCase):
    def test_messages_end_as_they_are_delivered(self):
        producing = types.SimpleNamespace(_lumigo={"messaging.system": "kafka"})

        class AIOProducer:
            _producer = producing

            async def produce(self, topic, value=None, key=None, *args, **kwargs):
                if value == b"refused":
                    raise NotImplementedError
                return asyncio.get_running_loop().create_future()

        self.hook("confluent_kafka", types.SimpleNamespace(AIOProducer=AIOProducer))
        told = []

        async def run():
            asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context["message"]))
            producer = AIOProducer()
            good, bad, gone = [await producer.produce("orders", value) for value in (b"good", b"bad", b"gone")]
            self.assertEqual(self.spans(), [])
            good.set_result(Message(7))
            bad.set_exception(KeyError("bad"))
            gone.cancel()
            with self.assertRaises(NotImplementedError):
                await producer.produce("orders", b"refused")
            await asyncio.sleep(0)

        asyncio.run(run())
        gc.collect()
        spans = {span.get("messaging.produce.body"): span for span in self.spans()}
        self.assertEqual(spans[b"good"].get("messaging.kafka.offset"), 7)
        self.assertEqual(spans[b"bad"].exceptions, ["KeyError"])
        self.assertEqual((spans[b"gone"].status, spans[b"refused"].status), (_tracing.UNSET, _tracing.ERROR))
        self.assertEqual(told, ["Future exception was never retrieved"])  # as without us


if __name__ == "__main__":
    unittest.main()
