"""httpx, with and without asyncio: a client span for each request on the wire, below its clients.

A span ends when the response's body has been read to its end or closed, as its connection is given back. Transports that
put no request on the wire, those of tests and of applications in the same process, have no spans.
"""

from time import time_ns

from .. import _http, _imports, _log, _tracing
from .._http import trouble


def install(module):
    if module.HTTPTransport.handle_request.__code__.co_varnames[:2] != ("self", "request"):
        _log.debug("httpx %s is not traced: it is older than 0.20" % module.__version__)
        return
    body, async_body = _bodies(module)
    _imports.wrap(module.HTTPTransport, "handle_request", lambda original: _handle(original, body))
    _imports.wrap(module.AsyncHTTPTransport, "handle_async_request", lambda original: _async_handle(original, async_body))


def _handle(original, body):
    def handle_request(self, request):
        span, sent = _begin(request)
        if span is None:
            return original(self, request)
        try:
            response = original(self, sent)
        except BaseException as error:
            span.record_exception(error)
            span.end()
            raise
        _answered(span, response, body)
        return response

    return handle_request


def _async_handle(original, body):
    async def handle_async_request(self, request):
        span, sent = _begin(request)
        if span is None:
            return await original(self, request)
        try:
            response = await original(self, sent)
        except BaseException as error:
            span.record_exception(error)
            span.end()
            raise
        _answered(span, response, body)
        return response

    return handle_async_request


def _begin(request):
    """The span of a request, and the request to be sent: a copy, with the headers that propagate the span."""
    try:
        url, headers = request.url, request.headers
        port = url.port or (443 if url.scheme == "https" else 80)
        body = getattr(request, "_content", None)  # not there when it is a stream, which is the transport's to read
        agent = headers.get("user-agent")
        span = _http.calling(request.method, str(url), url.host, port, agent, list(headers.raw), body)
        if span is None or _http.settled(headers):
            return span, request
        sent = request.__class__.__new__(request.__class__)
        sent.__dict__.update(request.__dict__)
        sent.headers = headers.copy()  # a redirect has the headers of the request before it, and a span of its own
        _tracing.inject(sent.headers.__setitem__, span)
        return span, sent
    except Exception as error:
        trouble(error)
        return None, request


def _answered(span, response, body):
    """The head of the response is there."""
    try:
        if not span.recording:
            return
        version = response.extensions.get("http_version", b"").decode("latin-1").partition("/")[2]
        _http.answered(span, response.status_code, list(response.headers.raw), version)
        response.stream = body(response.stream, span)
    except Exception as error:
        trouble(error)
        span.end()


class _Kept:
    """What is kept of a body."""

    __slots__ = ("span", "capture", "last")

    def __init__(self, span):
        self.span = span
        self.capture = _http.keeper()
        self.last = time_ns()  # when bytes last came
        _tracing.unfinished.add(self)

    def keep(self, part):
        try:
            self.last = time_ns()
            if self.capture is not None:
                self.capture.write(part)
        except Exception as error:
            trouble(error)

    def end(self):
        _tracing.unfinished.discard(self)
        span = self.span
        try:
            if span.recording and self.capture is not None and self.capture.parts:
                span.attributes["http.response.payload"] = self.capture.parts
        except Exception as error:
            trouble(error)
        span.end(self.last)


class _Reading:
    """A body that the application reads. It may be in a cycle, as openai's streams are, which nothing may come to free."""

    def __init__(self, stream, span):
        self._stream = stream
        self._kept = _Kept(span)

    def __getattr__(self, name):
        if name == "_stream":
            raise AttributeError(name)
        return getattr(self._stream, name)

    def __del__(self):  # the application has let go of it without a word
        if "_kept" in self.__dict__:
            self._kept.end()


def _bodies(httpx):
    class Body(_Reading, httpx.SyncByteStream):
        def __iter__(self):
            try:
                for part in self._stream:
                    self._kept.keep(part)
                    yield part
            except Exception as error:
                self._kept.span.record_exception(error)
                raise

        def close(self):
            try:
                self._stream.close()
            finally:
                self._kept.end()

    class AsyncBody(_Reading, httpx.AsyncByteStream):
        async def __aiter__(self):
            try:
                async for part in self._stream:
                    self._kept.keep(part)
                    yield part
            except Exception as error:
                self._kept.span.record_exception(error)
                raise

        async def aclose(self):
            try:
                await self._stream.aclose()
            finally:
                self._kept.end()

    return Body, AsyncBody
