"""The WSGI seam: one server span around an application, its response's body included.

What the application and the server see is what they would see without us: a list stays the list, a file that the
server may send by itself stays that file, and everything else is iterated as lazily, and closed as often, as before.
"""

from _operator import itemgetter
from marshal import dumps

from . import _http, _imports, _tracing
from ._http import METHODS, trouble
from ._tracing import SERVER, Capture, suppressed

_current = _tracing.current_span
_activate = _tracing.activate
_deactivate = _tracing.deactivate
_KNOWN = frozenset((
    "REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "CONTENT_TYPE", "CONTENT_LENGTH", "SERVER_NAME",
    "SERVER_PORT", "SERVER_PROTOCOL", "REMOTE_ADDR", "REMOTE_PORT", "wsgi.url_scheme",
))  # fmt: skip
_LONGEST_HEAD = 65536  # bytes; of a longer one, the values are cut
_LONGEST_VALUE = 2048
_LONGEST_SHAPE = 2048  # characters of all keys; of a longer one, nothing is remembered


class _Shapes(dict):
    """How to take what the engine wants to see out of an environ, by its keys: most requests have the same.

    (The keys that it wants, encoded; what returns their values; whether a caller's context may be among them; the
    key that tells of a body, or None.)"""

    def __missing__(self, keys):
        known = [key for key in keys if key in _KNOWN]  # first, so that they stay where all is too long
        names = tuple(known + [key for key in keys if key[:5] == "HTTP_"])
        body = [key for key in names if key == "CONTENT_LENGTH" or key == "HTTP_TRANSFER_ENCODING"]
        propagates = not _tracing.PROPAGATED.isdisjoint(map(_header, names))
        values = itemgetter(*names) if len(names) > 1 else lambda environ: tuple([environ[name] for name in names])
        shape = dumps(names, 2), values, propagates, body[-1] if body else None
        if sum(map(len, keys)) < _LONGEST_SHAPE:  # clients choose the names of headers
            if len(self) > 255:
                self.clear()
            self[keys] = shape
        return shape


_shapes = _Shapes()


def _header(key):
    return key[5:].replace("_", "-").lower()


class _Carrier:
    """Incoming headers, for the propagators."""

    __slots__ = ("environ",)

    def __init__(self, environ):
        self.environ = environ

    def get(self, name):
        return self.environ.get("HTTP_" + name.upper().replace("-", "_"))


def _head(names, values):
    """What the engine makes the request's attributes of."""
    try:
        data = names + dumps(values, 2)
        if len(data) <= _LONGEST_HEAD:
            return data
    except ValueError:  # a subclass of str
        pass
    return names + dumps(tuple([str.__getitem__(str(value), slice(_LONGEST_VALUE)) for value in values]), 2)


def _path(environ):
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return path if path.isascii() else path.encode("latin-1", "replace").decode("utf-8", "replace")


def begin(environ):
    """The Request of a new server span; None when there is nothing to trace, or an outer layer traces it already."""
    outer = None
    if _current() is not None:
        outer = _http.serving()
        if outer is not None and _known(outer, environ):
            return None
    if suppressed() or (_tracing.settings.disabled and _http.opted_out("flask", "django")):
        return None
    names, values, propagates, body = _shapes[tuple(environ)]
    method = environ.get("REQUEST_METHOD", "GET")
    parent = _tracing.extract(_Carrier(environ).get) if propagates else None
    if parent is None and outer is not None:
        parent = _tracing.CURRENT
    attributes = {"wsgi.environ": _head(names, values(environ))}
    endpoint = None
    if _tracing.filters is not None:
        endpoint = lambda: _tracing.without_authority(_path(environ))  # noqa: E731
    span = _tracing.start_span(method if method in METHODS else "HTTP", SERVER, attributes, parent, None, endpoint)
    request = Request(span, method, environ)
    if body is not None and span.recording and environ[body]:
        stream = environ.get("wsgi.input")
        limit = _tracing.settings.capture
        if stream is not None and limit:
            request.received = capture = Capture(limit)
            environ["wsgi.input"] = tee(stream, capture)
    return request


def _known(outer, environ):
    """Whether it is the request of the outer layer that has come here."""
    stream = environ.get("wsgi.input")
    if stream is not None and outer.input is stream:
        return True
    return (
        outer.path == _path(environ)
        and outer.query == (environ.get("QUERY_STRING") or "")
        and outer.method == environ.get("REQUEST_METHOD", "GET")
    )


class Request(_http.Request):
    """A WSGI request, known by its environ."""

    def __init__(self, span, method, environ):
        self.parts = []
        self.room = (_tracing.settings.capture if span.recording else 0) or -1
        self.span = span
        span.request = self
        self.method = method
        self.mark = environ

    @property
    def path(self):
        return _path(self.mark)

    @property
    def query(self):
        return self.mark.get("QUERY_STRING") or ""

    @property
    def input(self):
        return self.mark.get("wsgi.input")

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
            self.writer = write
            return self.pass_on
        except Exception as error:
            trouble(error)
        return write

    def pass_on(self, data):
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


def responding(environ):
    """Whether an outer layer traces this request."""
    span = _current()
    return span is not None and span.request is not None and span.request.mark is environ


def respond(app, environ, start_response):
    """app(environ, start_response), traced unless an outer layer does."""
    if responding(environ):
        return app(environ, start_response)
    try:
        request = begin(environ)
    except Exception as error:
        trouble(error)
        request = None
    if request is None:
        return app(environ, start_response)
    request.respond = start_response
    span = _activate(request.span)
    try:
        result = app(environ, request.start_response)
    except BaseException as error:
        request.crash(error)
        request.finish()
        raise
    finally:
        _deactivate(span)
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


_ListIterator = type(iter([]))


class _Body:
    """The iterable that the application returned, with the span current while the application makes each part."""

    __slots__ = ("result", "request", "following")

    def __init__(self, result, request):
        self.result = result
        self.request = request
        self.following = None

    def __iter__(self):
        iterator = self._iterator()
        if type(iterator) is _ListIterator:  # as Django's are: nothing of the application runs meanwhile
            parts = list(iterator)
            for part in parts:
                self.request.keep(part)
            return iter(parts)
        self.following = iterator.__next__
        return self

    def _iterator(self):
        result = self.result
        return iter(result) if hasattr(type(result), "__next__") else self._run(iter, result)

    def __next__(self):
        if self.following is None:
            self.following = self._iterator().__next__
        request = self.request
        span = _activate(request.span)
        try:
            chunk = self.following()
        except StopIteration:
            raise
        except BaseException as error:
            request.crash(error)
            raise
        finally:
            _deactivate(span)
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
        span = _activate(request.span)
        try:
            return function(*args)
        except BaseException as error:
            request.crash(error)
            raise
        finally:
            _deactivate(span)

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
