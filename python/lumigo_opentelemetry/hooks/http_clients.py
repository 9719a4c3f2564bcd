"""Libraries above http.client: silent when the user opted out of them or their own spans stand for their requests, and
connections that urllib3 could not make."""

import sys
from time import time_ns

from .. import _http, _imports, _tracing
from .._http import trouble
from .._tracing import current_span as _current_span
from .._tracing import reset_suppressed as _reset_suppressed
from .._tracing import set_suppressed as _set_suppressed


def install(module):
    name = module.__name__
    if name == "requests.sessions":
        if _http.disabled("requests"):
            _imports.wrap(module.Session, "send", _silent)
    elif name == "botocore.httpsession" or name == "botocore.vendored.requests.sessions":  # the latter until 1.11
        session = module.URLLib3Session if name == "botocore.httpsession" else module.Session
        _imports.wrap(session, "send", _silent if _http.disabled("botocore", "boto3") else _of_aws)
    elif name == "urllib3.connectionpool":
        if _http.disabled("urllib3"):
            _imports.wrap(module.HTTPConnectionPool, "urlopen", _silent)
    elif not _http.disabled("urllib3"):
        _imports.wrap(module.HTTPSConnection, "connect", _connect)


def _silent(original):
    def wrapper(*args, **named):
        quiet = _set_suppressed(True)
        try:
            return original(*args, **named)
        finally:
            _reset_suppressed(quiet)

    return wrapper


def _of_aws(original):
    """The request of an AWS call on the wire, which has no span of its own; that of the call may want to show its body."""

    def wrapper(self, request, *args, **named):
        span = _current_span()
        if span is None or "lumigo.common" not in span.attributes:  # an app may use what botocore sends by
            return original(self, request, *args, **named)
        quiet = _set_suppressed(True)
        try:
            try:
                attributes = span.attributes
                if attributes.get("http.request.body", "") is None and type(request.body) is bytes:
                    body = request.body
                    limit = _tracing.settings.capture
                    attributes["http.request.body"] = body if len(body) <= limit else (body[:limit], True)
            except Exception as error:
                trouble(error)
            return original(self, request, *args, **named)
        finally:
            _reset_suppressed(quiet)

    return wrapper


def _connect(original):
    """urllib3 opens TLS connections before http.client hears of the request; the span covers that too."""

    def connect(self):
        caller = None
        try:
            caller = _asking()
            if caller is not None and not _tracing.suppressed():
                self._lumigo_started = time_ns()
        except Exception as error:
            trouble(error)
        try:
            return original(self)
        except BaseException as error:
            try:
                if caller is not None:
                    _unconnected(self, caller.f_locals, error)
            except Exception as fault:
                trouble(fault)
            raise
        finally:
            del caller

    return connect


def _asking():
    """The frame of the pool's method that a connection is opened for; None where its request is on its way already."""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_name
        if name == "_make_request" or name == "urlopen":
            return frame
        if name == "endheaders":
            return None
        frame = frame.f_back
    return None


def _unconnected(connection, named, error):
    method, url = named["method"], named["url"]
    host, port = connection._tunnel_host, connection._tunnel_port
    if not host:
        host, port = connection.host, connection.port
    started, connection._lumigo_started = connection._lumigo_started, None
    if _tracing.suppressed() or host.startswith("169.254."):
        return
    method = str(method)
    port = port or 443
    if "://" not in url:
        url = "https://%s%s" % (host if port == 443 else "%s:%d" % (host, port), url)
    attributes = {
        "http.request.method": method if method in _http.METHODS else "_OTHER",
        "url.full": url,
        "server.address": host,
        "server.port": port,
    }
    span = _tracing.start_span(_http.named(method), _tracing.CLIENT, attributes, _tracing.CURRENT, started)
    span.record_exception(error)
    span.end()
