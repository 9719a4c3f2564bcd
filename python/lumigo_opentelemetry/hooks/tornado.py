"""Tornado: a server span for each request that its web applications handle, and a client span for each fetch.

A server span ends when the handler finishes the response, that of a websocket with its handshake. The route is the regular
expression that the path has matched. WSGI applications in Tornado's container have the spans of their framework.
"""

from copy import copy

from .. import _asgi, _http, _imports, _tracing
from .._http import trouble


def install(module):
    name = module.__name__
    if name == "tornado.routing":
        _imports.wrap(module.PathMatches, "match", _match)
    elif name == "tornado.web":
        _imports.wrap(module._HandlerDelegate, "execute", _execute)
        _imports.wrap(module._HandlerDelegate, "data_received", _data_received)
        _imports.wrap(module.RequestHandler, "flush", _flush)
        _imports.wrap(module.RequestHandler, "finish", _finish)
        _imports.wrap(module.RequestHandler, "_handle_request_exception", lambda original: _exception(original, module))
    elif name == "tornado.simple_httpclient":
        _imports.wrap(module.SimpleAsyncHTTPClient, "fetch_impl", _fetch)
    else:
        _imports.wrap(module.CurlAsyncHTTPClient, "fetch_impl", _fetch)


# --- server -----------------------------------------------------------------------------


def _begin(request):
    version = request.version
    host = getattr(request.connection, "context", None)
    address = getattr(host, "address", None)
    scope = {
        "type": "http",
        "method": request.method,
        "scheme": request.protocol,
        "path": request.path,
        "query_string": request.query.encode("utf-8", "replace"),
        "headers": [
            (name.lower().encode("latin-1", "replace"), value.encode("latin-1", "replace"))
            for name, value in request.headers.get_all()
        ],
        "http_version": version[5:] if version.startswith("HTTP/") else "",
        "client": address[:2] if isinstance(address, tuple) else None,
    }
    _http.framework("tornado")
    traced = _asgi.begin(scope)
    if traced is not None:
        request._lumigo_left = _Left(traced)
    if traced is not None and traced.span.recording:
        route = getattr(request, "_lumigo_route", None)
        if route is not None:
            traced.route(_http.template(route))
        if traced.received is not None and isinstance(request.body, bytes):  # else the handler takes it in parts
            traced.received.write(request.body)
    return traced


class _Left:
    """Ends the span of a request with the request, where nobody has finished it because its client has gone."""

    __slots__ = ("traced",)

    def __init__(self, traced):
        self.traced = traced

    def __del__(self):
        self.traced.finish()


def _match(original):
    def wrapper(self, request):
        found = original(self, request)
        if found is not None:
            try:
                request._lumigo_route = self.regex.pattern
            except Exception as error:
                trouble(error)
        return found

    return wrapper


def _execute(original):
    def wrapper(self):
        traced = None
        try:
            traced = self.request._lumigo = _begin(self.request)
        except Exception as error:
            trouble(error)
        if traced is None:
            return original(self)
        span = _tracing.activate(traced.span)
        try:
            return original(self)
        except BaseException as error:
            traced.fail(error)
            traced.finish()
            raise
        finally:
            _tracing.deactivate(span)  # what it has started has its own copy of the context

    return wrapper


def _data_received(original):
    def wrapper(self, data):
        try:
            traced = getattr(self.request, "_lumigo", None)  # there only where a handler takes the body in parts
            if traced is not None and traced.received is not None:
                traced.received.write(data)
        except Exception as error:
            trouble(error)
        return original(self, data)

    return wrapper


def _traced(handler):
    """The Request that a handler handles, until it is done."""
    traced = getattr(handler.request, "_lumigo", None)
    return None if traced is None or traced.done else traced


def _flush(original):
    def wrapper(self, *args, **named):
        try:
            traced = _traced(self)
            if traced is not None and self.request.method != "HEAD":
                if "Content-Encoding" not in self._headers:
                    traced.unpacked = True  # Tornado packs it later, if at all
                for part in self._write_buffer:
                    traced.keep(part)
        except Exception as error:
            trouble(error)
        return original(self, *args, **named)

    return wrapper


def _finish(original):
    def wrapper(self, *args, **named):
        result = original(self, *args, **named)
        try:
            traced = _traced(self)
            if traced is not None:
                traced.status = self.get_status()
                traced.headers = list(self._headers.get_all())
                if traced.parts and getattr(traced, "unpacked", False):
                    traced.parts.append(False)
                traced.finish()
        except Exception as error:
            trouble(error)
        return result

    return wrapper


def _exception(original, web):
    def wrapper(self, e):
        try:
            traced = _traced(self)
            answer = isinstance(e, web.Finish) or isinstance(e, web.HTTPError) and e.status_code < 500
            if traced is not None and not answer:
                traced.fail(e)
        except Exception as error:
            trouble(error)
        return original(self, e)

    return wrapper


# --- client -----------------------------------------------------------------------------


def _fetch(original):
    def wrapper(self, request, callback):
        span = capture = None
        try:
            if not _tracing.suppressed() and getattr(request, "original_request", None) is None:  # else a redirect
                span, request, capture = _send(request)
        except Exception as error:
            trouble(error)
        if span is None:
            return original(self, request, callback)

        def answered(response):
            _answered(span, response, capture)
            return callback(response)

        try:
            return original(self, request, answered)
        except BaseException as error:
            span.record_exception(error)
            span.end()
            raise

    return wrapper


def _send(proxy):
    """The span of a request, the request to be sent, which is a copy with the headers that propagate the span, and what
    keeps the response's body where the application takes it in parts."""
    method, url = proxy.method, proxy.url
    scheme, _, rest = url.partition("://")
    authority = rest.partition("/")[0].partition("?")[0].rpartition("@")[2]
    host, port = _http.address(authority, scheme)
    headers = proxy.headers
    agent = proxy.user_agent or headers.get("User-Agent")
    span = _http.calling(method, url, host, port, agent, list(headers.get_all()), proxy.body)
    if span is None or _http.settled([name.lower() for name in headers]):
        return span, proxy, None
    sent = copy(proxy.request)
    sent._lumigo_given = proxy.request
    capture = _http.keeper() if proxy.streaming_callback is not None else None
    if capture is not None:
        sent.streaming_callback = _keeping(capture, proxy.streaming_callback)
    sent.headers = headers.copy()
    _tracing.inject(sent.headers.__setitem__, span)
    return span, proxy.__class__(sent, proxy.defaults), capture


def _keeping(capture, callback):
    def wrapper(data):
        try:
            capture.write(data)
        except Exception as error:
            trouble(error)
        return callback(data)

    return wrapper


def _answered(span, response, capture):
    try:
        given = getattr(response.request, "_lumigo_given", None)
        if given is not None:
            response.request = given  # and not our copy of it
        if span.recording:
            if response.code == 599:  # there is no response
                span.record_exception(response.error)
            else:
                _http.answered(span, response.code, list(response.headers.get_all()))
                if capture is None:
                    capture = _http.keeper()
                    if capture is not None and response.body:
                        capture.write(response.body)
                if capture is not None:
                    span.attributes["http.response.payload"] = capture.parts
    except Exception as error:
        trouble(error)
    span.end()
