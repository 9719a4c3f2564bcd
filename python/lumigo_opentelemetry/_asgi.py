"""The ASGI seam: one server span around an application.

An HTTP request's span ends with the last part of its response; a background task that runs on after it still has the
span as parent. A response of 500 and above waits for the application to return, because frameworks answer first and
raise afterwards. A websocket has a span for its handshake. Other scopes (lifespan) are passed on untouched.
"""

from . import _http, _tracing
from ._http import trouble


class _Carrier:
    """Incoming headers, for the propagators."""

    __slots__ = ("headers",)

    def __init__(self, headers):
        self.headers = headers

    def get(self, name):
        value = self.headers.get(name.encode("latin-1"))
        return None if value is None else value.decode("latin-1")


def begin(scope, receive=None, send=None):
    """The Request of a new server span; None when there is nothing to trace, or an outer layer traces it already.

    Servers of other interfaces describe their requests by a scope as well, and need neither receive nor send."""
    kind = scope["type"]
    if kind == "http":
        method, schemes = scope["method"], "http"
    elif kind == "websocket":
        method, schemes = "GET", "ws"
    else:
        return None
    raw = scope["headers"]
    if not isinstance(raw, (list, tuple)):  # an iterator can be read but once
        raw = scope["headers"] = list(raw)
    path = scope["path"]
    query = (scope.get("query_string") or b"").decode("latin-1")
    outer = _http.serving()
    if outer is not None:
        if outer.mark is raw or (outer.path == path and outer.query == query and outer.method == method):
            return None
    if _tracing.suppressed() or (_tracing.settings.disabled and _http.opted_out("fastapi", "starlette", "django")):
        return None

    headers = dict(raw)
    scheme = scope.get("scheme") or schemes
    attributes = {"http.request.method": method, "url.path": path, "url.scheme": scheme}
    if query:
        attributes["url.query"] = attributes["http.request.query_string"] = query
    if method not in _http.METHODS:
        attributes["http.request.method"] = "_OTHER"
        attributes["http.request.method_original"] = method
    host = headers.get(b"host")
    server = scope.get("server")
    if host:
        attributes["server.address"], attributes["server.port"] = _http.address(host.decode("latin-1"), scheme)
    elif server:
        attributes["server.address"] = server[0]
        if server[1] is not None:  # a unix socket has no port
            attributes["server.port"] = server[1]
    client = scope.get("client")
    if client:
        attributes["network.peer.address"] = attributes["client.address"] = client[0]
        if client[1]:
            attributes["network.peer.port"] = client[1]
    forwarded = headers.get(b"x-forwarded-for")
    if forwarded:
        attributes["client.address"] = forwarded.decode("latin-1").partition(",")[0].strip()
    version = scope.get("http_version")
    if version:
        attributes["network.protocol.version"] = version
    agent = headers.get(b"user-agent")
    if agent:
        attributes["user_agent.original"] = agent.decode("latin-1")

    parent = _tracing.extract(_Carrier(headers).get)
    if parent is None and outer is not None:
        parent = _tracing.CURRENT
    span = _tracing.start_span(_http.named(method), _tracing.SERVER, attributes, parent)
    request = Request(span, method, path, query)
    request.mark = raw
    request.pass_receive = receive
    request.pass_send = send
    if span.recording:
        span.attributes["http.request.headers"] = list(raw)
        if kind == "http" and (b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"):
            request.received = _http.keeper()
    return request


class Request(_http.Request):
    """An ASGI request."""

    async def receive(self):
        message = await self.pass_receive()
        try:
            received = self.received
            if received is not None and message["type"] == "http.request":
                data = message.get("body")
                if data:
                    received.write(data)
        except Exception as error:
            trouble(error)
        return message

    async def send(self, message):
        if self.done:
            await self.pass_send(message)
            return
        last = False
        try:
            last = self.note(message)
        except Exception as error:
            trouble(error)
        await self.pass_send(message)
        if last:
            self.finish()

    def note(self, message):
        """Takes what the span needs from a message; whether it ends the response."""
        kind = message["type"]
        if kind == "http.response.body":
            data = message.get("body")
            if data:
                self.keep(data)
            return not message.get("more_body") and self.status < 500
        if kind == "http.response.start" or kind == "websocket.http.response.start":
            self.status = int(message["status"])
            headers = message.get("headers")
            if type(headers) is list or type(headers) is tuple:  # an iterator is the server's to consume
                self.headers = list(headers)
            return False
        if kind == "websocket.accept":
            self.status = 101
            return True
        if kind == "websocket.close":
            self.status = 403
            return True
        if kind == "http.response.pathsend" or kind == "websocket.http.response.body":
            return not message.get("more_body") and self.status < 500
        return kind == "http.response.zerocopysend" and not message.get("more_body")


async def respond(app, scope, receive, send):
    """app(scope, receive, send), traced."""
    request = None
    try:
        request = begin(scope, receive, send)
    except Exception as error:
        trouble(error)
    if request is None:
        return await app(scope, receive, send)
    span = _tracing.activate(request.span)
    try:
        return await app(scope, request.receive, request.send)
    except BaseException as error:
        try:
            request.fail(error)
            # The server answers an exception with 500, but nobody who has gone away. (Until 3.7 that was one, too; and
            # anyio 3's group of exceptions is none.)
            name = type(error).__name__
            failed = name == "ExceptionGroup" or isinstance(error, Exception) and name != "CancelledError"
            if failed and not request.status:
                request.status = 500
        except Exception as fault:
            trouble(fault)
        raise
    finally:
        _tracing.deactivate(span)
        request.finish()


class Application:
    """An application that a server calls, traced; its attributes are those of the application."""

    def __init__(self, app):
        self.__wrapped__ = app

    async def __call__(self, scope, receive, send):
        return await respond(self.__wrapped__, scope, receive, send)

    def __getattr__(self, name):
        if name == "__wrapped__":  # while it is being copied or unpickled
            raise AttributeError(name)
        return getattr(self.__wrapped__, name)


def traced(app):
    """The application with its span; left alone when it is traced already, or is no application."""
    if app is None or isinstance(app, Application) or not callable(app):
        return app
    return Application(app)
