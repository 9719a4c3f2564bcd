"""pika: a producer span for each message that is published, a consumer span while a callback or the body of a loop over
consume() processes one, and a client span for one that basic_get brings.

A BlockingChannel is made of a Channel, as the asynchronous connections have it; then the spans are the outer one's.
"""

from copy import copy
from time import time_ns

from .. import _amqp, _imports, _messaging, _tracing
from .._http import trouble


def install(module):
    if hasattr(module, "Channel"):
        channel = module.Channel
        make = module.spec.BasicProperties
        _imports.wrap(channel, "basic_publish", lambda original: _publish(original, make))
        _imports.wrap(channel, "basic_get", lambda original: _with_callback(original, "callback"))
    else:
        channel = module.BlockingChannel
        make = module.pika.spec.BasicProperties
        # Until 1.0 there is publish as well, which basic_publish is made of.
        name = "publish" if hasattr(channel, "publish") else "basic_publish"
        _imports.wrap(channel, name, lambda original: _publish(_quiet(original), make))
        _imports.wrap(channel, "basic_get", lambda original: _get(_quiet(original)))
        _imports.wrap(channel, "_basic_consume_impl", _quiet)
        _imports.wrap(channel, "consume", _consume)
    _imports.wrap(channel, "basic_consume", lambda original: _with_callback(original, _callback_of(original)))


def _quiet(original):
    """A method of the outer channel, without what the inner one would trace."""

    def quiet(*args, **named):
        with _tracing.suppress():
            return original(*args, **named)

    quiet.__wrapped__ = original
    return quiet


def _callback_of(basic_consume):
    """The name of the parameter, which 1.0 changed."""
    names = _messaging.parameters(basic_consume)
    return "on_message_callback" if "on_message_callback" in names else "consumer_callback"


def _common(channel):
    """What the spans of a channel have in common."""
    common = getattr(channel, "_lumigo", None)
    if common is None:
        connection = channel.connection
        parameters = getattr(connection, "_impl", connection).params
        common = channel._lumigo = _amqp.base(parameters.host, parameters.port)
    return common


# --- publishing ---------------------------------------------------------------------------


def _publish(original, make):
    return _messaging.sends(lambda channel, given: _begin(channel, given, make))(original)


def _begin(channel, given, make):
    properties = given.get("properties")
    span = _amqp.published(
        _common(channel), given.get("exchange"), given.get("routing_key"), properties, given.get("body")
    )
    headers = getattr(properties, "headers", None)
    if not _messaging.propagated(headers):
        properties = make() if properties is None else copy(properties)
        properties.headers = _messaging.with_entries(headers, span)
        given.put("properties", properties)
    return span


# --- consuming ----------------------------------------------------------------------------


def _with_callback(original, parameter):
    """A method that takes a callback(channel, method, properties, body), which processes a message."""
    names = _messaging.parameters(original)

    def with_callback(self, *args, **named):
        given = _messaging.Arguments(names, args, named)
        try:
            callback = given.get(parameter)
            if callable(callback) and not _tracing.suppressed():
                given.put(parameter, _callback(callback, given.get("queue")))
        except Exception as error:
            trouble(error)
        return original(self, *given.args, **given.named)

    return with_callback


def _callback(callback, queue):
    def process(channel, method, properties, body):
        turn = _messaging.Turn()
        _messaging.begin(turn, _process, channel, queue, method, properties, body)
        try:
            answer = callback(channel, method, properties, body)
        except BaseException as error:
            turn.done(error)
            raise
        turn.done()
        return answer

    return process


def _process(channel, queue, method, properties, body):
    return _amqp.delivered(
        _common(channel), queue, method.exchange, method.routing_key, method.delivery_tag, properties, body
    )


def _consume(original):
    names = _messaging.parameters(original)

    def consume(self, *args, **named):
        messages = original(self, *args, **named)
        queue = _messaging.Arguments(names, args, named).get("queue")
        return _loop(self, queue, messages)

    return consume


def _loop(channel, queue, messages):
    turn = _messaging.Turn()
    try:
        for message in messages:
            if message[0] is not None:  # else it is only that none has come for long
                _messaging.begin(turn, _process, channel, queue, *message)
            yield message
            turn.done()
    finally:
        turn.done()
        messages.close()


def _get(original):
    names = _messaging.parameters(original)

    def basic_get(self, *args, **named):
        start = time_ns()
        message = original(self, *args, **named)
        try:
            method, properties, body = message
            if method is not None and not _tracing.suppressed():
                queue = _messaging.Arguments(names, args, named).get("queue")
                _amqp.fetched(
                    _common(self), queue, method.exchange, method.routing_key, method.delivery_tag, properties, body, start
                ).end()
        except Exception as error:
            trouble(error)
        return message

    return basic_get
