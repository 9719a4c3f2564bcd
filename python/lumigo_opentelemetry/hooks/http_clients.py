"""Libraries above http.client: silent when the user opted out of them or their own spans stand for their requests, and
connections that urllib3 could not make."""

from time import time_ns

from .. import _http, _imports, _tracing
from .._http import trouble


def install(module):
    name = module.__name__
    if name == "requests.sessions":
        if _http.disabled("requests"):
            _imports.wrap(module.Session, "send", _silent)
    elif name == "botocore.httpsession":
        _imports.wrap(module.URLLib3Session, "send", _silent)
    elif name == "botocore.vendored.requests.sessions":  # until 1.11
        _imports.wrap(module.Session, "send", _silent)
    elif _http.disabled("urllib3"):
        _imports.wrap(module.HTTPConnectionPool, "urlopen", _silent)
    else:
        _imports.wrap(module.HTTPConnectionPool, "_make_request", _make_request)


def _silent(original):
    def wrapper(*args, **named):
        with _tracing.suppress():
            return original(*args, **named)

    return wrapper


def _make_request(original):
    """urllib3 opens TLS connections before http.client hears of the request; the span covers that too."""

    def wrapper(self, conn, method, url, *args, **named):
        try:
            conn._lumigo_started = started = time_ns()
        except Exception as error:
            trouble(error)
            return original(self, conn, method, url, *args, **named)
        try:
            return original(self, conn, method, url, *args, **named)
        except BaseException as error:
            if conn._lumigo_started == started:  # it did not come as far as the headers
                try:
                    _unconnected(self, method, url, started, error)
                except Exception as fault:
                    trouble(fault)
            raise
        finally:
            conn._lumigo_started = None

    return wrapper


def _unconnected(pool, method, url, started, error):
    if _tracing.suppressed() or pool.host.startswith("169.254."):
        return
    method = str(method)
    default = 443 if pool.scheme == "https" else 80
    port = pool.port or default
    if "://" not in url:
        authority = pool.host if port == default else "%s:%d" % (pool.host, port)
        url = "%s://%s%s" % (pool.scheme, authority, url)
    attributes = {
        "http.request.method": method if method in _http.METHODS else "_OTHER",
        "url.full": url,
        "server.address": pool.host,
        "server.port": port,
    }
    span = _tracing.start_span(_http.named(method), _tracing.CLIENT, attributes, _tracing.CURRENT, started)
    span.record_exception(error)
    span.end()
