"""Servers written straight on http.server: one span for each request that BaseHTTPRequestHandler dispatches.

The handlers of wsgiref and werkzeug derive from it too; the WSGI seam traces those.
"""

from .. import _http, _imports, _tracing, _wsgi
from .._http import trouble

_WAITING = object()  # inside handle_one_request, before a request line has been read


def install(module):
    handler = module.BaseHTTPRequestHandler
    _imports.wrap(handler, "handle_one_request", _handle_one_request)
    _imports.wrap(handler, "parse_request", _parse_request)
    _imports.wrap(handler, "send_response_only", _send_response_only)
    _imports.wrap(handler, "send_header", _send_header)
    _imports.wrap(handler, "end_headers", _end_headers)


class _Carrier:
    __slots__ = ("headers",)

    def __init__(self, headers):
        self.headers = headers

    def get(self, name):
        return self.headers.get(name)


class Request(_http.Request):
    """A request of an http.server handler."""

    rfile = wfile = None  # the handler's own, while ours stand in for them
    head_sent = False


class _Output:
    """The handler's wfile, keeping what is written once the headers are out."""

    __slots__ = ("stream", "request")

    def __init__(self, stream, request):
        self.stream = stream
        self.request = request

    def write(self, data):
        result = self.stream.write(data)
        if self.request.head_sent:
            self.request.keep(data)
        return result

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def __getattr__(self, name):
        return getattr(self.stream, name)


def _begin(handler):
    method, headers = handler.command, handler.headers
    path, _, query = handler.path.partition("?")
    scheme = "https" if hasattr(handler.connection, "cipher") else "http"
    attributes = {"http.request.method": method, "url.path": path, "url.scheme": scheme}
    if query:
        attributes["url.query"] = attributes["http.request.query_string"] = query
    if method not in _http.METHODS:
        attributes["http.request.method"] = "_OTHER"
        attributes["http.request.method_original"] = method
    host = headers.get("host")
    if host:
        attributes["server.address"], attributes["server.port"] = _http.address(host, scheme)
    peer = handler.client_address
    if isinstance(peer, tuple) and len(peer) > 1:  # not a unix socket's
        attributes["network.peer.address"] = attributes["client.address"] = peer[0]
        attributes["network.peer.port"] = peer[1]
    forwarded = headers.get("x-forwarded-for")
    if forwarded:
        attributes["client.address"] = forwarded.partition(",")[0].strip()
    if handler.request_version[:5] == "HTTP/":
        attributes["network.protocol.version"] = handler.request_version[5:]
    agent = headers.get("user-agent")
    if agent:
        attributes["user_agent.original"] = agent

    parent = _tracing.extract(_Carrier(headers).get)
    if parent is None and _http.serving() is not None:
        parent = _tracing.CURRENT
    span = _tracing.start_span(_http.named(method), _tracing.SERVER, attributes, parent)
    request = Request(span, method, path, query)
    request.input = handler.rfile
    if span.recording:
        span.attributes["http.request.headers"] = list(headers.raw_items())
        if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
            request.received = _http.keeper()
            if request.received is not None:
                request.rfile = handler.rfile
                request.input = handler.rfile = _wsgi.tee(handler.rfile, request.received)
        if _tracing.settings.capture:
            request.wfile = handler.wfile
            handler.wfile = _Output(handler.wfile, request)
    request.activated = _tracing.activate(span)
    handler.__dict__["_lumigo"] = request


def _end(handler, error):
    request = handler.__dict__.pop("_lumigo", None)
    if request is None or request is _WAITING:
        return
    try:
        _tracing.deactivate(request.activated)
        if request.wfile is not None and type(handler.wfile) is _Output:
            handler.wfile = request.wfile
        if request.rfile is not None and handler.rfile is request.input:
            handler.rfile = request.rfile
        if error is not None:
            request.fail(error)
    except Exception as fault:
        trouble(fault)
    request.finish()


def _handle_one_request(original):
    def wrapper(self):
        if hasattr(self, "run_wsgi") or _tracing.suppressed():
            return original(self)
        self.__dict__["_lumigo"] = _WAITING
        try:
            result = original(self)
        except BaseException as error:
            _end(self, error)
            raise
        _end(self, None)
        return result

    return wrapper


def _parse_request(original):
    def wrapper(self):
        parsed = original(self)
        if parsed and self.__dict__.get("_lumigo") is _WAITING:
            try:
                _begin(self)
            except Exception as error:
                trouble(error)
        return parsed

    return wrapper


def _of(handler):
    request = handler.__dict__.get("_lumigo")
    return None if request is _WAITING else request


def _send_response_only(original):
    def wrapper(self, code, *args, **named):
        result = original(self, code, *args, **named)
        request = _of(self)
        if request is not None:
            try:
                if code >= 200:
                    request.status = int(code)
                    request.headers = []
            except Exception as error:
                trouble(error)
        return result

    return wrapper


def _send_header(original):
    def wrapper(self, keyword, value):
        result = original(self, keyword, value)
        request = _of(self)
        if request is not None and request.headers is not None:
            request.headers.append((str(keyword), str(value)))
        return result

    return wrapper


def _end_headers(original):
    def wrapper(self):
        result = original(self)
        request = _of(self)
        if request is not None and request.status:
            request.head_sent = True
        return result

    return wrapper
