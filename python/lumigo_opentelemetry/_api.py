"""The public API of the original distro, loaded when it is first asked for."""

from . import _bootstrap, _handover, _imports, _log, _tracing

_LOGGER = "lumigo-opentelemetry"


def __getattr__(name):
    if name == "logger":
        return _make_logger()
    raise AttributeError("module %r has no attribute %r" % (__name__, name))


def _make_logger():
    """The distro's logger, for those who want to write beside our lines or silence them."""
    import logging
    import sys

    logger = logging.getLogger(_LOGGER)
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("#LUMIGO# - %(asctime)s - %(levelname)s - %(message)s"))
        logger.addHandler(handler)
        logger.propagate = False
        logger.setLevel(_log.level)
    return logger


def auto_load(_module=None):
    """What autowrapt calls; importing the package was all that it takes."""


def init():
    """Start tracing, unless it has been started. Returns both providers."""
    _bootstrap.activate()
    return {"tracer_provider": tracer_provider, "logger_provider": None}


# --- providers --------------------------------------------------------------------------


class TracerProvider:
    """Ends and begins what the package traces, and makes tracers for simple manual use.
    Apps that have opentelemetry-api use that: its spans come here by themselves."""

    def get_tracer(self, name, version=None, *_args, **_kwargs):
        return Tracer(name or _tracing.SCOPE)

    def force_flush(self, timeout_millis=30000):
        """Send all finished spans on; whether that was done within timeout_millis. Nothing
        to do, and so done, where tracing is off."""
        if not _bootstrap.active:
            return True
        _tracing.ensure_own()
        return _handover.flush(timeout_millis / 1000.0)

    def shutdown(self):
        """Flush. Tracing goes on: it belongs to the process, not to this object."""
        self.force_flush()

    def add_span_processor(self, span_processor):
        """Not supported: spans leave this process as they end."""
        _log.once("WARNING", "add_span_processor has no effect on the provider of lumigo_opentelemetry")


class Tracer:
    """Makes spans named by the app."""

    def __init__(self, scope):
        self._scope = scope

    def start_span(self, name, kind=_tracing.INTERNAL, attributes=None):
        """A span below the current one; end() it yourself."""
        return _start(name, kind, attributes, self._scope)

    def start_as_current_span(self, name, kind=_tracing.INTERNAL, attributes=None):
        """The same as a context manager or decorator: current inside, ended after. An
        exception that leaves it is recorded."""
        return _CurrentSpan(self, name, kind, attributes)


def _start(name, kind, attributes, scope):
    with_attributes = dict(attributes) if attributes else None
    if _bootstrap.active:
        return _tracing.start_span(name, kind, with_attributes, scope=scope)
    with _tracing.suppress():
        return _tracing.start_span(name, kind, with_attributes, scope=scope)


class _CurrentSpan:
    def __init__(self, tracer, name, kind, attributes):
        self._make = tracer.start_span, name, kind, attributes

    def __enter__(self):
        make, name, kind, attributes = self._make
        self._span = make(name, kind, attributes)
        self._token = _tracing.activate(self._span)
        return self._span

    def __exit__(self, kind, err, tb):
        _tracing.deactivate(self._token)
        if err is not None and issubclass(kind, Exception):
            self._span.record_exception(err)
        self._span.end()
        return False

    def __call__(self, fn):
        make = self._make

        def wrapper(*args, **kwargs):
            with _CurrentSpan(_Maker(make[0]), *make[1:]):
                return fn(*args, **kwargs)

        async def async_wrapper(*args, **kwargs):
            with _CurrentSpan(_Maker(make[0]), *make[1:]):
                return await fn(*args, **kwargs)

        return _named_like(async_wrapper if _asynchronous(fn) else wrapper, fn)


class _Maker:
    def __init__(self, start_span):
        self.start_span = start_span


tracer_provider = TracerProvider()
logger_provider = None


# --- execution tags and programmatic errors ---------------------------------------------


def add_execution_tags(tags, only_current_span=False):
    """Mark every span started from now on in this context with lumigo.execution_tags.<key>,
    or the current span alone. Later values win. What is not valid costs one error line."""
    try:
        if not isinstance(tags, dict):
            _log.error("Execution tags must be a dictionary")
            return
        valid = _valid_tags(tags)
        if not valid:
            _log.error("No valid execution tags to add")
        elif only_current_span:
            span = _tracing.current_span()
            if span is None or not span.recording:
                _log.warning("No active span to add execution tags to")
                return
            for key, value in valid.items():
                span.set_attribute(_tracing.EXECUTION_TAG + key, value)
        else:
            _tracing.add_tags(valid)
    except Exception as err:
        _imports.failed("add_execution_tags", err)


def _valid_tags(tags):
    valid = {}
    for key, value in tags.items():
        if not isinstance(key, str) or not key.strip():
            _log.error(
                "Execution tag key must be a string and cannot be empty or whitespace: '%s' (type: %s)"
                % (key, type(key))
            )
        elif isinstance(value, str) and not value.strip():
            _log.error("Empty or whitespace execution tag value: '%s', '%s'" % (key, value))
        elif isinstance(value, (list, tuple)) and not value:
            _log.error("Empty array/tuple execution tag value: '%s'" % key)
        else:
            valid[key] = list(value) if isinstance(value, tuple) else value
    return valid


def create_programmatic_error(message, type):
    """Add an event named message, with lumigo.type = type, to the current span."""
    span = _tracing.current_span()
    if span is not None:
        span.add_event(message, {"lumigo.type": type})


# --- decorators -------------------------------------------------------------------------


def lumigo_wrapped(fn):
    """Trace each call of fn as a span LumigoRoot with its arguments and what it returns."""

    def wrapper(*args, **kwargs):
        with _CurrentSpan(Tracer("lumigo"), "LumigoRoot", _tracing.INTERNAL, None) as span:
            _set(span, "input_args", list(args))
            _set(span, "input_kwargs", kwargs)
            result = fn(*args, **kwargs)
            _set(span, "return_value", result)
            return result

    async def async_wrapper(*args, **kwargs):
        with _CurrentSpan(Tracer("lumigo"), "LumigoRoot", _tracing.INTERNAL, None) as span:
            _set(span, "input_args", list(args))
            _set(span, "input_kwargs", kwargs)
            result = await fn(*args, **kwargs)
            _set(span, "return_value", result)
            return result

    return _named_like(async_wrapper if _asynchronous(fn) else wrapper, fn)


def _asynchronous(fn):
    """Whether it is a coroutine function, which a decorated one must be as well. (inspect is dear to import.)"""
    return bool(getattr(getattr(fn, "__code__", None), "co_flags", 0) & 0x80)


def lumigo_instrument_lambda(fn):
    """Trace each invocation of an AWS Lambda handler, in its module as well, and hand its
    spans over before it returns: the sandbox is frozen after that."""
    import sys

    module = sys.modules.get(getattr(fn, "__module__", None) or "")
    name = getattr(fn, "__name__", None)
    if module is None or not name:
        _log.warning("Function has no module or name, or its module is not loaded: it is not traced")
        return fn

    from . import _lambda

    handler = _lambda.traced(fn)
    try:
        setattr(module, name, handler)
    except Exception as err:
        _log.error("Failed to replace function in module: %s" % err)
    return handler


@_imports.guard
def _set(span, key, value):
    """Set an attribute as it looks now: the app may change its own objects afterwards."""
    if span.recording and value is not None:
        span.set_attribute(key, _handover.copied(value))


def _named_like(wrapper, fn):
    for attribute in ("__module__", "__name__", "__qualname__", "__doc__"):
        try:
            setattr(wrapper, attribute, getattr(fn, attribute))
        except (AttributeError, TypeError):
            pass
    wrapper.__wrapped__ = fn
    return wrapper
