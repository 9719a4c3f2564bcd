"""aio-pika: a producer span for each message that is published, a consumer span while a callback or the body of a loop
over a queue processes one, and a client span for one that get() brings."""

from copy import copy
from inspect import iscoroutinefunction
from time import time_ns

from .. import _amqp, _imports, _messaging, _tracing
from .._http import trouble


def install(module):
    if hasattr(module, "RobustQueue"):
        iterator = getattr(module, "RobustQueueIterator", None)
        if iterator is not None and "__anext__" in vars(iterator):  # then it does not ask the one that it derives from
            _imports.wrap(iterator, "__anext__", _anext)
    elif hasattr(module, "QueueIterator"):
        _imports.wrap(module.Queue, "consume", lambda original: _consume(original, module.QueueIterator))
        _imports.wrap(module.Queue, "get", _get)
        _imports.wrap(module.Queue, "__aiter__", _aiter)
        iterator = module.QueueIterator
        iterator._lumigo = None  # its Turn
        _imports.wrap(iterator, "__aiter__", _aiter)
        _imports.wrap(iterator, "__anext__", _anext)
        _imports.wrap(iterator, "close", _close)
    else:
        _imports.wrap(module.Exchange, "publish", _messaging.async_sends(_begin))


def _common(entity):
    """What the spans of an exchange or a queue have in common."""
    channel = entity.channel
    for name in ("_connection", "connection", "connector"):  # as versions have called it
        url = getattr(getattr(channel, name, None), "url", None)
        if url is not None:
            return _amqp.base(url.host, url.port or (5671 if url.scheme == "amqps" else 5672))
    return _amqp.base(None, None)


# --- publishing ---------------------------------------------------------------------------


def _begin(exchange, given):
    message = given.get("message")
    span = _amqp.published(_common(exchange), exchange.name, given.get("routing_key"), message, message.body)
    headers = message.headers
    if not _messaging.propagated(headers):
        message = copy(message)
        message.headers = _messaging.with_entries(headers, span)
        given.put("message", message)
    return span


# --- consuming ----------------------------------------------------------------------------


def _process(queue, message):
    return _amqp.delivered(
        _common(queue), queue.name, message.exchange, message.routing_key, message.delivery_tag, message, message.body
    )


def _consume(original, iterator):
    names = _messaging.parameters(original)

    async def consume(self, *args, **named):
        given = _messaging.Arguments(names, args, named)
        try:
            callback = given.get("callback")
            # A loop over the queue has a callback of its own.
            if callable(callback) and not isinstance(getattr(callback, "__self__", None), iterator):
                given.put("callback", _callback(callback, self))
        except Exception as error:
            trouble(error)
        return await original(self, *given.args, **given.named)

    return consume


def _callback(callback, queue):
    async def processed(message):
        turn = _messaging.Turn()
        _messaging.begin(turn, _process, queue, message)
        try:
            answer = await callback(message)
        except BaseException as error:
            turn.done(error)
            raise
        turn.done()
        return answer

    def process(message):
        """For what is no coroutine function, but may return something to be awaited, which begins when it is."""
        turn = _messaging.Turn()
        _messaging.begin(turn, _process, queue, message)
        try:
            answer = callback(message)
        except BaseException as error:
            turn.done(error)
            raise
        if hasattr(answer, "__await__"):
            return _finish(turn, answer)
        turn.done()
        return answer

    return processed if iscoroutinefunction(callback) else process


async def _finish(turn, answer):
    try:
        answer = await answer
    except BaseException as error:
        turn.done(error)
        raise
    turn.done()
    return answer


def _turn(iterator):
    turn = iterator._lumigo
    if turn is None:
        turn = iterator._lumigo = _messaging.Turn()
    return turn


def _aiter(original):
    def __aiter__(self):  # of a queue, too, whose iterator goes on to consume when a loop is left
        messages = original(self)
        try:
            return _messaging.AsyncLoop(messages, _turn(messages))
        except Exception as error:
            trouble(error)
            return messages

    return __aiter__


def _anext(original):
    async def __anext__(self):
        turn = _turn(self)
        turn.done()
        message = await original(self)
        _messaging.begin(turn, _process, self._amqp_queue, message)
        return message

    return __anext__


def _close(original):
    def close(self, *args, **named):
        _turn(self).done()
        return original(self, *args, **named)

    async def close_later(self, *args, **named):
        return await close(self, *args, **named)

    # Until 9.0 it begins as it is called, whether it is awaited or not.
    return close_later if iscoroutinefunction(original) else close


def _get(original):
    async def get(self, *args, **named):
        start = time_ns()
        message = await original(self, *args, **named)
        try:
            if message is not None and not _tracing.suppressed():
                _amqp.fetched(
                    _common(self), self.name, message.exchange, message.routing_key, message.delivery_tag, message,
                    message.body, start,
                ).end()  # fmt: skip
        except Exception as error:
            trouble(error)
        return message

    return get
