"""kafka-python: a producer span for each message that is sent, and a consumer span for each that is received, while a
loop over the consumer, or over what poll() returns, is at it."""

from time import time_ns

from .. import _imports, _messaging, _tracing
from .._http import trouble
from .._kafka import base, context_of, process, received, sent

_HEADERS_SINCE = (0, 11)  # the brokers' version


def install(module):
    if hasattr(module, "KafkaProducer"):
        module.KafkaProducer._lumigo = None  # what its spans have in common, once it is known
        _imports.wrap(module.KafkaProducer, "send", _send)
    if hasattr(module, "KafkaConsumer"):
        consumer = module.KafkaConsumer
        consumer._lumigo = None  # its _Consuming
        _imports.wrap(consumer, "__iter__", _iter)
        _imports.wrap(consumer, "__next__", _next)
        _imports.wrap(consumer, "poll", _poll)
        _imports.wrap(consumer, "close", _close)


# --- producers ----------------------------------------------------------------------------


def _send(original):
    names = _messaging.parameters(original)

    def send(self, *args, **named):
        given = _messaging.Arguments(names, args, named)
        try:
            span = _begin(self, given)
        except Exception as error:
            trouble(error)
            span = None
        if span is None:
            return original(self, *args, **named)
        try:
            future = original(self, *given.args, **given.named)
        except BaseException as error:
            _messaging.end(span, error)
            raise
        try:
            _messaging.ends_later(span)
            future.add_callback(_delivered, span)
            future.add_errback(_failed, span)
        except Exception as error:
            trouble(error)
            _messaging.end(span)
        return future

    return send


def _begin(producer, given):
    topic = given.get("topic")
    if _tracing.suppressed() or not isinstance(topic, str):
        return None
    common = producer._lumigo
    if common is None:
        common = producer._lumigo = _common(producer.config)
    span = sent(common, topic, given.get("key"), given.get("value"))
    headers = given.get("headers")
    # Anything but a list is refused by the library, as what an older broker cannot take is.
    if "headers" in given.names and (headers is None or type(headers) is list) and producer.config["api_version"] >= _HEADERS_SINCE:
        if not _messaging.propagated(headers):
            given.put("headers", _messaging.with_pairs(headers, span))
    return span


def _delivered(span, metadata):
    try:
        if span.recording:
            span.attributes["messaging.destination.partition.id"] = str(metadata.partition)
            if metadata.offset >= 0:
                span.attributes["messaging.kafka.offset"] = metadata.offset
    except Exception as error:
        trouble(error)
    _messaging.end(span)


def _failed(span, error):
    _messaging.end(span, error)


# --- consumers ----------------------------------------------------------------------------


class _Consuming:
    """What is known of a consumer. asking: inside of __next__, which may call poll()."""

    __slots__ = ("common", "turn", "asking")

    def __init__(self, consumer):
        self.common = _common(consumer.config)
        group = consumer.config.get("group_id")
        if group:
            self.common["messaging.consumer.group.name"] = group
        self.turn = _messaging.Turn()
        self.asking = False

    def process(self, record, poll=None):
        return process(self.common, record.topic, record, getattr(record, "headers", None), poll)


def _state(consumer):
    state = consumer._lumigo
    if state is None:
        state = consumer._lumigo = _Consuming(consumer)
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
            state.turn.done()
            state.asking = True
        except Exception as error:
            trouble(error)
            return original(self)
        try:
            record = original(self)
        finally:
            state.asking = False
        _messaging.begin(state.turn, state.process, record)
        return record

    return __next__


def _poll(original):
    def poll(self, *args, **named):
        try:
            state = _state(self)
            traced = not state.asking and not _tracing.suppressed()
            if traced:
                state.turn.done()
        except Exception as error:
            trouble(error)
            traced = False
        start = time_ns()
        batches = original(self, *args, **named)
        if batches and traced:
            try:
                return _received(state, batches, start)
            except Exception as error:
                trouble(error)
        return batches

    return poll


def _received(state, batches, start):
    """The same records, which are processed one by one as they are looped over."""
    records = [record for each in batches.values() for record in each]
    topics = {partition.topic for partition in batches}
    contexts = [context_of(getattr(record, "headers", None)) for record in records]
    span = received(state.common, "poll", topics, contexts, start)

    def process(record):
        return state.process(record, span)

    return {partition: _messaging.Messages(each, process) for partition, each in batches.items()}


def _close(original):
    def close(self, *args, **named):
        state = self._lumigo
        if state is not None:
            state.turn.done()
        return original(self, *args, **named)

    return close


def _common(config):
    return base(config.get("bootstrap_servers"), config.get("client_id"))
