"""confluent-kafka: a producer span for each message that is sent; a consumer span for each that poll() brings, until the
next one is asked for, and for each that consume() brings, while a loop over them is at it.

Producer and Consumer are written in C. What the application gets are subclasses of theirs, made before anything else has
seen them, so that what the package or the application derives from them is traced as well.
"""

from collections import namedtuple
from time import time_ns

from .. import _imports, _kafka, _messaging, _tracing
from .._http import trouble

_PRODUCE = ("topic", "value", "key", "partition", "callback", "on_delivery", "timestamp", "headers")

_Record = namedtuple("_Record", "partition offset key value")


def install(module):
    if hasattr(module, "AIOConsumer"):
        _imports.wrap(module.AIOConsumer, "poll", _async_poll)
        _imports.wrap(module.AIOConsumer, "consume", _async_consume)
        _imports.wrap(module.AIOConsumer, "close", _async_close)
    elif hasattr(module, "AIOProducer"):
        _imports.wrap(module.AIOProducer, "produce", _messaging.async_sends(_async_begin, _async_later))
    else:
        module.Message.headers  # noqa: B018 older versions know of none
        _imports.wrap(module, "Producer", _producer)
        _imports.wrap(module, "Consumer", _consumer)


def _common(args, named):
    """What the spans of a client that is made with these arguments have in common."""
    try:
        settings = dict(named)
        for each in args:
            if isinstance(each, dict):
                settings.update(each)
        get = settings.get
        common = _kafka.base(get("bootstrap.servers") or get("metadata.broker.list"), get("client.id"))
        if get("group.id"):
            common["messaging.consumer.group.name"] = get("group.id")
        return common
    except Exception as error:
        trouble(error)
        return _kafka.base(None, None)


def _producer(original):
    class Producer(original):
        __slots__ = ("_lumigo",)

        def __init__(self, *args, **named):
            original.__init__(self, *args, **named)
            self._lumigo = _common(args, named)

        produce = _messaging.sends(_begin, names=_PRODUCE)(original.produce)
        produce.__name__ = "produce"
        produce.__doc__ = original.produce.__doc__

    return Producer


def _begin(producer, given):
    topic = given.get("topic")
    if not isinstance(topic, str):
        return None
    span = _kafka.sent(producer._lumigo, topic, given.get("key"), given.get("value"))
    headers = given.get("headers")
    if not _messaging.propagated(headers):
        if isinstance(headers, dict):
            given.put("headers", _messaging.with_entries(headers, span))
        elif not headers or isinstance(headers, list):
            given.put("headers", _messaging.with_pairs(headers, span))
    return span


class _Consuming(_kafka.Consuming):
    __slots__ = ()

    def polled(self, message):
        if message is not None:
            self.one(message)

    def consumed(self, messages, start):
        """The same messages, which are processed one by one as they are looped over."""
        try:
            good = [message for message in messages if message.error() is None]
            if not good or _tracing.suppressed():
                return messages
            contexts = [_messaging.extracted(message.headers()) for message in good]
            span = _kafka.received(self.common, "consume", {message.topic() for message in good}, contexts, start)
            return _messaging.Messages(messages, lambda message: self.process(message, span))
        except Exception as error:
            trouble(error)
            return messages

    def process(self, message, poll=None):
        if message.error() is not None:
            return None
        record = _Record(message.partition(), message.offset(), message.key(), message.value())
        return _kafka.process(self.common, message.topic(), record, message.headers(), poll)


def _consumer(original):
    class Consumer(original):
        __slots__ = ("_lumigo",)

        def __init__(self, *args, **named):
            original.__init__(self, *args, **named)
            self._lumigo = _Consuming(_common(args, named))

        def poll(self, *args, **named):
            self._lumigo.asked()
            message = original.poll(self, *args, **named)
            self._lumigo.polled(message)
            return message

        def consume(self, *args, **named):
            self._lumigo.asked()
            start = time_ns()
            return self._lumigo.consumed(original.consume(self, *args, **named), start)

        def close(self, *args, **named):
            self._lumigo.asked()
            return original.close(self, *args, **named)

        for method in (poll, consume, close):
            method.__doc__ = getattr(original, method.__name__).__doc__
        del method

        if hasattr(original, "__exit__"):  # which closes it, but not by close()

            def __exit__(self, *error):
                self._lumigo.asked()
                return original.__exit__(self, *error)

    return Consumer


# --- with asyncio, whose clients have threads of their own wait -------------------------------


def _async_begin(producer, given):
    """It sends messages in batches, in which they can have no headers: who processes them is not told of this span."""
    topic = given.get("topic")
    if not isinstance(topic, str):
        return None
    return _kafka.sent(producer._producer._lumigo, topic, given.get("key"), given.get("value"))


def _async_later(span, future):
    _kafka.await_delivery(span, future, lambda message: _Record(message.partition(), message.offset(), None, None))


def _async_poll(original):
    async def poll(self, *args, **named):
        state = self._consumer._lumigo
        state.asked()
        with _tracing.suppress():
            message = await original(self, *args, **named)
        state.polled(message)
        return message

    return poll


def _async_consume(original):
    async def consume(self, *args, **named):
        state = self._consumer._lumigo
        state.asked()
        start = time_ns()
        with _tracing.suppress():
            messages = await original(self, *args, **named)
        return state.consumed(messages, start)

    return consume


def _async_close(original):
    async def close(self, *args, **named):
        self._consumer._lumigo.asked()
        return await original(self, *args, **named)

    return close
