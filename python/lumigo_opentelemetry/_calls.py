"""Spans around calls: the wrappers that hooks of clients share.

A hook says how a span begins, begin(self, args, named) -> a span or None for a call that is
not traced, and what it takes from the answer, answered(span, answer). Neither can break the
call, which is made outside of the guard, once, with what it was given; named is this call's
own dict, in which begin may put a header.
"""

from . import _tracing
from ._http import trouble


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


def alone(original):
    """A function for which others are called that are traced as well; these are part of its own span."""

    def function(*args, **named):
        with _tracing.suppress():
            return original(*args, **named)

    return function


def async_alone(original):
    """The same for a coroutine function."""

    async def function(*args, **named):
        with _tracing.suppress():
            return await original(*args, **named)

    return function


def _take(answered, span, answer):
    try:
        if span.recording:
            answered(span, answer)
    except Exception as error:
        trouble(error)
