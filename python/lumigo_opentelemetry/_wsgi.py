"""The WSGI seam: one server span around an application, its response's body included.

What the application and the server see is what they would see without us: a list stays the list, a file that the
server may send by itself stays that file, and everything else is iterated as lazily, and closed as often, as before.
"""

from . import _http, _imports, _tracing
from ._http import trouble


class _Names(dict):
    """Header names by environ key; '' for keys that are no header."""

    def __missing__(self, key):
        if len(self) > 2048:
            self.clear()
        name = key[5:].replace("_", "-").lower() if key[:5] == "HTTP_" else ""
        if key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            name = key.replace("_", "-").lower()
        self[key] = name
        return name


_names = _Names()
_keys = {}


class _Carrier:
    """Incoming headers, for the propagators."""

    __slots__ = ("environ",)

    def __init__(self, environ):
        self.environ = environ

    def get(self, name):
        key = _keys.get(name)
        if key is None:
            key = _keys[name] = "HTTP_" + name.upper().replace("-", "_")
        return self.environ.get(key)


def begin(environ):
    """The Request of a new server span; None when there is nothing to trace, or an outer layer traces it already."""
    outer = _http.serving()
    if outer is not None and outer.mark is environ:
        return None
    get = environ.get
    path = get("PATH_INFO", "")
    script = get("SCRIPT_NAME")
    if script:
        path = script + path
    if not path.isascii():  # WSGI has bytes as latin-1
        path = path.encode("latin-1", "replace").decode("utf-8", "replace")
    query = get("QUERY_STRING") or ""
    method = get("REQUEST_METHOD", "GET")
    stream = get("wsgi.input")
    if outer is not None:
        if stream is not None and outer.input is stream:
            return None
        if outer.path == path and outer.query == query and outer.method == method:
            return None
    if _tracing.suppressed() or (_tracing.settings.disabled and _http.opted_out("flask", "django")):
        return None

    scheme = get("wsgi.url_scheme", "http")
    peer = get("REMOTE_ADDR") or None
    forwarded = get("HTTP_X_FORWARDED_FOR")
    protocol = get("SERVER_PROTOCOL", "")
    attributes = {  # those that are None are left out later
        "http.request.method": method,
        "url.path": path,
        "url.scheme": scheme,
        "network.protocol.version": protocol[5:] if protocol[:5] == "HTTP/" else None,
        "network.peer.address": peer,
        "client.address": forwarded.partition(",")[0].strip() if forwarded else peer,
        "user_agent.original": get("HTTP_USER_AGENT"),
    }
    if query:
        attributes["url.query"] = attributes["http.request.query_string"] = query
    if method not in _http.METHODS:
        attributes["http.request.method"] = "_OTHER"
        attributes["http.request.method_original"] = method
    host = get("HTTP_HOST")
    if host:
        attributes["server.address"], attributes["server.port"] = _http.address(host, scheme)
    else:
        attributes["server.address"] = get("SERVER_NAME")
        port = get("SERVER_PORT", "")
        if port.isdigit():
            attributes["server.port"] = int(port)
    port = get("REMOTE_PORT")
    if port and (type(port) is int or port.isdigit()):
        attributes["network.peer.port"] = int(port)

    parent = _tracing.extract(_Carrier(environ).get)
    if parent is None and outer is not None:
        parent = _tracing.CURRENT
    span = _tracing.start_span(_http.named(method), _tracing.SERVER, attributes, parent)
    request = Request(span, method, path, query)
    request.mark = environ
    request.input = stream
    if span.recording:
        attributes["http.request.headers"] = headers = {}
        names = _names
        for key, value in environ.items():
            name = names[key]
            if name and value:
                headers[name] = value
        if stream is not None and ("content-length" in headers or "transfer-encoding" in headers):
            encoding = headers.get("content-encoding")
            capture = _http.keeper(headers.get("content-type"), encoding)
            if capture is not None:
                request.received = capture
                request.received_encoding = encoding
                request.input = environ["wsgi.input"] = tee(stream, capture)
    return request


class Request(_http.Request):
    """A WSGI request."""

    def start_response(self, *args, **named):
        write = self.respond(*args, **named)
        try:
            if len(args) > 1:
                status, headers = args[0], args[1]
            else:
                status = args[0] if args else named["status"]
                headers = named.get("response_headers") or named.get("headers")
            self.status = int(status[:3])
            self.headers = list(headers)
            if _tracing.settings.capture:
                self.writer = write
                return self.write
        except Exception as error:
            trouble(error)
        return write

    def write(self, data):
        result = self.writer(data)
        self.keep(data)
        return result

    def crash(self, error):
        """An exception left the application: the server will answer 500 unless it has begun to answer."""
        try:
            self.fail(error)
            if not self.status and isinstance(error, Exception):
                self.status = 500
        except Exception as fault:
            trouble(fault)


def respond(app, environ, start_response):
    """app(environ, start_response), traced."""
    request = None
    try:
        request = begin(environ)
    except Exception as error:
        trouble(error)
    if request is None:
        return app(environ, start_response)
    request.respond = start_response
    span = _tracing.activate(request.span)
    try:
        result = app(environ, request.start_response)
    except BaseException as error:
        request.crash(error)
        request.finish()
        raise
    finally:
        _tracing.deactivate(span)
    try:
        kind = type(result)
        if kind is list or kind is tuple:
            for chunk in result:
                request.keep(chunk)
        else:
            wrapper = environ.get("wsgi.file_wrapper")
            key = kind, wrapper
            body = _bodies.get(key, key)
            if body is key:
                body = _body_class(result, wrapper)
                if len(_bodies) < 64:
                    _bodies[key] = body
            if body is not None:
                return body(result, request)
    except Exception as error:
        trouble(error)
    request.finish()
    return result


_bodies = {}


def _body_class(result, wrapper):
    """What stands for a result of this type; None where the server looks at what the result is: its own file wrapper,
    a file (as uWSGI's is), bare bytes."""
    if isinstance(result, (bytes, str)) or hasattr(result, "read"):
        return None
    if isinstance(wrapper, type) and isinstance(result, wrapper):
        return None
    return _Sized if hasattr(type(result), "__len__") else _Body


class _Body:
    """The iterable that the application returned, with the span current while the application makes each part."""

    __slots__ = ("result", "request", "following")

    def __init__(self, result, request):
        self.result = result
        self.request = request
        self.following = None

    def __iter__(self):
        result = self.result
        iterator = iter(result) if hasattr(type(result), "__next__") else self._run(iter, result)
        self.following = iterator.__next__
        return self

    def __next__(self):
        if self.following is None:
            iter(self)
        request = self.request
        span = _tracing.activate(request.span)
        try:
            chunk = self.following()
        except StopIteration:
            raise
        except BaseException as error:
            request.crash(error)
            raise
        finally:
            _tracing.deactivate(span)
        request.keep(chunk)
        return chunk

    def close(self):
        close = getattr(self.result, "close", None)
        try:
            if close is not None:
                return self._run(close)
        finally:
            self.request.finish()

    def _run(self, function, *args):
        request = self.request
        span = _tracing.activate(request.span)
        try:
            return function(*args)
        except BaseException as error:
            request.crash(error)
            raise
        finally:
            _tracing.deactivate(span)

    def __getattr__(self, name):
        return getattr(self.result, name)

    def __del__(self):
        try:
            self.request.finish()
        except Exception:  # nothing can be said while the interpreter goes down
            pass


class _Sized(_Body):
    """The same for a result with a length, from which some servers derive the content length."""

    __slots__ = ()

    def __len__(self):
        return len(self.result)


class Application:
    """An application that a server calls, traced; its attributes are those of the application."""

    def __init__(self, app):
        self.__wrapped__ = app

    def __call__(self, environ, start_response):
        return respond(self.__wrapped__, environ, start_response)

    def __getattr__(self, name):
        if name == "__wrapped__":  # while it is being copied or unpickled
            raise AttributeError(name)
        return getattr(self.__wrapped__, name)


def traced(app):
    """The application with its span; left alone when it is traced already, or is no application."""
    if app is None or isinstance(app, Application) or not callable(app):
        return app
    return Application(app)


def wrap_attribute(owner, method, attribute):
    """Makes owner.method leave a traced application in the attribute of its object."""

    def make(original):
        def wrapper(self, *args, **named):
            result = original(self, *args, **named)
            try:
                setattr(self, attribute, traced(getattr(self, attribute, None)))
            except Exception as error:
                trouble(error)
            return result

        return wrapper

    _imports.wrap(owner, method, make)


# What the application reads is kept as it reads it; nothing is read that it does not read.


class _Input:
    __slots__ = ("stream", "capture")

    def __init__(self, stream, capture):
        self.stream = stream
        self.capture = capture

    def _keep(self, data):
        try:
            if data:
                self.capture.write(data)
        except Exception as error:
            trouble(error)
        return data

    def read(self, *args, **named):
        return self._keep(self.stream.read(*args, **named))

    def readline(self, *args, **named):
        return self._keep(self.stream.readline(*args, **named))

    def readlines(self, *args, **named):
        lines = self.stream.readlines(*args, **named)
        for line in lines:
            self._keep(line)
        return lines

    def __iter__(self):
        for line in self.stream:
            yield self._keep(line)

    def __next__(self):
        return self._keep(next(self.stream))

    def __enter__(self):
        self.stream.__enter__()
        return self

    def __exit__(self, *error):
        return self.stream.__exit__(*error)

    def __getattr__(self, name):
        return getattr(self.stream, name)


class _Read1(_Input):
    __slots__ = ()

    def read1(self, *args, **named):
        return self._keep(self.stream.read1(*args, **named))


class _Readinto(_Input):
    __slots__ = ()

    def readinto(self, buffer):
        count = self.stream.readinto(buffer)
        if count:
            kept = min(count, _tracing.settings.capture + 1)  # one more than fits tells that there was more
            self._keep(bytes(memoryview(buffer).cast("B")[:kept]))
        return count


class _Read1Readinto(_Read1, _Readinto):
    __slots__ = ()


_tees = {}


def tee(stream, capture):
    """The stream, keeping what is read from it, with the reading methods that it has and no more."""
    kind = type(stream)
    made = _tees.get(kind)
    if made is None:
        many, into = hasattr(stream, "read1"), hasattr(stream, "readinto")
        made = (_Read1Readinto if into else _Read1) if many else (_Readinto if into else _Input)
        if len(_tees) < 64:
            _tees[kind] = made
    return made(stream, capture)
