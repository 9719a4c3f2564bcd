"""aiokafka: a producer span for each message that is sent, until it is acknowledged; a consumer span for each that is
received, until the next one is asked for, or while a loop over what getmany() returns is at it."""

from time import time_ns

from .. import _imports, _kafka, _messaging
from .._http import trouble

_HEADERS_SINCE = (0, 11)  # the brokers' version


def install(module):
    if hasattr(module, "AIOKafkaProducer"):
        module.AIOKafkaProducer._lumigo = None  # what its spans have in common, once it is known
        _imports.wrap(module.AIOKafkaProducer, "send", _messaging.async_sends(_begin, _later))
    else:
        consumer = module.AIOKafkaConsumer
        consumer._lumigo = None  # its Consuming
        _imports.wrap(consumer, "__aiter__", _aiter)
        _imports.wrap(consumer, "getone", _getone)
        _imports.wrap(consumer, "getmany", _getmany)
        _imports.wrap(consumer, "stop", _stop)


def _common(client):
    return _kafka.base(client._bootstrap_servers, client._client_id)


def _begin(producer, given):
    topic = given.get("topic")
    if not isinstance(topic, str):
        return None
    common = producer._lumigo
    if common is None:
        common = producer._lumigo = _common(producer.client)
    span = _kafka.sent(common, topic, given.get("key"), given.get("value"))
    headers = given.get("headers")
    if (not headers or isinstance(headers, (list, tuple))) and "headers" in given.names:
        # What an older broker cannot take is refused by the library.
        if getattr(producer.client, "api_version", _HEADERS_SINCE) >= _HEADERS_SINCE and not _messaging.propagated(headers):
            given.put("headers", _messaging.with_pairs(headers, span))
    return span


def _later(span, future):
    _kafka.await_delivery(span, future, lambda record: record)


def _state(consumer):
    state = consumer._lumigo
    if state is None:
        try:
            state = _kafka.Consuming(_common(consumer._client), consumer._group_id)
        except Exception as error:
            trouble(error)
            state = _kafka.Consuming(_kafka.base(None, None))
        consumer._lumigo = state
    return state


def _aiter(original):
    def __aiter__(self):
        messages = original(self)
        return _messaging.AsyncLoop(messages, _state(self).turn)

    return __aiter__


def _getone(original):
    async def getone(self, *args, **named):
        state = _state(self)
        state.asked()
        record = await original(self, *args, **named)
        state.one(record)
        return record

    return getone


def _getmany(original):
    async def getmany(self, *args, **named):
        state = _state(self)
        state.asked()
        start = time_ns()
        return state.many("poll", await original(self, *args, **named), start)

    return getmany


def _stop(original):
    async def stop(self, *args, **named):
        if self._lumigo is not None:
            self._lumigo.asked()
        return await original(self, *args, **named)

    return stop
