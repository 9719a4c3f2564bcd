"""http.client, and through it urllib, urllib3, requests and botocore: one client span for each request on the wire.

A span begins when the headers are about to go out (HTTPConnection.endheaders, where the head of the request lies ready
in the connection's buffer) and ends when the response's body has been read to its end or closed. When the application
never reads the body, it ends with the arrival of the response's headers.
"""

import re  # http.client has it
from io import BufferedReader
from socket import SocketIO
from time import time_ns

from .. import _http, _imports, _tracing
from .._http import trouble
from .._tracing import CLIENT, CURRENT, suppressed
from .._tracing import traceparent as _traceparent

_ENDLESS = float("inf")
_BUFFER = 8192  # what a response is read by

# What can be made to refuse instead of waiting for the network, see _answered.
_REFUSING = SocketIO if "_timeout_occurred" in SocketIO.readinto.__code__.co_names else None


# The metadata services of clouds are left alone, also as proxies are asked for them.
_metadata = re.compile(rb" http://(?:[^/ ]*@)?169\.254\.").search

# Heads that stay as they are. Where somebody propagates already, a second header would contradict the first; where AWS's
# signature covers the headers, one that is added now might void it.
_settled = re.compile(
    rb"\r\n(?:traceparent:|b3:|x-b3-traceid:|x-amz-content-sha256:|authorization: aws)", re.IGNORECASE
).search


def install(module):
    connection = module.HTTPConnection
    connection._lumigo = None  # the span of the request that waits for its answer, on each object
    connection._lumigo_sent = None  # what has gone out of that request after its head, once something has: a _Sent
    connection._lumigo_started = None  # when urllib3 began to connect
    _imports.wrap(connection, "endheaders", _endheaders)
    _imports.wrap(connection, "send", _send)
    _imports.wrap(connection, "getresponse", _getresponse)
    _imports.wrap(connection, "close", _close)


def _endheaders(original):
    def wrapper(self, *args, **named):
        span = None
        try:
            if not suppressed():
                span = _begin(self)
            elif self._lumigo is not None:
                _give_up(self)
        except Exception as error:
            trouble(error)
        if span is None:
            return original(self, *args, **named)
        try:
            if args or named:  # there is a body, which may go out with the head
                self._lumigo = span
                self._lumigo_sent = _Sent(True)
                return original(self, *args, **named)
            answer = original(self)
            self._lumigo = span
            return answer
        except BaseException as error:
            self._lumigo = span
            _give_up(self, error)
            raise

    return wrapper


def _begin(connection):
    """The span of the request whose head lies in the connection's buffer, propagation added; None to leave it alone. The
    engine names it by its method."""
    lines = connection._buffer
    started = connection._lumigo_started
    if started is not None:
        connection._lumigo_started = None
    if connection._lumigo is not None:
        _give_up(connection)  # the next one begins
    if not lines:
        return None
    host = connection._tunnel_host
    if host:
        port = connection._tunnel_port
    else:
        host = connection.host
        port = connection.port
    if host.startswith("169.254.") or b" http:" in lines[0] and _metadata(lines[0]):
        return None
    head = b"\r\n".join(lines)
    default = connection.default_port
    attributes = {"http.client.head": (head, host, port, default)}
    endpoint = None
    if _tracing.filters is not None:
        endpoint = lambda: _url(head, host, port or default, default)  # noqa: E731
    span = _tracing.start_span("", CLIENT, attributes, CURRENT, started, endpoint)
    if _settled(head) is None:
        traceparent = _traceparent(span)
        if traceparent is not None:
            lines.append(traceparent)
        else:
            _tracing.inject(_Head(lines).put, span)
    return span


def _url(head, host, port, default):
    """The URL, for filters; the engine makes one like it."""
    target = head.split(b" ", 2)[1].decode("latin-1")
    if target.startswith(("http://", "https://")):
        return target
    if ":" in host and host[0] != "[":
        host = "[%s]" % host
    return "%s://%s%s%s" % ("https" if default == 443 else "http", host, "" if port == default else ":%s" % port, target)


class _Head:
    """The head of a request, for the propagators: straight into the buffer is much cheaper than putheader."""

    __slots__ = ("lines",)

    def __init__(self, lines):
        self.lines = lines

    def put(self, name, value):
        if "\r" not in value and "\n" not in value:
            self.lines.append(("%s: %s" % (name, value)).encode("latin-1", "replace"))


def _send(original):
    def wrapper(self, data):
        if self._lumigo is None:
            return original(self, data)
        sent = self._lumigo_sent
        if sent is None:
            sent = self._lumigo_sent = _Sent(False)
        elif sent.busy:
            return original(self, data)
        sent.busy = True
        try:
            sent.keep(data)
        except Exception as error:
            trouble(error)
        try:
            return original(self, data)
        except BaseException as error:
            sent.error = error
            raise
        finally:
            sent.busy = False

    return wrapper


class _Sent:
    """What is kept of a request's body as it goes out. head_due: its head goes out by send as well; busy: inside
    HTTPConnection.send, which a proxy's CONNECT enters again; error: why it could not be sent."""

    __slots__ = ("head_due", "busy", "error", "capture")

    def __init__(self, head_due):
        self.head_due = head_due
        self.busy = False
        self.error = self.capture = None

    def keep(self, data):
        if self.head_due:
            self.head_due = False
            if type(data) is not bytes or data[-4:] == b"\r\n\r\n":
                return
            data = data[data.index(b"\r\n\r\n") + 4 :]  # botocore sends both at once
        elif not isinstance(data, (bytes, bytearray, memoryview)):
            return
        if self.capture is None:
            self.capture = _tracing.Capture(_tracing.settings.capture)
        self.capture.write(data)

    def show(self, span):
        parts = self.capture and self.capture.parts
        if parts and span.recording:
            attributes = span.attributes
            attributes["http.request.payload"] = _joined(parts) if _chunked(attributes["http.client.head"][0]) else parts


def _getresponse(original):
    def wrapper(self, *args, **named):
        span = self._lumigo
        # With arguments it fails before it has done anything: urllib3 1 asks whether this is Python 2 so.
        if span is None or args or named:
            return original(self, *args, **named)
        self._lumigo = None
        sent = self._lumigo_sent
        if sent is not None:
            self._lumigo_sent = None
        try:
            response = original(self)
        except BaseException as error:
            _failed(span, sent, error)
            raise
        try:
            _answered(span, sent, response)
        except Exception as error:
            trouble(error)
        return response

    return wrapper


def _answered(span, sent, response):
    """The head of the response is there. The span stays open while there is a body to read."""
    if not span.recording:
        return
    attributes = span.attributes
    if sent is not None:
        sent.show(span)
    headers = response.headers._headers  # what raw_items() goes through
    attributes["http.client.answer"] = (response.status, response.version, headers)
    stream = response.fp
    length = response.length
    if stream is None or length == 0:
        span.end()
        return
    if length is not None and length <= _BUFFER and type(stream) is BufferedReader:
        # Small bodies mostly come along with their head, and need not be waited for. Without anything in the buffer, peek
        # would wait for the network; a SocketIO that has timed out once refuses to be read.
        raw = stream.raw
        if type(raw) is _REFUSING:
            raw._timeout_occurred = True
            try:
                body = stream.peek()
            except OSError:
                body = b""
            finally:
                raw._timeout_occurred = False
            if len(body) >= length:
                limit = _tracing.settings.capture
                attributes["http.response.payload"] = [body[:length]] if length <= limit else [body[:limit], True]
                span.end()
                return
    attributes["http.client.answer"] = (response.status, response.version, list(headers))  # which the app may change
    response.fp = _Body(stream, span, response)


def _failed(span, sent, error):
    """No response will come."""
    try:
        if sent is not None:
            sent.show(span)
            error = error or sent.error
        if error is not None:
            span.record_exception(error)
    except Exception as fault:
        trouble(fault)
    span.end()


def _give_up(connection, error=None):
    """The request under way will not be answered."""
    span, connection._lumigo = connection._lumigo, None
    sent, connection._lumigo_sent = connection._lumigo_sent, None
    _failed(span, sent, error)


def _close(original):
    def wrapper(self):
        if self._lumigo is not None:
            sent = self._lumigo_sent
            if sent is None or not sent.busy:
                _give_up(self)
        return original(self)

    return wrapper


def _chunked(head):
    head = head.lower()
    return b"chunked" in head.partition(b"\r\ntransfer-encoding:")[2].partition(b"\r\n")[0]


class _Body:
    """The stream below an HTTPResponse (its fp): whichever way the application reads the response, it comes by here.

    Closing it is how HTTPResponse says that the body is at its end.
    """

    __slots__ = ("stream", "span", "capture", "chunked", "left", "last")

    def __init__(self, stream, span, response):
        self.stream = stream
        self.span = span
        self.chunked = response.chunked
        self.left = _ENDLESS if response.chunked else response.length  # bytes that are to come, or None
        self.last = time_ns()  # when bytes last came
        self.capture = _tracing.Capture(_tracing.settings.capture)
        _tracing.unfinished.add(self)

    def _keep(self, data, wanted):
        """Takes note of data; wanted: how much was asked for, where less means that there is no more."""
        try:
            self.last = time_ns()
            if self.left and data is not None:
                self._count(len(data), wanted)
            if data and not (self.chunked and data == b"\r\n"):
                self.capture.write(data)
        except Exception as error:
            trouble(error)
        return data

    def _count(self, size, wanted):
        """Notes how much has come: not every library tells when a body is cut short."""
        self.left -= size
        if self.left > 0 and (wanted is None or wanted < 0 or size < wanted):
            self._cut()

    def _cut(self):
        self.left = None
        if self.span.recording:
            self.span.set_status(_http.ERROR, "the response was cut short")
            self.span.attributes["error.type"] = "http.client.IncompleteRead"

    def read(self, *args):
        return self._keep(self.stream.read(*args), args[0] if args else None)

    def read1(self, *args):
        return self._keep(self.stream.read1(*args), 1)

    def readline(self, *args):
        line = self.stream.readline(*args)
        if not self.chunked:
            return self._keep(line, 1)
        if self.left and not line.lstrip(b"0").strip():  # the size of the last chunk, or none where one is due
            if line:
                self.left = None
            else:
                self._cut()
        return line

    def readinto(self, buffer):
        return self._into(self.stream.readinto(buffer), buffer, len(buffer))

    def readinto1(self, buffer):
        return self._into(self.stream.readinto1(buffer), buffer, min(1, len(buffer)))

    def _into(self, count, buffer, wanted):
        try:
            self.last = time_ns()
            if self.left and count is not None:
                self._count(count, wanted)
            if count:
                kept = min(count, _tracing.settings.capture + 1)  # one more than fits tells that there was more
                self.capture.write(bytes(memoryview(buffer)[:kept]))
        except Exception as error:
            trouble(error)
        return count

    def close(self):
        try:
            return self.stream.close()
        finally:
            self.end()

    def end(self):
        _tracing.unfinished.discard(self)
        span = self.span
        try:
            parts = self.capture.parts
            if parts and span.recording:
                span.attributes["http.response.payload"] = parts
        except Exception as error:
            trouble(error)
        span.end(self.last)

    def __iter__(self):
        while True:
            line = self.readline()
            if not line:
                return
            yield line

    def __getattr__(self, name):
        return getattr(self.stream, name)


def _joined(parts):
    """A body that was sent in chunks, without their sizes."""
    joined = _tracing.Capture(_tracing.settings.capture)
    cut = parts[-1] is True
    data = b"".join(parts[:-1] if cut else parts)
    at = 0
    while at < len(data):
        end = data.find(b"\r\n", at)
        if end < 0:
            break
        size = int(data[at:end].partition(b";")[0], 16)
        if size == 0:
            return joined.parts
        joined.write(data[end + 2 : end + 2 + size])
        at = end + 4 + size
    if cut and joined.parts[-1:] != [True]:
        joined.parts.append(True)
    return joined.parts
