"""What the HTTP hooks share: the request that a server is answering, and which bodies are kept.

A request has one Request, however many layers it passes: the outermost seam makes it, inner seams and the
frameworks find it with serving(). Names follow the stable HTTP semantic conventions.
"""

import sys

from . import _imports, _tracing

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE", "QUERY"))
ERROR = 2  # OTLP's status code

_KEPT = ("json", "text/", "xml", "x-www-form-urlencoded", "graphql", "yaml")
_PACKED = frozenset(("gzip", "x-gzip", "deflate"))
_BOUND = 512  # entries of each cache below, which are emptied when full: their keys come from clients

_kept = {None: True, "": True}
_hosts = {}
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


def keeper(content_type, encoding):
    """A Capture for a body of this type, or None when it is not text, or packed in a way we cannot undo.

    A body without a type is kept: the engine shows what is not UTF-8 as hexadecimal.
    """
    limit = _tracing.settings.capture
    if not limit:
        return None
    kept = _kept.get(content_type)
    if kept is None:
        if len(_kept) > _BOUND:
            _kept.clear()
        text = content_type if type(content_type) is str else bytes(content_type).decode("latin-1")
        text = text.partition(";")[0].strip().lower()
        kept = _kept[content_type] = not text or any(part in text for part in _KEPT)
    if not kept:
        return None
    if encoding and encoding.lower() not in _PACKED and encoding.lower() != "identity":
        return None
    return _tracing.Capture(limit)


def body(capture, encoding):
    """What was kept of a body, as an attribute value: unpacked when it travelled packed. None when nothing was."""
    value = capture.value()
    if not value or not encoding or encoding.lower() not in _PACKED:
        return value
    data, cut = value if type(value) is tuple else (value, False)
    import zlib

    try:
        stream = zlib.decompressobj(47)  # gzip or zlib, whichever it is
        data = stream.decompress(data, _tracing.settings.capture)
    except zlib.error:
        try:
            stream = zlib.decompressobj(-15)  # "deflate" without the zlib header, as some servers send it
            data = stream.decompress(data, _tracing.settings.capture)
        except zlib.error:
            return None
    return (data, True) if cut or not stream.eof else data


def types(headers):
    """The content type and encoding in a list of (name, value) pairs of str."""
    content_type = encoding = None
    for name, value in headers:
        length = len(name)
        if length == 12:
            if name.lower() == "content-type":
                content_type = value
        elif length == 16 and name.lower() == "content-encoding":
            encoding = value
    return content_type, encoding


def types_of_bytes(headers):
    """The same for pairs of bytes, as ASGI has them."""
    content_type = encoding = None
    for name, value in headers:
        length = len(name)
        if length == 12:
            if name.lower() == b"content-type":
                content_type = value.decode("latin-1")
        elif length == 16 and name.lower() == b"content-encoding":
            encoding = value.decode("latin-1")
    return content_type, encoding


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


class Request:
    """One request that this process serves, from its first seam to the end of its response."""

    mark = None  # the environ or the headers of a scope, to know the request again in an inner layer
    input = None  # likewise its body
    prefix = ""  # of routes, when applications are mounted in one another
    status = 0
    headers = None  # of the response
    received = received_encoding = None  # the request's body as the application read it
    sent = sent_encoding = None  # the response's
    opened = False  # whether it is decided that the response's body is kept
    done = False

    def __init__(self, span, method, path, query):
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
            span.name = named(self.method) + " " + template

    def fail(self, error):
        """Records an exception that leaves the application, or would but for its framework."""
        if not self.done:
            self.span.record_exception(error)

    def open(self):
        """Decides, at its first bytes, whether the response's body is kept."""
        self.opened = True
        if self.headers and self.span.recording:
            content_type, self.sent_encoding = types(self.headers)
            self.sent = keeper(content_type, self.sent_encoding)

    def keep(self, data):
        """Keeps bytes that go out."""
        try:
            if not self.opened:
                self.open()
            if self.sent is not None and data:
                self.sent.write(data)
        except Exception as error:
            trouble(error)

    def finish(self):
        """Ends the span; later calls do nothing."""
        if self.done:
            return
        self.done = True
        span = self.span
        span.request = self.mark = self.input = None  # which would keep one another alive
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
                    attributes["http.request.body"] = body(self.received, self.received_encoding)
                if self.sent is not None:
                    attributes["http.response.body"] = body(self.sent, self.sent_encoding)
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
