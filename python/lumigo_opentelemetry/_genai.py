"""Spans around calls of language models, by the conventions for generative AI: what the hooks of their clients share.

A hook has a Kind for each method: how to name it, and how to read what comes back, whole or in pieces. What streams is
read by the app alone, when it likes, and the span ends with the last piece that it reads.
"""

from . import _imports, _tracing, _values
from ._http import trouble

TEXT = "gen_ai.output.messages"

# Parameters that are attributes as they are.
_REQUEST = {
    "model": "gen_ai.request.model",
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "top_k": "gen_ai.request.top_k",
    "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "max_output_tokens": "gen_ai.request.max_tokens",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "seed": "gen_ai.request.seed",
    "dimensions": "gen_ai.embeddings.dimension.count",
}
_PLAIN = (str, int, float)


class Kind:
    """A method of a client. operation: as the conventions name it. whole(answer, take) and piece(part, take) read an
    answer, or a part of one that streams: take(attribute, value), where texts of TEXT are joined."""

    def __init__(self, provider, operation, whole, piece=None):
        self.provider = provider
        self.operation = operation
        self.whole = whole
        self.piece = piece

    def begin(self, resource, named):
        if _tracing.suppressed():
            return None
        attributes = {"gen_ai.operation.name": self.operation, "gen_ai.provider.name": self.provider}
        for name, attribute in _REQUEST.items():
            value = named.get(name)
            if isinstance(value, _PLAIN):
                attributes[attribute] = value
        _describe(named, attributes, self.provider)
        url = getattr(getattr(resource, "_client", None), "base_url", None)
        if url is not None:
            attributes["server.address"] = url.host
            attributes["server.port"] = url.port or (443 if url.scheme == "https" else 80)
        model = attributes.get("gen_ai.request.model")
        name = self.operation + " " + model if model else self.operation
        span = _tracing.start_span(name, _tracing.CLIENT, attributes)
        if span.recording and _tracing.settings.capture:
            try:
                for name in ("messages", "input", "prompt"):
                    if name in named:
                        attributes["gen_ai.input.messages"] = _values.plain(named[name], _dumped)
                for name in ("system", "instructions"):
                    if isinstance(named.get(name), (str, list)):
                        attributes["gen_ai.system_instructions"] = _values.plain(named[name])
            except Exception as error:  # of the messages' own methods
                trouble(error)
        return span

    def read(self, span, reader, answer):
        """Takes from an answer, or a part of one, what is told of it; raw responses tell nothing."""
        if not span.recording or reader is self.whole and not hasattr(answer, "model"):
            return
        attributes = span.attributes

        def take(name, value):
            if value is None:
                return
            if name == TEXT:
                limit = _tracing.settings.capture
                before = attributes.get(TEXT, "")
                if len(before) < limit:
                    attributes[TEXT] = before + value[: limit - len(before)]
            else:
                attributes[name] = value

        try:
            reader(answer, take)
        except Exception as error:
            trouble(error)


def _describe(named, attributes, provider):
    """Parameters that are attributes in another shape."""
    for name, attribute in (
        ("stop", "gen_ai.request.stop_sequences"),
        ("stop_sequences", "gen_ai.request.stop_sequences"),
        ("encoding_format", "gen_ai.request.encoding_formats"),
    ):
        value = named.get(name)
        if isinstance(value, str):
            attributes[attribute] = [value]
        elif isinstance(value, (list, tuple)):
            attributes[attribute] = _values.plain(value)
    choices = named.get("n")
    if isinstance(choices, int) and choices != 1:
        attributes["gen_ai.request.choice.count"] = choices
    wanted = named.get("response_format")
    wanted = wanted.get("type") if isinstance(wanted, dict) else None
    if wanted:
        attributes["gen_ai.output.type"] = "json" if str(wanted).startswith("json") else wanted
    tier = named.get("service_tier")
    if provider == "openai" and isinstance(tier, str) and tier != "auto":
        attributes["openai.request.service_tier"] = tier


def _dumped(value):
    """Messages may be objects of the library's own."""
    dump = getattr(value, "model_dump", None)
    return dump() if callable(dump) and not isinstance(value, type) else value


def sync(kind):
    """A wrapper maker for a method of a client."""

    def make(original):
        def wrapper(self, *args, **named):
            span = _begun(kind, self, named)
            if span is None:
                return original(self, *args, **named)
            token = _tracing.activate(span)
            try:
                answer = original(self, *args, **named)
            except BaseException as error:
                _failed(span, error)
                raise
            finally:
                _tracing.deactivate(token)
            return answered(kind, span, answer)

        return wrapper

    return make


def asynchronous(kind):
    def make(original):
        async def wrapper(self, *args, **named):
            span = _begun(kind, self, named)
            if span is None:
                return await original(self, *args, **named)
            token = _tracing.activate(span)
            try:
                answer = await original(self, *args, **named)
            except BaseException as error:
                _failed(span, error)
                raise
            finally:
                _tracing.deactivate(token)
            return answered(kind, span, answer)

        return wrapper

    return make


def _begun(kind, resource, named):
    try:
        return kind.begin(resource, named)
    except Exception as error:
        trouble(error)
        return None


def _failed(span, error):
    span.record_exception(error)
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        span.set_attribute("http.response.status_code", status)
    span.end()


def _keeps(kind):
    """Whether it is a raw response that keeps what it parses, and so the app's call of parse; others read what streams."""
    bases = [base.__name__ for base in kind.__bases__]
    return kind.__name__ == "LegacyAPIResponse" or kind.__name__ == "APIResponse" and bases == ["Generic"]  # up to 1.7


def answered(kind, span, answer):
    """The answer is there, or the stream of one, which goes on to be read through us."""
    try:
        parts = getattr(answer, "_iterator", None)
        if kind.piece is not None and parts is not None:
            _tracing.unfinished.add(span)
            answer._iterator = (_Pieces if hasattr(parts, "__next__") else _AsyncPieces)(parts, kind, span)
            return answer
        if _keeps(type(answer)):
            parsed = answer.parse()
            if parsed is not None:
                answered(kind, span, parsed)
                return answer
        kind.read(span, kind.whole, answer)
    except Exception as error:
        trouble(error)
    span.end()
    return answer


class _Following:
    def __init__(self, parts, kind, span):
        self._parts = parts
        self._kind = kind
        self._span = span

    def __getattr__(self, name):
        if name == "_parts":
            raise AttributeError(name)
        return getattr(self._parts, name)

    def _end(self, error=None):
        _tracing.unfinished.discard(self._span)
        if error is None:
            self._span.end()
        else:
            _failed(self._span, error)

    def __del__(self):  # the app has stopped reading
        if "_span" in self.__dict__:
            self._end()


class _Pieces(_Following):
    def __iter__(self):
        return self

    def __next__(self):
        try:
            part = next(self._parts)
        except StopIteration:
            self._end()
            raise
        except BaseException as error:
            self._end(error)
            raise
        self._kind.read(self._span, self._kind.piece, part)
        return part


class _AsyncPieces(_Following):
    def __aiter__(self):
        return self

    async def __anext__(self):
        try:
            part = await self._parts.__anext__()
        except StopAsyncIteration:
            self._end()
            raise
        except BaseException as error:
            self._end(error)
            raise
        self._kind.read(self._span, self._kind.piece, part)
        return part


def closing(module):
    """Ends the spans of a module's streams as the app closes them, which it may still hold then."""
    for name, kind in list(vars(module).items()):
        if name.endswith("Stream") and isinstance(kind, type) and "close" in vars(kind):
            _imports.wrap(kind, "close", _async_closed if name.startswith("Async") else _closed)


def _closed(original):
    def wrapper(self):
        try:
            return original(self)
        finally:
            _close(self)

    return wrapper


def _async_closed(original):
    async def wrapper(self):
        try:
            return await original(self)
        finally:
            _close(self)

    return wrapper


@_imports.guard
def _close(stream):
    for each in (stream, getattr(stream, "_raw_stream", None)):  # of the libraries' helpers, around another
        pieces = getattr(each, "_iterator", None)
        if isinstance(pieces, _Following):
            pieces._end()
