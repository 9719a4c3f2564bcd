"""kafka-python: a producer span for each message that is sent, and a consumer span for each that is received, while a
loop over the consumer, or over what poll() returns, is at it."""

from time import time_ns

from .. import _imports, _kafka, _messaging
from .._http import trouble

_HEADERS_SINCE = (0, 11)  # the brokers' version


def install(module):
    if hasattr(module, "KafkaProducer"):
        module.KafkaProducer._lumigo = None  # what its spans have in common, once it is known
        _imports.wrap(module.KafkaProducer, "send", _messaging.sends(_begin, _later))
    if hasattr(module, "KafkaConsumer"):
        consumer = module.KafkaConsumer
        consumer._lumigo = None  # its _Consuming
        _imports.wrap(consumer, "__iter__", _iter)
        _imports.wrap(consumer, "__next__", _next)
        _imports.wrap(consumer, "poll", _poll)
        _imports.wrap(consumer, "close", _close)


# --- producers ----------------------------------------------------------------------------


def _begin(producer, given):
    topic = given.get("topic")
    if not isinstance(topic, str):
        return None
    common = producer._lumigo
    if common is None:
        common = producer._lumigo = _common(producer.config)
    span = _kafka.sent(common, topic, given.get("key"), given.get("value"))
    headers = given.get("headers")
    # Anything but a list is refused by the library, as what an older broker cannot take is.
    if "headers" in given.names and (headers is None or type(headers) is list) and producer.config["api_version"] >= _HEADERS_SINCE:
        if not _messaging.propagated(headers):
            given.put("headers", _messaging.with_pairs(headers, span))
    return span


def _later(span, future):
    future.add_callback(_kafka.delivered, span)
    future.add_errback(_messaging.end, span)


# --- consumers ----------------------------------------------------------------------------


class _Consuming(_kafka.Consuming):
    """asking: inside of __next__, which may call poll()."""

    __slots__ = ("asking",)

    def __init__(self, config):
        _kafka.Consuming.__init__(self, _common(config), config.get("group_id"))
        self.asking = False


def _state(consumer):
    state = consumer._lumigo
    if state is None:
        state = consumer._lumigo = _Consuming(consumer.config)
    return state


def _iter(original):
    def __iter__(self):
        messages = original(self)
        try:
            return _messaging.Loop(messages, _state(self).turn)
        except Exception as error:
            trouble(error)
            return messages

    return __iter__


def _next(original):
    def __next__(self):
        try:
            state = _state(self)
            state.asked()
            state.asking = True
        except Exception as error:
            trouble(error)
            return original(self)
        try:
            record = original(self)
        finally:
            state.asking = False
        state.one(record)
        return record

    return __next__


def _poll(original):
    def poll(self, *args, **named):
        try:
            state = _state(self)
        except Exception as error:
            trouble(error)
            state = None
        if state is None or state.asking:
            return original(self, *args, **named)
        state.asked()
        start = time_ns()
        return state.many("poll", original(self, *args, **named), start)

    return poll


def _close(original):
    def close(self, *args, **named):
        state = self._lumigo
        if state is not None:
            state.asked()
        return original(self, *args, **named)

    return close


def _common(config):
    return _kafka.base(config.get("bootstrap_servers"), config.get("client_id"))
