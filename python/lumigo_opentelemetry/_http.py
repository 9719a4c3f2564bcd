"""What the HTTP hooks share: the request that a server is answering, the spans of clients, and what is kept of bodies.

A request has one Request, however many layers it passes: the outermost seam makes it, inner seams and the
frameworks find it with serving(). Names follow the stable HTTP semantic conventions; what can be told from the
request's head, such as which bodies are text, is left to the engine.
"""

import sys

from . import _imports, _tracing

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE", "QUERY"))
ERROR = 2  # OTLP's status code

_BOUND = 512  # entries of a cache, which is emptied when full: hosts come from clients

_hosts = {}
_templates = {}
_told = {}


def disabled(*names):
    """Whether the user opted out of any of these instrumentations."""
    off = _tracing.settings.disabled
    if not off:
        return False
    off = {name.lower().replace("-", "").replace("_", "") for name in off}
    return not off.isdisjoint(names)


def opted_out(*frameworks):
    """Whether this process uses a framework that the user opted out of. Then its server makes no spans either."""
    return any(name in sys.modules and disabled(name) for name in frameworks)


def framework(name):
    """Tells the engine, once a process, which framework serves its requests."""
    pid = _tracing._pid
    if _told.get(name) != pid:
        _told[name] = pid
        _tracing.note_fact("framework", name)


def serving():
    """The Request that what runs here is part of, or None."""
    span = _tracing.current_span()
    if span is None:
        return None
    request = span.request
    return None if request is None or request.done else request


def named(method):
    """How a method names a span: those that clients make up do not."""
    return method if method in METHODS else "HTTP"


def keeper():
    """A Capture for a body as it is on the wire; None when none are kept."""
    limit = _tracing.settings.capture
    return _tracing.Capture(limit) if limit else None


def calling(method, url, host, port, agent, headers, body=None):
    """The span of a request that a client is about to send; None for one that is left alone. headers: a list of pairs;
    body: bytes, where they are at hand."""
    if _tracing.suppressed() or host.startswith("169.254."):  # the metadata services of clouds
        return None
    attributes = {
        "http.request.method": method if method in METHODS else "_OTHER",
        "url.full": url,
        "server.address": host,
        "server.port": port,
    }
    if agent:
        attributes["user_agent.original"] = agent
    span = _tracing.start_span(named(method), _tracing.CLIENT, attributes)
    if span.recording:
        attributes["http.request.headers"] = headers
        capture = keeper() if body else None
        if capture is not None:
            capture.write(body)
            attributes["http.request.payload"] = capture.parts
    return span


def settled(names):
    """Whether a request with these header names, in lower case, must not get more: where somebody propagates already, a
    second header would contradict the first."""
    return not _tracing.PROPAGATED.isdisjoint(names) or _tracing.signed(names)


def answered(span, status, headers, version=None):
    """Takes what the head of a response says, where the span is recording."""
    attributes = span.attributes
    attributes["http.response.status_code"] = status
    if status >= 400:
        span.set_status(ERROR)
        attributes["error.type"] = str(status)
    if version:
        attributes["network.protocol.version"] = version
    attributes["http.response.headers"] = headers


def template(pattern):
    """The route that a regular expression stands for: without its anchors, and with a first slash."""
    known = _templates.get(pattern)
    if known is None:
        known = pattern[1:] if pattern.startswith("^") else pattern
        known = known[:-1] if known.endswith("$") else known
        known = known if known.startswith("/") else "/" + known
        if len(_templates) > _BOUND:
            _templates.clear()
        _templates[pattern] = known
    return known


def address(host, scheme):
    """(address, port) of a Host header; the port defaults to the scheme's."""
    key = host, scheme
    known = _hosts.get(key)
    if known is None:
        name, port = host, None
        if host.startswith("["):
            name, _, rest = host[1:].partition("]")
            port = rest[1:]
        elif host.count(":") == 1:
            name, _, port = host.partition(":")
        if port and port.isdigit() and len(port) < 6:
            port = int(port)
        else:
            port = 443 if scheme in ("https", "wss") else 80
        if len(_hosts) > _BOUND:
            _hosts.clear()
        known = _hosts[key] = name, port
    return known


class Request(_tracing.Capture):
    """One request that this process serves, from its first seam to the end of its response."""

    mark = None  # the environ or the headers of a scope, to know the request again in an inner layer
    input = None  # likewise its body
    prefix = ""  # of routes, when applications are mounted in one another
    status = 0
    headers = None  # of the response
    received = None  # the request's body as the application read it
    done = False

    def __init__(self, span, method, path, query):
        super().__init__(_tracing.settings.capture if span.recording else 0)  # for the response's
        self.span = span
        span.request = self
        self.method = method
        self.path = path
        self.query = query

    def route(self, template):
        """Names the span by the route that the framework found."""
        span = self.span
        if span.recording:
            span.attributes["http.route"] = template
            method = self.method
            span.record[_tracing.NAME] = (method if method in METHODS else "HTTP") + " " + template

    def fail(self, error):
        """Records an exception that leaves the application, or would but for its framework."""
        if not self.done:
            # anyio makes a group of what a task raises, and older versions of Starlette leave it at that.
            while type(error).__name__ == "ExceptionGroup" and len(error.exceptions) == 1:
                error = error.exceptions[0]
            self.span.record_exception(error)

    def keep(self, data):
        """Keeps bytes that go out."""
        try:
            self.write(data)
        except Exception as error:
            trouble(error)

    def finish(self):
        """Ends the span; later calls do nothing."""
        if self.done:
            return
        self.done = True
        span = self.span
        span.request = self.mark = None  # which would keep one another alive
        try:
            if span.recording:
                attributes = span.attributes
                status = self.status
                if status:
                    attributes["http.response.status_code"] = status
                    if status >= 500:
                        span.set_status(ERROR)
                        attributes.setdefault("error.type", str(status))
                if self.headers:
                    attributes["http.response.headers"] = self.headers
                if self.received is not None:
                    attributes["http.request.payload"] = self.received.parts
                if self.parts:
                    attributes["http.response.payload"] = self.parts
        except Exception as error:
            trouble(error)
        span.end()


def trouble(error):
    """One debug line for a fault of our own, which never reaches the app."""
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    _imports.failed("%s:%d" % (code.co_name, trace.tb_lineno), error)
