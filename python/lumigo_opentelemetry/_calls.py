"""Spans around calls: the wrappers that hooks of clients share.

A hook says how a span begins, begin(self, args, named) -> a span or None for a call that is
not traced, and what it takes from the answer, answered(span, answer). Neither can break the
call, which is made outside of the guard, once, with what it was given.
"""

from . import _tracing
from ._http import trouble

ITEMS = 20  # shown of a list or a dict

_PLAIN = frozenset((str, bytes, int, float, bool, type(None)))


def traced(begin, answered=None):
    """A wrapper maker, as _imports.wrap wants it, for a function or method."""

    def make(original):
        def wrapper(self, *args, **named):
            try:
                span = begin(self, args, named)
            except Exception as error:
                trouble(error)
                span = None
            if span is None:
                return original(self, *args, **named)
            try:
                answer = original(self, *args, **named)
                if answered is not None:
                    _take(answered, span, answer)
                return answer
            except BaseException as error:
                span.record_exception(error)
                raise
            finally:
                span.end()

        return wrapper

    return make


def async_traced(begin, answered=None):
    """The same for a coroutine function."""

    def make(original):
        async def wrapper(self, *args, **named):
            try:
                span = begin(self, args, named)
            except Exception as error:
                trouble(error)
                span = None
            if span is None:
                return await original(self, *args, **named)
            try:
                answer = await original(self, *args, **named)
                if answered is not None:
                    _take(answered, span, answer)
                return answer
            except BaseException as error:
                span.record_exception(error)
                raise
            finally:
                span.end()

        return wrapper

    return make


def _take(answered, span, answer):
    try:
        if span.recording:
            answered(span, answer)
    except Exception as error:
        trouble(error)


def shown(value, depth=0):
    """A copy of as much of a value as is shown: it may be large, and the app's to change."""
    if depth < 6:
        if isinstance(value, dict):
            return {_key(key): shown(value[key], depth + 1) for key in list(value)[:ITEMS]}
        if isinstance(value, (list, tuple, set, frozenset)):
            if len(value) > ITEMS:
                value = [each for each, _ in zip(value, range(ITEMS))]
            return [shown(each, depth + 1) for each in value]
    return text(value)


def text(value):
    """The same for what has no parts."""
    kind = type(value)
    if kind not in _PLAIN:
        value = bytes(value) if isinstance(value, (bytearray, memoryview)) else str(value)
        kind = type(value)
    if kind is str or kind is bytes:
        limit = _tracing.settings.capture
        return value if len(value) <= limit else value[:limit]
    return value


def _key(key):
    return key if type(key) is str or type(key) is bytes else str(key)
