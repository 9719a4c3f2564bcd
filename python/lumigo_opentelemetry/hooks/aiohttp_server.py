"""aiohttp's server: a span for each request, with the route of its resource.

A span ends when the response has been sent, that of a websocket with its handshake. Bodies are kept as the application
reads and writes them.
"""

import sys

from .. import _asgi, _http, _imports, _log, _tracing
from .._http import serving, trouble
from .aiohttp_streams import kept


def install(module):
    name = module.__name__
    if name == "aiohttp.web_response":
        _imports.wrap(module.StreamResponse, "write", _write)
    elif name == "aiohttp.web_ws":
        _imports.wrap(module.WebSocketResponse, "prepare", _prepare)
    elif hasattr(module.RequestHandler, "_handle_request"):
        _imports.wrap(module.RequestHandler, "_handle_request", _handle_request)
        _imports.wrap(module.RequestHandler, "handle_error", _handle_error)
    else:
        _log.debug("The server of aiohttp is not traced: it is older than 3.7")


def _begin(request):
    version = request.version
    transport = request.transport
    scope = {
        "type": "http",
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "query_string": request.query_string.encode("utf-8", "replace"),
        "headers": [(name.lower(), value) for name, value in request.raw_headers],
        "http_version": "%d.%d" % (version.major, version.minor),
        "client": _inet(transport and transport.get_extra_info("peername")),
        "server": _inet(transport and transport.get_extra_info("sockname")),
    }
    _http.framework("aiohttp")
    return _asgi.begin(scope)


def _inet(name):
    """The address and port of a socket; None for a unix socket."""
    return name[:2] if isinstance(name, tuple) else None


def _handle_request(original):
    async def wrapper(self, request, *rest, **named):
        traced = None
        try:
            # Requests that could not be read come with a handler of their own.
            if len(rest) < 2 or rest[1] is self._request_handler:
                traced = _begin(request)
                if traced is not None and traced.received is not None:
                    kept[id(request.content)] = traced.received
        except Exception as error:
            trouble(error)
        if traced is None:
            return await original(self, request, *rest, **named)
        span = _tracing.activate(traced.span)
        try:
            result = await original(self, request, *rest, **named)
            _answer(traced, request, result[0] if isinstance(result, tuple) else None)
            return result
        except BaseException as error:  # the client has gone
            traced.fail(error)
            _answer(traced, request, None)
            raise
        finally:
            _tracing.deactivate(span)
            kept.pop(id(request.content), None)
            traced.finish()

    return wrapper


def _answer(traced, request, response):
    """Takes what the span needs from a request that has been handled."""
    try:
        if traced.done or not traced.span.recording:
            return
        match = getattr(request, "_match_info", None)
        resource = None if match is None else match.route.resource  # none for what matches nothing
        if resource is not None:
            traced.route(resource.canonical)
        if traced.received is not None:
            traced.received.parts.append(False)  # aiohttp unpacks before the application reads
        if response is None:
            return
        traced.status = response.status
        traced.headers = [(str(name), str(value)) for name, value in response.headers.items()]
        if not traced.parts:
            body = getattr(response, "body", None)
            body = getattr(body, "_value", body)  # of a payload
            if isinstance(body, (bytes, bytearray)):
                traced.keep(body)
        if traced.parts and response.compression:  # which comes after what is kept
            traced.parts.append(False)
    except Exception as error:
        trouble(error)


def _handle_error(original):
    def wrapper(self, request, status=500, exc=None, *rest, **named):
        try:
            traced = serving()
            error = exc or sys.exc_info()[1]
            if traced is not None and error is not None:
                traced.fail(error)
        except Exception as error:
            trouble(error)
        return original(self, request, status, exc, *rest, **named)

    return wrapper


def _write(original):
    async def wrapper(self, data):
        traced = serving()
        if traced is not None:
            traced.keep(data)
        return await original(self, data)

    return wrapper


def _prepare(original):
    async def wrapper(self, request):
        result = await original(self, request)
        traced = serving()
        if traced is not None:
            _answer(traced, request, self)
            traced.finish()
        return result

    return wrapper
