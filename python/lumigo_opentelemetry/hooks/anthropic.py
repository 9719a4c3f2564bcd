"""anthropic, with and without asyncio: a client span for each message asked for, above its requests on the wire."""

from .. import _genai, _imports
from .._genai import TEXT
from .._http import trouble


def install(module):
    _imports.wrap(module.Messages, "create", _genai.sync(_MESSAGES))
    _imports.wrap(module.AsyncMessages, "create", _genai.asynchronous(_MESSAGES))
    if hasattr(module.Messages, "stream"):
        _imports.wrap(module.Messages, "stream", _stream)
        _imports.wrap(module.AsyncMessages, "stream", _stream)


def _stream(original):
    """stream() only prepares a request, which its context manager makes as it is entered."""

    def wrapper(self, *args, **named):
        manager = original(self, *args, **named)
        try:
            name = "_%s__api_request" % type(manager).__name__
            request = getattr(manager, name)
            if callable(request):
                made = _genai.sync(_MESSAGES)(lambda resource, **_: request())
                setattr(manager, name, lambda: made(self, **named))
            else:  # a coroutine
                setattr(manager, name, _Request(self, request, named))
        except Exception as error:
            trouble(error)
        return manager

    return wrapper


class _Request:
    """A request that begins when it is awaited, if ever."""

    __slots__ = ("resource", "request", "named")

    def __init__(self, resource, request, named):
        self.resource, self.request, self.named = resource, request, named

    def __await__(self):
        async def ask(resource, **_):
            return await self.request

        return _genai.asynchronous(_MESSAGES)(ask)(self.resource, **self.named).__await__()


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
