"""The clients of Elasticsearch and OpenSearch: one span for each call of their HTTP APIs, whatever HTTP client is below.

Their own names of calls are not known where they are sent, and are told from method and path.
"""

from _contextvars import ContextVar
from urllib.parse import urlsplit

from . import _calls, _http, _imports, _tracing, _values

_running = ContextVar("lumigo_search", default=None)

# The names of calls whose path names no API but a document, or an index.
_DOCUMENT = {"PUT": "index", "POST": "index", "GET": "get", "HEAD": "exists", "DELETE": "delete"}
_INDEX = {"PUT": "indices.create", "GET": "indices.get", "HEAD": "indices.exists", "DELETE": "indices.delete"}
_VERBS = {"PUT": "put", "POST": "put", "GET": "get", "HEAD": "exists", "DELETE": "delete"}
# Those of an index whose names have the verb in them, and those that do not.
_WITH_VERB = frozenset(("alias", "mapping", "settings", "template", "index_template", "component_template"))
_OF_INDICES = frozenset((
    "aliases", "analyze", "cache", "clone", "close", "flush", "forcemerge", "open", "recovery", "refresh", "resolve",
    "rollover", "segments", "shard_stores", "shrink", "split", "stats", "validate",
))  # fmt: skip


def trace(transport, system, asynchronous=False):
    """Trace a class of transports by its perform_request(method, path, headers=, body=)."""
    traced, alone = (_calls.async_traced, _async_alone) if asynchronous else (_calls.traced, _alone)
    make = traced(lambda self, args, named: _begin(system, args, named), _answered)
    _imports.wrap(transport, "perform_request", lambda original: make(alone(original)))


def _alone(original):
    """Without spans for the HTTP below; a refusal has the server's status."""

    def perform_request(*args, **named):
        try:
            with _tracing.suppress():
                return original(*args, **named)
        except Exception as error:
            _refused(getattr(error, "status_code", None))
            raise

    return perform_request


def _async_alone(original):
    async def perform_request(*args, **named):
        try:
            with _tracing.suppress():
                return await original(*args, **named)
        except Exception as error:
            _refused(getattr(error, "status_code", None))
            raise

    return perform_request


def trace_choice(owner, name, describe):
    """Have the node that owner.name() chooses for an attempt in the span. describe(node) gives its host, port and URL."""

    def make(original):
        def choose(*args, **named):
            node = original(*args, **named)
            with _imports.guard:
                _chosen(*describe(node))
            return node

        return choose

    _imports.wrap(owner, name, make)


def _begin(system, args, named):
    if _tracing.suppressed() or getattr(named.get("otel_span"), "otel_span", None) is not None:
        return None  # in the latter case the client has a span of its own
    method = args[0] if args else named["method"]
    target = args[1] if len(args) > 1 else named.get("url") or named["target"]
    path, _, _ = target.partition("?")
    operation, index = called(method, path)
    attributes = {"db.system.name": system, "db.operation.name": operation, "http.request.method": method}
    if index:
        attributes["db.collection.name"] = index
    attributes["url.full"] = target
    span = _tracing.start_span("%s %s" % (operation, index) if index else operation, _tracing.CLIENT, attributes)
    body = named.get("body")
    if body is not None and span.recording and _tracing.settings.capture:
        attributes["db.request.body"] = _values.plain(body)
    headers = named.get("headers")
    if len(args) < 3 and not isinstance(headers, (list, tuple)):
        headers = dict(headers) if hasattr(headers, "keys") else {}
        if not _http.settled([str(name).lower() for name in headers]):
            _tracing.inject(headers.__setitem__, span)
            named["headers"] = headers
    _running.set(span)
    return span


def _chosen(host, port, url):
    span = _running.get()
    if span is not None and span.recording:
        attributes = span.attributes
        target = attributes["url.full"]
        if target.startswith("/"):  # it is the first attempt
            attributes["url.full"] = url.rstrip("/") + target
        attributes["server.address"], attributes["server.port"] = host, port


def _refused(status):
    """Clients on elastic_transport raise what others raise here only later."""
    span = _running.get()
    if span is not None and span.recording and isinstance(status, int):
        span.attributes["error.type"] = span.attributes["db.response.status_code"] = str(status)
        span.set_status(_tracing.ERROR)


def _answered(span, answer):
    meta = getattr(answer, "meta", None)
    if meta is not None:
        answer = answer.body
        if meta.status >= 400 and not (meta.status == 404 and span.attributes["http.request.method"] == "HEAD"):
            _refused(meta.status)
    if _tracing.settings.capture and answer is not None:
        span.attributes["db.response.body"] = _values.parsed(answer)


def called(method, path):
    """What a request is for: the name of the call, as the clients have it, and the index; None for none."""
    parts = [part for part in path.split("/") if part]
    at = next((n for n, part in enumerate(parts) if part.startswith("_") and part != "_all"), None)
    index = parts[0] if parts and at != 0 else None
    if at is None:
        if not parts:
            return ("ping" if method == "HEAD" else "info"), None
        return (_INDEX if len(parts) == 1 else _DOCUMENT).get(method, method), index
    name, rest = parts[at][1:], parts[at + 1 :]
    if name == "doc":
        return _DOCUMENT.get(method, method), index
    if name == "search" and rest[:1] == ["scroll"]:
        return ("clear_scroll" if method == "DELETE" else "scroll"), index
    if name in _WITH_VERB:
        return "indices.%s_%s" % (_VERBS.get(method, method), name), index
    if name in _OF_INDICES:
        return "indices." + name, index
    if index is None and rest and rest[0].isalpha():
        return "%s.%s" % (name, rest[0]), None  # cluster.health, cat.indices
    return name, index


def connection(chosen):
    """Host, port and URL of a connection of clients that do not stand on elastic_transport."""
    url = urlsplit(chosen.host)
    return url.hostname, url.port, chosen.host
