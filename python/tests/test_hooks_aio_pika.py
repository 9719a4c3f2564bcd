import asyncio
import inspect
import types
import unittest

from hooks_support import HookCase
from lumigo_opentelemetry import _tracing


def message(body):
    return types.SimpleNamespace(body=body, headers={}, exchange="", routing_key="orders", delivery_tag=1)


class Queue(HookCase):
    """With what the hook touches of aio_pika.queue."""

    def setUp(self):
        super().setUp()
        module = types.ModuleType("aio_pika.queue")

        class QueueIterator:
            def __init__(self, queue):
                self._amqp_queue = queue
                self._messages = iter([message(b"lamp"), message(b"desk")])

            def __aiter__(self):
                return self

            async def __anext__(self):
                return next(self._messages)

            async def close(self):
                return "closed"

        class Queue:
            name = "orders"
            channel = None

            async def consume(self, callback, no_ack=False):
                return await callback(message(b"lamp"))

            async def get(self):
                return message(b"lamp")

            def iterator(self):
                self.iterators.append(QueueIterator(self))
                return self.iterators[-1]

            def __aiter__(self):
                return self.iterator()

        module.Queue, module.QueueIterator = Queue, QueueIterator
        self.hook("aio_pika", module)
        self.queue = Queue()
        self.queue.iterators = []  # as the channel keeps them

    def test_what_was_a_coroutine_function_is_one(self):
        for method in (self.queue.consume, self.queue.get, self.queue.iterator().close):
            self.assertTrue(inspect.iscoroutinefunction(method), method)
        self.assertEqual(asyncio.run(self.queue.iterator().close()), "closed")

    def test_what_begins_as_it_is_called_does_so(self):
        from lumigo_opentelemetry.hooks import aio_pika

        begun = []
        aio_pika._close(begun.append)(self.queue.iterator())
        self.assertEqual(begun, self.queue.iterators)

    def test_a_callback(self):
        async def callback(message):
            return _tracing.current_span().name

        self.assertEqual(asyncio.run(self.queue.consume(callback)), "process orders")
        self.assertEqual(self.one().kind, _tracing.CONSUMER)

    def test_a_loop_that_is_left(self):
        async def loop(messages):
            async for message in messages:
                self.assertEqual((message.body, _tracing.current_span().name), (b"lamp", "process orders"))
                break
            self.assertIsNone(_tracing.current_span())

        asyncio.run(loop(self.queue.iterator()))
        asyncio.run(loop(self.queue))
        self.assertEqual([span.name for span in self.spans()], ["process orders"] * 2)


if __name__ == "__main__":
    unittest.main()
