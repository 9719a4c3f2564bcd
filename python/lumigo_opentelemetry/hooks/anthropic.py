"""anthropic, with and without asyncio: a client span for each message asked for, above its requests on the wire."""

import sys

from .. import _genai, _imports
from .._genai import TEXT
from .._http import trouble


def install(module):
    if not hasattr(module, "Messages"):
        _genai.closing(module)
        return
    _imports.wrap(module.Messages, "create", _genai.sync(_MESSAGES))
    _imports.wrap(module.AsyncMessages, "create", _genai.asynchronous(_MESSAGES))
    if hasattr(module.Messages, "stream"):
        _imports.wrap(module.Messages, "stream", _stream)
        _imports.wrap(module.AsyncMessages, "stream", _stream)
        inner = sys.modules.get(module.Messages.__module__)
        if hasattr(inner, "MessageStreamManager"):
            _imports.wrap(inner.MessageStreamManager, "__enter__", _enter)
            _imports.wrap(inner.AsyncMessageStreamManager, "__aenter__", _enter_async)


def _stream(original):
    """stream() only prepares a request, which its context manager makes as it is entered."""

    def wrapper(self, *args, **named):
        manager = original(self, *args, **named)
        try:
            name = "_%s__api_request" % type(manager).__name__
            request = getattr(manager, name)
            manager._lumigo_answers = answers = []
            if callable(request):
                made = _genai.sync(_MESSAGES)(lambda resource, **_: request())

                def asked():
                    answers.append(made(self, **named))
                    return answers[-1]

                setattr(manager, name, asked)
            else:  # a coroutine
                setattr(manager, name, _Request(self, request, named, answers))
        except Exception as error:
            trouble(error)
        return manager

    return wrapper


class _Request:
    """A request that begins when it is awaited, if ever."""

    __slots__ = ("resource", "request", "named", "answers")

    def __init__(self, resource, request, named, answers):
        self.resource, self.request, self.named, self.answers = resource, request, named, answers

    def __await__(self):
        return self._answer().__await__()

    async def _answer(self):
        async def ask(resource, **_):
            return await self.request

        answer = await _genai.asynchronous(_MESSAGES)(ask)(self.resource, **self.named)
        self.answers.append(answer)
        return answer


def _enter(original):
    def wrapper(self):
        stream = original(self)
        _follow(self, stream)
        return stream

    return wrapper


def _enter_async(original):
    async def wrapper(self):
        stream = await original(self)
        _follow(self, stream)
        return stream

    return wrapper


def _follow(manager, stream):
    """Up to 0.4x a manager may read the answer's response through another stream, which then is the one to follow."""
    try:
        answers = manager.__dict__.get("_lumigo_answers")
        answer = answers.pop() if answers else None
        read = getattr(stream, "_raw_stream", answer)
        pieces = getattr(answer, "_iterator", None)
        if read is not answer and hasattr(pieces, "_parts"):
            pieces._parts, read._iterator = read._iterator, pieces
    except Exception as error:
        trouble(error)


def _message(answer, take):
    take("gen_ai.response.model", getattr(answer, "model", None))
    take("gen_ai.response.id", getattr(answer, "id", None))
    if getattr(answer, "stop_reason", None):
        take("gen_ai.response.finish_reasons", [answer.stop_reason])
    _usage(getattr(answer, "usage", None), take)
    for block in getattr(answer, "content", None) or ():
        take(TEXT, getattr(block, "text", None))


def _piece(part, take):
    if part.type == "message_start":
        _message(part.message, take)
    elif part.type == "content_block_delta":
        take(TEXT, getattr(part.delta, "text", None))
    elif part.type == "message_delta":
        if part.delta.stop_reason:
            take("gen_ai.response.finish_reasons", [part.delta.stop_reason])
        _usage(part.usage, take)


def _usage(usage, take):
    take("gen_ai.usage.input_tokens", getattr(usage, "input_tokens", None))
    take("gen_ai.usage.output_tokens", getattr(usage, "output_tokens", None))


_MESSAGES = _genai.Kind("anthropic", "chat", _message, _piece)
