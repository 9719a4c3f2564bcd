"""grpcio, with and without asyncio: a client span for each call on a channel, a server span for each that a server answers.

What a call sends and receives is seen by the functions that make bytes of messages and messages of bytes, of which each
call gets its own: neither streams nor futures are touched, and no two calls can mix. A call's span ends with the call.
"""

from contextvars import ContextVar
from copy import copy

from .. import _imports, _tracing
from .._http import trouble

LARGE = 16384  # bytes of a message whose text is not made: that takes longer than sending it

# Codes that are a server's own fault: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS.
_FAULTS = frozenset((2, 4, 12, 13, 14, 15))
_CANCELLED, _UNKNOWN = 1, 2


def install(module):
    name = module.__name__
    if name == "grpc":
        _imports.wrap(module, "server", lambda original: _with_interceptor(original, _interceptor(module)))
    elif name == "grpc.aio._server":
        grpc = module.grpc
        interceptor = _async_interceptor(grpc, module.ServerInterceptor)
        _imports.wrap(module, "server", lambda original: _with_interceptor(original, interceptor))
        if not _tells_aborts(grpc):
            _imports.wrap(module.cygrpc, "_send_error_status_from_server", _told)
            _Serving.told = True
    elif name == "grpc._channel":
        for kind in ("_UnaryUnaryMultiCallable", "_StreamUnaryMultiCallable"):
            _imports.wrap(getattr(module, kind), "__call__", _blocking)
            _imports.wrap(getattr(module, kind), "with_call", _blocking)
            _imports.wrap(getattr(module, kind), "future", _begun)
        for kind in ("_UnaryStreamMultiCallable", "_SingleThreadedUnaryStreamMultiCallable", "_StreamStreamMultiCallable"):
            if hasattr(module, kind):  # the second came with 1.25
                _imports.wrap(getattr(module, kind), "__call__", _begun)
    else:
        for kind in ("UnaryUnary", "UnaryStream", "StreamUnary", "StreamStream"):
            _imports.wrap(getattr(module, kind + "MultiCallable"), "__call__", lambda original: _async_begun(original, module))


# --- messages ---------------------------------------------------------------------------


class _Messages:
    """Texts of the messages that go one way in a call, as many as are shown."""

    __slots__ = ("texts", "room", "more")

    def __init__(self):
        self.texts = []
        self.room = _tracing.settings.capture if _tracing.settings.grpc_payloads else 0
        self.more = False

    def keep(self, message, size):
        try:
            if self.room <= 0:
                self.more = True
                return
            if isinstance(message, bytes):
                text = message[: self.room].decode("utf-8", "replace")
                self.more = self.more or size > len(text)
            elif size > LARGE:
                text = "%s of %d bytes" % (type(message).__name__, size)
            else:
                text = str(message)
            self.room -= len(text)
            self.texts.append(text)
        except Exception as error:
            trouble(error)

    def sending(self, serializer):
        """A serializer that shows what it is given."""
        if serializer is None:  # then messages are bytes

            def serialize(message):
                self.keep(message, len(message))
                return message

        else:

            def serialize(message):
                data = serializer(message)
                self.keep(message, len(data))
                return data

        return serialize

    def receiving(self, deserializer):
        if deserializer is None:

            def deserialize(data):
                self.keep(data, len(data))
                return data

        else:

            def deserialize(data):
                message = deserializer(data)
                self.keep(message, len(data))
                return message

        return deserialize

    def value(self):
        text = ",".join(self.texts)
        return (text, True) if self.more else text


class _Call:
    """A call's span and its messages."""

    __slots__ = ("span", "request", "response")

    def __init__(self, span, request=None):
        self.span = span
        self.request = request or _Messages()
        self.response = _Messages()

    def finish(self, code, error=None):
        """code: of the status, None for OK."""
        span = self.span
        try:
            if span.recording:
                attributes = span.attributes
                number = _number(code)
                attributes["rpc.grpc.status_code"] = number
                if error is not None:
                    span.record_exception(error)
                if number and (span.kind == _tracing.CLIENT or number in _FAULTS):
                    if error is None:
                        span.set_status(_tracing.ERROR)
                    if error is None or span.kind == _tracing.CLIENT:
                        attributes["error.type"] = getattr(code, "name", str(number))
                if self.request.texts:
                    attributes["rpc.grpc.request.payload"] = self.request.value()
                if self.response.texts:
                    attributes["rpc.grpc.response.payload"] = self.response.value()
        except Exception as fault:
            trouble(fault)
        span.end()


def _number(code):
    value = getattr(code, "value", code)
    if isinstance(value, tuple):
        value = value[0]
    return value if isinstance(value, int) else 0


def _attributes(method):
    if isinstance(method, bytes):
        method = method.decode("utf-8", "replace")
    name = method.lstrip("/")
    service, _, short = name.rpartition("/")
    return name, {"rpc.system": "grpc", "rpc.service": service, "rpc.method": short}


# --- clients ----------------------------------------------------------------------------


def _start(callable, channel):
    """The call that a multi-callable is about to make, and a copy of it for this call alone."""
    name, attributes = _attributes(callable._method)
    target = getattr(channel, "target", None)  # which asynchronous channels do not tell in old versions
    if target is not None:
        _address(target if isinstance(target, bytes) else target(), attributes)
    call = _Call(_tracing.start_span(name, _tracing.CLIENT, attributes))
    own = copy(callable)
    if call.span.recording:
        own._request_serializer = call.request.sending(callable._request_serializer)
        own._response_deserializer = call.response.receiving(callable._response_deserializer)
    return call, own


def _address(target, attributes):
    target = target.decode("utf-8", "replace")
    scheme, _, rest = target.partition(":")
    if scheme in ("dns", "ipv4", "ipv6", "xds"):
        target = rest.rpartition("/")[2]
    elif scheme in ("unix", "unix-abstract"):
        attributes["server.address"] = rest
        return
    host, _, port = target.rpartition(":")
    if port.isdigit():
        attributes["server.port"] = int(port)
        target = host
    attributes["server.address"] = target.strip("[]")


def _pairs(metadata, span):
    """The metadata of a call, and what propagates its span."""
    pairs = list(metadata) if metadata else []
    if _tracing.PROPAGATED.isdisjoint(pair[0] for pair in pairs):
        _tracing.inject(lambda name, value: pairs.append((name, value)), span)
    return pairs


def _carrying(span, args, named):
    """The arguments of a call with metadata that propagate its span: (request, timeout, metadata, ...)."""
    if len(args) > 2:
        return args[:2] + (tuple(_pairs(args[2], span)),) + args[3:], named
    return args, dict(named, metadata=tuple(_pairs(named.get("metadata"), span)))


def _blocking(original):
    def wrapper(self, *args, **named):
        call = None
        if not _tracing.suppressed():
            try:
                call, own = _start(self, self._channel)
                args, named = _carrying(call.span, args, named)
            except Exception as error:
                trouble(error)
        if call is None:
            return original(self, *args, **named)
        try:
            answer = original(own, *args, **named)
        except BaseException as error:
            call.finish(_code_of(error), error)
            raise
        call.finish(None)
        return answer

    return wrapper


def _code_of(error):
    try:
        return error.code()
    except Exception:
        return _UNKNOWN


def _begun(original):
    """For what returns at once: a future, or the iterator of a stream."""

    def wrapper(self, *args, **named):
        call = None
        if not _tracing.suppressed():
            try:
                call, own = _start(self, self._channel)
                args, named = _carrying(call.span, args, named)
            except Exception as error:
                trouble(error)
        if call is None:
            return original(self, *args, **named)
        try:
            answer = original(own, *args, **named)
        except BaseException as error:
            call.finish(_UNKNOWN, error)
            raise
        try:
            ended = _ending(call, answer)
            if not answer.add_callback(ended):
                ended()
        except Exception as error:
            trouble(error)
            call.span.end()
        return answer

    return wrapper


def _ending(call, answer):
    """What ends a call's span. It does not keep the answer, which cancels the call when the app lets go of it."""
    state = getattr(answer, "_state", None)
    if state is None:
        return lambda: call.finish(answer.code())
    return lambda: call.finish(state.code)


def _async_begun(original, module):
    codes = {code.value[0]: code for code in module.grpc.StatusCode}

    def wrapper(self, *args, **named):
        call = None
        if not _tracing.suppressed():
            try:
                call, own = _start(self, self._channel)
                pairs = _pairs(named.get("metadata"), call.span)
                named = dict(named, metadata=module.Metadata(*map(tuple, pairs)))
            except Exception as error:
                trouble(error)
        if call is None:
            return original(self, *args, **named)
        try:
            answer = original(own, *args, **named)
        except BaseException as error:
            call.finish(_UNKNOWN, error)
            raise
        try:
            _when_ended(call, answer, codes)
        except Exception as error:
            trouble(error)
            call.span.end()
        return answer

    return wrapper


def _when_ended(call, answer, codes):
    """The same for an asynchronous call."""
    response = getattr(answer, "_call_response", None)  # the task that makes a message of a single response
    inner = getattr(answer, "_cython_call", None)
    if response is not None:
        response.add_done_callback(lambda _: _ended(call, answer.code))
    elif inner is not None:
        inner.add_done_callback(lambda: _ended(call, inner.status, codes))
    else:  # it is the app's interceptors'
        answer.add_done_callback(lambda done: _ended(call, done.code))


def _ended(call, status, codes=None):
    code = None
    try:
        code = _result(status())
        if codes is not None:
            code = codes[code.code()]
    except Exception as error:
        trouble(error)
    call.finish(code)


def _result(coroutine):
    """What a call that is over says of its status: the coroutine which tells it has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    finally:
        coroutine.close()
    return None


# --- servers ----------------------------------------------------------------------------


def _with_interceptor(original, interceptor):
    """server(thread_pool, handlers, interceptors, ...), with ours before the app's."""

    def wrapper(*args, **named):
        try:
            if len(args) > 2:
                args = args[:2] + ((interceptor,) + tuple(args[2] or ()),) + args[3:]
            else:
                named = dict(named, interceptors=(interceptor,) + tuple(named.get("interceptors") or ()))
        except Exception as error:
            trouble(error)
        return original(*args, **named)

    return wrapper


def _interceptor(grpc):
    class Interceptor(grpc.ServerInterceptor):
        def intercept_service(self, continuation, details):
            handler = continuation(details)
            return _handled(grpc, handler, details, _serve, _serve_stream)

    return Interceptor()


def _async_interceptor(grpc, base):
    import inspect  # grpc.aio has it

    def serve(call, behaviour):
        if inspect.iscoroutinefunction(behaviour):
            return _async_serve(call, behaviour)
        return _serve(call, behaviour)

    def serve_stream(call, behaviour):
        if inspect.isasyncgenfunction(behaviour):
            return _async_serve_stream(call, behaviour)
        if inspect.iscoroutinefunction(behaviour):  # which writes to its context
            return _async_serve(call, behaviour)
        return _serve_stream(call, behaviour)

    class Interceptor(base):
        async def intercept_service(self, continuation, details):
            handler = await continuation(details)
            return _handled(grpc, handler, details, serve, serve_stream)

    return Interceptor()


def _handled(grpc, handler, details, serve, serve_stream):
    """A handler of one call, which has the behaviour of the app's within a span."""
    if handler is None:
        return None
    try:
        kind = ("stream" if handler.request_streaming else "unary") + "_" + ("stream" if handler.response_streaming else "unary")
        call = _Serving(details)
        behaviour = getattr(handler, kind)
        if getattr(behaviour, "experimental_non_blocking", False):  # which returns before it has answered
            return handler
        wrapped = (serve_stream if handler.response_streaming else serve)(call, behaviour)
        wrapped.__dict__.update(getattr(behaviour, "__dict__", ()))  # where grpc looks for a thread pool of its own
        make = getattr(grpc, kind + "_rpc_method_handler")
        serializer = handler.response_serializer
        if handler.response_streaming:  # else the span is over by then
            serializer = call.response.sending(serializer)
        return make(wrapped, call.request.receiving(handler.request_deserializer), serializer)
    except Exception as error:
        trouble(error)
        return handler


_answering = ContextVar("lumigo_grpc_answering", default=None)


def _tells_aborts(grpc):
    """Whether the context of an asynchronous behaviour knows which code the call was aborted with, as it does from 1.42 on."""
    major, minor = grpc.__version__.split(".")[:2]
    return (int(major), int(minor)) >= (1, 42)


def _told(original):
    async def wrapper(state, code, *args):
        call = _answering.get()
        if call is not None:
            call.sent = code
        return await original(state, code, *args)

    return wrapper


class _Serving(_Call):
    """A call that a server answers. `with call.begun(context):` has its span around what the app does, or does first."""

    __slots__ = ("details", "context", "token", "sent")

    told = False  # by the library's function that sends a status

    def __init__(self, details):
        super().__init__(None)
        self.details = details
        self.sent = None

    def begun(self, context):
        self.context = context
        self.token = None
        if self.told:
            _answering.set(self)
        try:
            self.token = self.begin(context)
        except Exception as error:
            trouble(error)
        return self

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        _tracing.deactivate(self.token)
        self.ended(error)

    def begin(self, context):
        name, attributes = _attributes(self.details.method)
        peer = context.peer() or ""
        scheme, _, rest = peer.partition(":")
        if scheme in ("ipv4", "ipv6"):
            host, _, port = rest.replace("%5B", "[").replace("%5D", "]").rpartition(":")
            attributes["client.address"] = attributes["network.peer.address"] = host.strip("[]")
            attributes["network.peer.port"] = int(port)
        known = {}
        for pair in self.details.invocation_metadata or ():
            if isinstance(pair[1], str):
                known[pair[0]] = pair[1]
        # What is current here is what the server was started in.
        self.span = _tracing.start_span(name, _tracing.SERVER, attributes, _tracing.extract(known.get))
        return _tracing.activate(self.span)

    def only(self, response):
        """Shows the one response of a call."""
        try:
            if response is not None:
                self.response.keep(response, response.ByteSize() if hasattr(response, "ByteSize") else len(response))
        except Exception as error:
            trouble(error)

    def ended(self, error=None):
        if self.span is None or not self.span.recording:
            return
        code = None
        try:
            context = self.context
            if hasattr(context, "code"):
                code = context.code()
            elif hasattr(context, "_state"):
                code = context._state.code
            code = code or self.sent
            if error is not None:
                name = type(error).__name__
                gone = name == "CancelledError" or name == "GeneratorExit"
                if code is None or not _number(code):
                    code = _CANCELLED if gone else _UNKNOWN
                if gone or name == "AbortError" or type(error) is Exception and not error.args:
                    error = None  # the client has gone; or this is how an abort leaves the app
        except Exception as fault:
            trouble(fault)
        self.finish(code, error)


def _serve(call, behaviour):
    def serve(request, context):
        with call.begun(context):
            response = behaviour(request, context)
            call.only(response)
            return response

    return serve


def _async_serve(call, behaviour):
    async def serve(request, context):
        with call.begun(context):
            response = await behaviour(request, context)
            call.only(response)
            return response

    return serve


def _serve_stream(call, behaviour):
    def serve(request, context):
        token = call.begun(context).token
        try:
            return _Responses(behaviour(request, context), call)
        except BaseException as error:
            call.ended(error)
            raise
        finally:
            _tracing.deactivate(token)

    return serve


class _Responses:
    """The responses of a stream as the app makes them, with the call's span current meanwhile."""

    def __init__(self, responses, call):
        self._call = call
        self._responses = responses

    def __iter__(self):
        return self

    def __next__(self):
        call = self._call
        token = _tracing.activate(call.span) if call.span is not None else None
        try:
            return next(self._responses)
        except StopIteration:
            call.ended()
            raise
        except BaseException as error:
            call.ended(error)
            raise
        finally:
            _tracing.deactivate(token)

    def __del__(self):  # the client has gone before the end
        self._call.ended(GeneratorExit())


def _async_serve_stream(call, behaviour):
    async def serve(request, context):
        with call.begun(context):
            responses = behaviour(request, context)
            try:
                async for response in responses:
                    yield response
            finally:
                await responses.aclose()

    return serve
