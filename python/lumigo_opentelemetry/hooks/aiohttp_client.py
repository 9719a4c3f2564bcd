"""aiohttp's client: a span for each request on the wire, so that a redirect has one of its own.

A span begins before the connection is made, and ends when the response's body has been read, or is given up.
"""

from _contextvars import ContextVar
from time import time_ns
from weakref import ref

from .. import _http, _imports, _tracing
from .._http import trouble
from .aiohttp_streams import kept

_calls = ContextVar("lumigo_aiohttp_call", default=None)


def install(module):
    _imports.wrap(module.ClientSession, "_request", _request)
    _imports.wrap(module.BaseConnector, "connect", _connect)
    response = module.ClientResponse
    response._lumigo = None  # the Reading under way, on each object
    _imports.wrap(response, "start", _start)
    _imports.wrap(response, "read", _read)
    _imports.wrap(response, "release", _let_go)
    _imports.wrap(response, "close", _let_go)


class Call:
    """What an application asks for by one call, whatever number of requests that takes. span: of the one that waits for
    its response."""

    __slots__ = ("span", "unpacks")

    def __init__(self, session):
        self.span = None
        self.unpacks = getattr(session, "_auto_decompress", True)

    def begin(self, request):
        self.end(None)  # a connection that turned out to be closed is replaced without a word
        url = request.url
        headers = request.headers  # the request's own, whatever the application gave
        pairs = [(str(name), str(value)) for name, value in headers.items()]
        body = getattr(request.body, "_value", request.body)  # of a payload
        if not isinstance(body, (bytes, bytearray)):
            body = None
        agent = headers.get("User-Agent")
        self.span = span = _http.calling(request.method, str(url), url.host, url.port, agent, pairs, body)
        if span is not None and not _http.settled([name.lower() for name in headers]):
            _tracing.inject(headers.__setitem__, span)

    def answered(self, response):
        """The head of the response is there."""
        span = self.span
        if span is None:
            return
        self.span = None
        if span.recording:
            _http.answered(span, response.status, list(response.raw_headers), "%d.%d" % response.version[:2])
        content = response.content
        if response.status == 101 or content.at_eof():
            span.end()
        else:
            response._lumigo = reading = Reading(span, id(content), self.unpacks)
            content.on_eof(reading.arrived)

    def end(self, error):
        """No response will come."""
        span = self.span
        if span is not None:
            self.span = None
            if error is not None:
                span.record_exception(error)
            span.end()


class _Unfinished(ref):
    """A Reading, for the end of the process, that the application may let go of until then."""

    def end(self):
        reading = self()
        if reading is not None:
            reading.end()


class Reading:
    """A response whose body is being read from a stream, which lives at least as long as this."""

    __slots__ = ("span", "stream", "unpacked", "last", "__weakref__")

    def __init__(self, span, stream, unpacked):
        self.span = span
        self.stream = stream
        self.unpacked = unpacked
        self.last = None
        _tracing.unfinished.add(_Unfinished(self, _tracing.unfinished.discard))
        if span.recording and _tracing.settings.capture:
            kept[stream] = _tracing.Capture(_tracing.settings.capture)

    def arrived(self):
        self.last = time_ns()

    def end(self, error=None):
        span = self.span
        try:
            if span.recording:
                capture = kept.pop(self.stream, None)
                if capture is not None:
                    marks = [False] if self.unpacked else []
                    span.attributes["http.response.payload"] = capture.parts + marks
                if error is not None:
                    span.record_exception(error)
        except Exception as fault:
            trouble(fault)
        span.end(self.last)

    __del__ = end  # the application has let go of the response without a word


def _request(original):
    async def wrapper(self, *args, **named):
        call = Call(self)
        token = _calls.set(call)
        try:
            return await original(self, *args, **named)
        except BaseException as error:
            call.end(error)
            raise
        finally:
            try:
                _calls.reset(token)
            except ValueError:  # it is ended in another context than it has begun in
                pass

    return wrapper


def _connect(original):
    async def wrapper(self, req, *args, **named):
        call = _calls.get()
        if call is not None:
            try:
                call.begin(req)
            except Exception as error:
                trouble(error)
        return await original(self, req, *args, **named)

    return wrapper


def _start(original):
    async def wrapper(self, connection):
        result = await original(self, connection)
        call = _calls.get()
        if call is not None and self.method != "CONNECT":  # which a proxy answers
            try:
                call.answered(self)
            except Exception as error:
                trouble(error)
        return result

    return wrapper


def _read(original):
    async def wrapper(self):
        reading = self._lumigo
        if reading is None:
            return await original(self)
        self._lumigo = None
        try:
            body = await original(self)
        except BaseException as error:
            reading.end(error)
            raise
        reading.end()
        return body

    return wrapper


def _let_go(original):
    def wrapper(self):
        reading = self._lumigo
        if reading is not None:
            self._lumigo = None
            reading.end(self.content.exception())
        return original(self)

    return wrapper
