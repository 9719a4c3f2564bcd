"""opentelemetry-api: what the app traces itself joins what we trace, both ways.

While the app installs no provider of its own, its tracers make our spans, our current span
is its current span, and its propagators see it. A provider that the app does install wins:
we stay out of its context and its telemetry, and only listen, so that its spans stand in
our traces as well. A library that an upstream instrumentation traces is left to it.

Written against the public API from 1.0 on; the few private names it needs are looked up
and done without where they are missing.
"""

import os
import sys

from .. import _bootstrap, _handover, _imports, _log, _tracing

_SUPPRESSION = ("suppress_instrumentation", "suppress_http_instrumentation")


def install(module):
    name = module.__name__
    if name == "opentelemetry.context":
        _install_context(module)
    elif name == "opentelemetry.trace":
        _install_trace(module)
    elif name == "opentelemetry.instrumentation.auto_instrumentation":
        _imports.wrap(module, "execl", _leading)
        _imports.wrap(module, "initialize", _leading)
    else:
        _imports.wrap(module.BaseInstrumentor, "instrument", _instrument)


# --- opentelemetry-instrument -----------------------------------------------------------

_SITE = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))), "sitecustomize")


def _leading(original):
    """What puts upstream's sitecustomize in front of ours, for the program or for its children: no other runs after
    that one, so ours goes first."""

    def wrapper(*args, **kwargs):
        _lead()
        try:
            return original(*args, **kwargs)
        finally:
            _lead()

    return wrapper


@_imports.guard
def _lead():
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    ours = [entry for entry in entries if os.path.realpath(entry) == _SITE]
    if ours:
        os.environ["PYTHONPATH"] = os.pathsep.join(ours + [entry for entry in entries if entry not in ours])


# --- context ----------------------------------------------------------------------------

_runtime = None  # the _Runtime in force
_api = None  # the _Api, once opentelemetry.trace has been imported


def _install_context(context):
    global _runtime
    chosen = os.environ.get("OTEL_PYTHON_CONTEXT", "contextvars_context")
    if chosen != "contextvars_context" or not hasattr(context, "_RUNTIME_CONTEXT"):
        return  # the app's context is of its own making: two separate worlds
    inner = context._RUNTIME_CONTEXT  # None until its first use, in old versions
    if inner is None:
        from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext

        inner = ContextVarsRuntimeContext()
    _runtime = context._RUNTIME_CONTEXT = _Runtime(context, inner)


class _Runtime:
    """The API's current context, kept in step with our current span."""

    def __init__(self, context, inner):
        self.inner = inner
        self.new = context.Context
        self.quiet = _SUPPRESSION + tuple(
            getattr(context, name)
            for name in ("_SUPPRESS_INSTRUMENTATION_KEY", "_SUPPRESS_HTTP_INSTRUMENTATION_KEY")
            if hasattr(context, name)
        )

    def attach(self, context):
        token = self.inner.attach(context)
        span_token = quiet_token = None
        with _imports.guard:
            # A context of an app with its own provider lacks our span, which stays current.
            if _api is not None and (_api.span_key in context or not _api.foreign()):
                span = _api.ours(context.get(_api.span_key))
                if span is not _tracing.current_span():
                    span_token = _tracing.activate(span)
            quiet = any(context.get(key) for key in self.quiet)
            if quiet != _tracing.suppressed():
                quiet_token = _tracing.set_suppressed(quiet)
        return _Token(token, span_token, quiet_token)

    def detach(self, token):
        if not isinstance(token, _Token):
            return self.inner.detach(token)  # attached before we were here
        if token.span is not None:
            _tracing.deactivate(token.span)
        if token.quiet is not None:
            _tracing.reset_suppressed(token.quiet)
        return self.inner.detach(token.inner)

    def get_current(self):
        context = self.inner.get_current()
        if _api is None or _api.foreign():
            return context
        span = _tracing.current_span()
        if span is None:
            return context
        try:
            return self._with(context, span)
        except Exception as err:
            _imports.failed("get_current", err)
            return context

    def _with(self, context, span):
        face = _api.face(span)
        known = context.get(_api.span_key)
        if known is face:
            return context
        overlaid = dict(context)
        overlaid[_api.span_key] = face
        baggage_key = _baggage_key()
        if span.baggage and baggage_key and baggage_key not in overlaid:
            overlaid[baggage_key] = _parsed_baggage(span.baggage)
        return self.new(overlaid)


class _Token:
    __slots__ = ("inner", "span", "quiet")

    def __init__(self, inner, span, quiet):
        self.inner, self.span, self.quiet = inner, span, quiet


# --- baggage ----------------------------------------------------------------------------


def _baggage_key():
    return getattr(sys.modules.get("opentelemetry.baggage"), "_BAGGAGE_KEY", None)


def _parsed_baggage(header):
    from urllib.parse import unquote_plus

    baggage = {}
    for member in header.split(","):
        name, equals, value = member.partition(";")[0].partition("=")
        if equals and name.strip():
            baggage[unquote_plus(name.strip())] = unquote_plus(value.strip())
    return baggage


def _baggage_header(span):
    """The baggage for an outgoing request: what the app has put into its context, else what
    came in with the request."""
    key = _baggage_key()
    baggage = _runtime.inner.get_current().get(key) if key and _runtime is not None else None
    if baggage is None:
        return span.baggage
    from urllib.parse import quote_plus

    return ",".join("%s=%s" % (name, quote_plus(str(value))) for name, value in baggage.items())


# --- trace ------------------------------------------------------------------------------


def _install_trace(trace):
    global _api
    if _runtime is None:
        return
    _api = _Api(trace)
    _tracing.use_baggage(_baggage_header)
    if hasattr(trace, "_PROXY_TRACER_PROVIDER"):
        trace._PROXY_TRACER_PROVIDER = _api.provider
    else:  # before 1.4 there was no proxy

        def make(get_tracer_provider):
            def wrapper():
                if _api.foreign() or "OTEL_PYTHON_TRACER_PROVIDER" in os.environ:
                    return get_tracer_provider()
                return _api.provider

            return wrapper

        _imports.wrap(trace, "get_tracer_provider", make)
    setter = "_set_tracer_provider" if hasattr(trace, "_set_tracer_provider") else "set_tracer_provider"
    _imports.wrap(trace, setter, _set_tracer_provider)
    if _api.foreign():
        _listen(trace._TRACER_PROVIDER)


def _set_tracer_provider(set_tracer_provider):
    def wrapper(*args, **kwargs):
        result = set_tracer_provider(*args, **kwargs)
        with _imports.guard:
            provider = _api.trace._TRACER_PROVIDER
            if provider is not None:
                _listen(provider)
        return result

    return wrapper


class _Api:
    """The app's version of the API, and our classes made to its measure."""

    def __init__(self, trace):
        self.trace = trace
        propagation = sys.modules["opentelemetry.trace.propagation"]
        self.span_key = getattr(propagation, "_SPAN_KEY", None) or propagation.SPAN_KEY
        # Before there was a proxy, asking for a provider installed one that does nothing.
        self.nothing = None if hasattr(trace, "_PROXY_TRACER_PROVIDER") else getattr(trace, "_DefaultTracerProvider", None)
        self.spans = _make_span_class(trace)
        self.provider = _make_provider(trace)

    def foreign(self):
        """Whether the app has a provider of its own."""
        provider = self.trace._TRACER_PROVIDER
        return provider is not None and type(provider) is not self.nothing

    def face(self, span):
        """span as the app's API knows spans: always the same object for the same span."""
        known = getattr(span, "api", None)
        if known is None:
            if isinstance(span, _tracing.RemoteSpan):
                span.api = known = self.trace.NonRecordingSpan(self.context_of(span, True))
            else:
                span.api = known = self.spans(span)
        return known

    def context_of(self, span, remote=False):
        trace = self.trace
        state = trace.TraceState.from_header([span.trace_state]) if span.trace_state else None
        return trace.SpanContext(
            int.from_bytes(span.trace_id, "big"),
            int.from_bytes(span.span_id, "big"),
            remote,
            trace.TraceFlags(span.flags & 1),
            state,
        )

    def ours(self, span):
        """The span of ours that an API span is, or one to stand for it; None for none."""
        if span is None:
            return None
        if type(span) is self.spans:
            return span.lumigo
        try:
            context = span.get_span_context()
            if not context.is_valid:
                return None
        except Exception:
            return None
        remote = self.remote(context)
        joined = _joined.get(context.span_id)
        if joined is not None:
            remote.trace_id = joined[0]
        remote.api = span
        return remote

    def remote(self, context):
        state = context.trace_state.to_header() if context.trace_state else None
        return _tracing.RemoteSpan(
            context.trace_id.to_bytes(16, "big"),
            context.span_id.to_bytes(8, "big"),
            int(context.trace_flags),
            state or None,
            _raw_baggage(),
        )


def _raw_baggage():
    span = _tracing.current_span()
    return span.baggage if span is not None else None


def _attributes(attributes):
    return {str(key): value for key, value in attributes.items() if value is not None} if attributes else {}


def _make_span_class(trace):
    class Span(trace.Span):
        """Our span behind the app's API."""

        def __init__(self, span, record_exception=True, set_status_on_exception=True):
            self.lumigo = span
            self._context = None
            self._on_exception = record_exception, set_status_on_exception

        def get_span_context(self):
            if self._context is None:
                self._context = _api.context_of(self.lumigo)
            return self._context

        def is_recording(self):
            return bool(self.lumigo.recording)

        def set_attribute(self, key, value):
            if value is not None:
                self.lumigo.set_attribute(key, value)

        def set_attributes(self, attributes):
            for key, value in attributes.items():
                self.set_attribute(key, value)

        def add_event(self, name, attributes=None, timestamp=None):
            self.lumigo.add_event(name, _attributes(attributes) or None, timestamp)

        def add_link(self, context, attributes=None):
            if context is not None and context.is_valid:
                self.lumigo.add_link(_api.remote(context), _attributes(attributes) or None)

        def update_name(self, name):
            if self.lumigo.recording:
                self.lumigo.name = name

        def set_status(self, status, description=None):
            code = getattr(status, "status_code", status)
            if code is trace.StatusCode.UNSET or self.lumigo.status == _tracing.OK:
                return
            self.lumigo.set_status(code.value, getattr(status, "description", None) or description)

        def record_exception(self, exception, attributes=None, timestamp=None, escaped=False):
            if self.lumigo.recording:
                event = _tracing.describe_exception(exception, escaped)
                event.update(_attributes(attributes))
                self.lumigo.add_event("exception", event, timestamp)

        def end(self, end_time=None):
            self.lumigo.end(end_time)

        def __exit__(self, kind, err, tb):
            if isinstance(err, Exception) and self.lumigo.recording:
                record, set_status = self._on_exception
                if record:
                    self.record_exception(err, escaped=True)
                if set_status:
                    self.lumigo.set_status(_tracing.ERROR, "%s: %s" % (kind.__name__, err))
            self.end()

        def __repr__(self):
            return "<lumigo span %r>" % (self.lumigo.name,)

    Span.__abstractmethods__ = frozenset()  # a method that a later API adds is not worth a crash
    return Span


def _make_provider(trace):
    Proxy = getattr(trace, "ProxyTracerProvider", trace.TracerProvider)
    managed = getattr(trace, "_agnosticcontextmanager", None)
    if managed is None:
        from contextlib import contextmanager as managed

    # A subclass of the proxy, so that who looks for one sees that no provider has been set.
    class Provider(Proxy):
        """Makes our spans, until the app installs a provider of its own."""

        def __init__(self):
            pass

        def get_tracer(self, *args, **kwargs):
            if _api.foreign():
                return trace._TRACER_PROVIDER.get_tracer(*args, **kwargs)
            return Tracer(args, kwargs)

        @property
        def sampler(self):
            """As the SDK's provider has it. Airflow asks it whether to keep the trace of a run, and takes a provider
            without for one that traces nothing: no task would have spans."""
            return _sampler()

        def force_flush(self, timeout_millis=30000):
            """Send all finished spans on; whether that was done in time."""
            _tracing.ensure_own()
            return not _bootstrap.active or _handover.flush(timeout_millis / 1000.0)

        def shutdown(self):
            self.force_flush()

    class Tracer(trace.Tracer):
        def __init__(self, args, kwargs):
            self._made_with = args, kwargs
            self._scope = str((args and args[0]) or kwargs.get("instrumenting_module_name") or "")
            self._real = None

        def _other(self):
            if self._real is None and _api.foreign():
                args, kwargs = self._made_with
                self._real = trace._TRACER_PROVIDER.get_tracer(*args, **kwargs)
            return self._real

        def start_span(
            self,
            name,
            context=None,
            kind=trace.SpanKind.INTERNAL,
            attributes=None,
            links=None,
            start_time=None,
            record_exception=True,
            set_status_on_exception=True,
        ):
            if self._other() is not None:
                return self._real.start_span(
                    name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception
                )
            parent = _tracing.CURRENT
            if context is not None:
                parent = _api.ours(context.get(_api.span_key))
            span = _tracing.start_span(
                name, kind.value + 1, _attributes(attributes), parent, start_time, scope=self._scope
            )
            span.api = _api.spans(span, record_exception, set_status_on_exception)
            for link in links or ():
                span.api.add_link(link.context, link.attributes)
            return span.api

        @managed
        def start_as_current_span(
            self,
            name,
            context=None,
            kind=trace.SpanKind.INTERNAL,
            attributes=None,
            links=None,
            start_time=None,
            record_exception=True,
            set_status_on_exception=True,
            end_on_exit=True,
        ):
            span = self.start_span(
                name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception
            )
            with trace.use_span(
                span,
                end_on_exit=end_on_exit,
                record_exception=record_exception,
                set_status_on_exception=set_status_on_exception,
            ) as current:
                yield current

    for made in (Provider, Tracer):
        made.__abstractmethods__ = frozenset()
    return Provider()


def _sampler():
    """OTEL_TRACES_SAMPLER, as we read it, in the classes of the SDK that the app has imported."""
    sampling = sys.modules.get("opentelemetry.sdk.trace.sampling")
    if sampling is None:
        raise AttributeError("sampler")
    name, ratio = _tracing.settings.sampler
    plain = name.replace("parentbased_", "")
    always = {"always_on": sampling.ALWAYS_ON, "always_off": sampling.ALWAYS_OFF}
    root = always[plain] if plain in always else sampling.TraceIdRatioBased(ratio)
    return root if plain == name else sampling.ParentBased(root)


# --- the app's own provider -------------------------------------------------------------

# span id (int) of an unfinished span of the app's -> (trace id it has in our traces, parent id)
_joined = {}
_heard = []  # providers we listen to


def _listen(provider):
    if any(known is provider for known in _heard) or provider is _api.provider:
        return
    add = getattr(provider, "add_span_processor", None)
    if add is None:
        _log.debug("The app's tracer provider %r cannot be listened to" % type(provider).__name__)
        return
    _heard.append(provider)
    add(_Listener())


class _Listener:
    """A span processor that only looks. A root span of the app's, begun while one of ours is
    current, keeps its own trace where the app sends it, and joins our trace with us."""

    def on_start(self, span, parent_context=None):
        with _imports.guard:
            context, parent = span.get_span_context(), getattr(span, "parent", None)
            if parent is not None and parent.span_id in _joined:
                trace_id = _joined[parent.span_id][0]
                _joined[context.span_id] = trace_id, parent.span_id.to_bytes(8, "big")
            else:
                current = _tracing.current_span()
                if current is None or type(current) is not _tracing.Span:
                    pass
                elif parent is None or parent.trace_id.to_bytes(16, "big") == current.trace_id:
                    _joined[context.span_id] = current.trace_id, current.span_id
            if len(_joined) > 65536:
                _joined.clear()  # spans that are never ended must not fill the memory

    def on_end(self, span):
        with _imports.guard:
            context = span.get_span_context()
            trace_id, parent_id = _joined.pop(context.span_id, (None, None))
            if _tracing.suppressed() or not context.trace_flags & 1:
                return
            _tracing.emit(_record_of(span, context, trace_id, parent_id))

    def _on_ending(self, span):
        pass

    def shutdown(self):
        pass

    def force_flush(self, timeout_millis=30000):
        _tracing.ensure_own()
        return _handover.flush(timeout_millis / 1000.0)


def _record_of(span, context, trace_id, parent_id):
    """A finished span of the SDK as a record of ours."""
    if trace_id is None:
        trace_id = context.trace_id.to_bytes(16, "big")
        parent_id = span.parent.span_id.to_bytes(8, "big") if span.parent is not None else None
    scope = getattr(span, "instrumentation_scope", None) or getattr(span, "instrumentation_info", None)
    state = context.trace_state.to_header() if context.trace_state else None
    status = span.status
    return (
        0, trace_id, context.span_id.to_bytes(8, "big"), parent_id, 1, state or None,
        span.name, span.kind.value + 1, span.start_time, span.end_time or span.start_time,
        status.status_code.value if status else 0, status.description if status else None,
        getattr(scope, "name", None) or "", _plain(span.attributes),
        [(event.timestamp, event.name, _plain(event.attributes)) for event in span.events or ()] or None,
        [
            (
                link.context.trace_id.to_bytes(16, "big"), link.context.span_id.to_bytes(8, "big"),
                int(link.context.trace_flags), None, _plain(link.attributes),
            )
            for link in span.links or ()
        ] or None,
        None,
    )  # fmt: skip


def _plain(attributes):
    return dict(attributes) if attributes else None


# --- upstream instrumentations ----------------------------------------------------------


def _instrument(instrument):
    def wrapper(self, *args, **kwargs):
        with _imports.guard:
            # opentelemetry.instrumentation.flask, or one of the same form by somebody else
            parts = type(self).__module__.split(".")
            if "instrumentation" in parts[:-1]:
                library = parts[parts.index("instrumentation") + 1]
                _imports.stand_aside(library)
                _tracing.settings.disabled = tuple(_tracing.settings.disabled) + (library,)
        return instrument(self, *args, **kwargs)

    return wrapper
