"""Spans and their context: who is whose parent, what is kept, what crosses the wire.

The hot path of every traced call, so it leans on C: a span is one slotted object,
its record one tuple, its bytes one marshal call. Nothing here starts a thread,
takes a lock or blocks. A hook uses start_span, activate, deactivate and Span.end;
extract and inject at the edges of the process.

All of it may be called from any thread, greenlet, task or signal handler.
"""

import os
from _contextvars import ContextVar
from _random import Random
from io import BytesIO
from marshal import dumps
from time import time_ns

from . import _handover, _log

INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = 1, 2, 3, 4, 5
UNSET, OK, ERROR = 0, 1, 2

SCOPE = "lumigo_opentelemetry"
EXECUTION_TAG = "lumigo.execution_tags."

# A thread or task can outlive the request that started it by hours; what it does then
# is no part of that request.
STALE_NS = 60 * 1000000000

# Spans below a request wait for its end, to share its frame, but no longer than this.
LINGER_NS = 20 * 1000000
LINGER_SPANS = 32

_getpid = os.getpid
_spans = _handover.spans
_drain = _handover.drain
_hand_over = _handover.hand_over
MAX_RECORD = _handover.MAX_RECORD


class _Current:
    def __repr__(self):
        return "CURRENT"


CURRENT = _Current()


class Settings:
    """What the engine answered to our greeting; until then, record everything."""

    def __init__(self):
        self.active = True
        self.log = ()
        self.log_level = None
        self.propagators = ("tracecontext", "baggage")
        self.sampler = ("parentbased_always_on", 1.0)
        self.filters = {}
        self.disabled = ()
        self.capture = 4096
        self.value_limit = 2048
        self.attribute_count = 128
        self.event_count = 128
        self.link_count = 128
        self.semconv_http_dup = False
        self.semconv_database_dup = False
        self.sqs_filter = True
        self.redis_reduced = True
        self.mongo_reduced = True
        self.trace_header = None
        self.ring = 0
        self.logs = False
        self.grpc_payloads = True


settings = Settings()

_span = ContextVar("lumigo_span", default=None)

# The span that is current in this thread, task or greenlet, or None.
current_span = _span.get

# activate(span) makes span current, and returns the token for deactivate.
activate = _span.set

_suppressed = ContextVar("lumigo_suppressed", default=False)

# Whether what happens here is to leave no spans and no headers: our own calls, and those of
# other telemetry.
suppressed = _suppressed.get

_tags = ContextVar("lumigo_execution_tags", default=None)
_tags_in_use = False


# --- identity ---------------------------------------------------------------------------

_pid = None
_bits = None
_ids = BytesIO()  # span ids to come; to read from it is atomic
_trace_ids = BytesIO()  # the same of traces


def _reseed():
    """Give this process ids of its own. uWSGI forks without telling Python, so every first
    span of a trace asks for its process id rather than trusting os.register_at_fork."""
    global _pid, _bits, _ids, _trace_ids
    _ids = BytesIO()
    _trace_ids = BytesIO()
    _bits = Random(int.from_bytes(os.urandom(32), "big")).getrandbits
    _pid = _getpid()


def ensure_own():
    """In a child of fork, begin anew: own ids, own connection. Nothing in other processes."""
    if _getpid() != _pid:
        _handover.forked()
        _reseed()


_reseed()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=ensure_own)

# os.environ.get encodes its argument anew, which costs as much as the rest of a root span.
_environ = getattr(os.environ, "_data", None)
_XRAY = b"_X_AMZN_TRACE_ID"
if not isinstance(_environ, dict) or os.name != "posix":
    _environ, _XRAY = os.environ, "_X_AMZN_TRACE_ID"


def _xray_trace_id(header):
    """The trace id AWS Lambda gave this invocation: Root=1-<hex>-<24 hex>, its unique
    part shifted left by 32 bits. None if the header holds no such thing."""
    if isinstance(header, bytes):
        header = header.decode("ascii", "replace")
    for field in header.split(";"):
        name, _, value = field.strip().partition("=")
        if name.lower() != "root":
            continue
        parts = value.split("-")
        if len(parts) == 3 and parts[0] == "1" and len(parts[2]) == 24 and parts[1]:
            try:
                int(parts[1], 16)
                unique = bytes.fromhex(parts[2])
            except ValueError:
                return None
            if len(unique) == 12 and any(unique):
                return unique + b"\0\0\0\0"
    return None


def _more_ids():
    """A span id, and others for later: making many at once is much cheaper."""
    global _ids
    _ids = _random(8 * 64)
    return _ids.read(8)


def _more_trace_ids():
    global _trace_ids
    _trace_ids = _random(16 * 32)
    return _trace_ids.read(16)


def _random(size):
    """Something to read ids from, none of which is all zeros."""
    random = bytes(8)
    while bytes(8) in random:
        random = _bits(8 * size).to_bytes(size, "big")
    return BytesIO(random)


# --- what is kept -----------------------------------------------------------------------

_parent_based = True
_bound = None  # keep a trace if the low half of its id is below; None keeps all
filters = None  # {kind: [(compiled, variable)]}, or None when nothing is filtered


def configure(fields):
    """Take over the SETTINGS of the engine. Unknown fields are ignored."""
    for name, value in fields.items():
        if isinstance(name, str) and hasattr(settings, name):
            setattr(settings, name, value)
    _handover.ring_capacity = settings.ring
    _apply()


def _apply():
    global _parent_based, _bound, filters, _injectors, _extractors, _only_traceparent
    name, ratio = settings.sampler
    _parent_based = name.startswith("parentbased_")
    plain = name[len("parentbased_"):] if _parent_based else name
    if plain == "always_off":
        _bound = 0
    elif plain == "traceidratio" and ratio < 1:
        _bound = round(ratio * (1 << 64))
    else:
        _bound = None
    filters = _compile_filters(settings.filters)
    _injectors = tuple(_INJECT[p] for p in settings.propagators if p in _INJECT)
    _extractors = tuple(_EXTRACT[p] for p in settings.propagators if p in _EXTRACT)
    only_w3c = _injectors in ((_write_tracecontext,), (_write_tracecontext, _write_baggage))
    _only_traceparent = only_w3c and _baggage_of is None


_FILTER_VARIABLE = "LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX"


def _compile_filters(filters):
    server, client, general = (filters.get(k) or () for k in ("server", "client", "general"))
    if not (server or client or general):
        return None
    general = _compile(general, _FILTER_VARIABLE)
    return {
        SERVER: _compile(server, _FILTER_VARIABLE + "_SERVER") + general,
        CLIENT: _compile(client, _FILTER_VARIABLE + "_CLIENT") + general,
    }


def _compile(patterns, variable):
    import re  # only for those who filter

    compiled = []
    for pattern in patterns:
        if not pattern:
            continue  # an empty regex would match everything; the original lets it match nothing
        try:
            compiled.append((re.compile(pattern), variable))
        except (re.error, RecursionError, OverflowError, TypeError):
            _log.warning("Invalid regex: %s" % (pattern,))
    return compiled


def endpoint_of(kind, attributes):
    """The endpoint that filters look at: a client's URL as it is, a server's without
    scheme and authority; None for other kinds."""
    if kind == CLIENT:
        return attributes.get("url.full") or attributes.get("http.url") or attributes.get("http.target") or None
    if kind == SERVER:
        endpoint = attributes.get("url.path") or attributes.get("http.target") or attributes.get("http.url")
        return without_authority(endpoint) if isinstance(endpoint, str) else None
    return None


def without_authority(url):
    scheme, colon, rest = url.partition("://")
    if colon and scheme.replace("+", "").replace("-", "").replace(".", "").isalnum():
        url = "//" + rest
    if url.startswith("//"):
        for i in range(2, len(url)):
            if url[i] in "/?#":
                return url[i:]
        return ""
    return url


def _dropped_by_filter(kind, attributes, endpoint):
    endpoint = endpoint_of(kind, attributes) if endpoint is None else endpoint()
    if not endpoint or not isinstance(endpoint, str):
        return False
    for pattern, variable in filters[kind]:
        if pattern.search(endpoint):
            _log.debug(
                "Dropping trace for endpoint '%s' because it matches one of the filter regexes"
                " specified by the '%s' env var" % (endpoint, variable)
            )
            return True
    return False


# --- spans ------------------------------------------------------------------------------


class SpanContext:
    """Where a span of another process stands in its trace. Without trace_id it only brings
    baggage for a new trace."""

    __slots__ = ("trace_id", "span_id", "flags", "trace_state", "baggage")

    def __init__(self, trace_id, span_id, flags=1, trace_state=None, baggage=None):
        self.trace_id = trace_id
        self.span_id = span_id
        self.flags = flags
        self.trace_state = trace_state
        self.baggage = baggage


def _field(index):
    """A part of a span that stands in its record."""

    def get(self):
        return self.record[index]

    def set(self, value):
        self.record[index] = value

    return property(get, set)


class Span:
    """One unit of work. attributes is a plain dict that hooks may write into until end();
    recording is 0 when the span only carries its context along, and after its end.

    record is what the engine gets, see docs/protocol.md."""

    __slots__ = (
        "record", "attributes", "baggage", "root",
        "recording",  # the id of the process that is to report it, and 0 for none
        "api",  # what the app's OpenTelemetry API knows it as, once it does
        "request",  # what _http knows of the request that this span is part of, or None
    )  # fmt: skip

    trace_id, span_id, parent_id, flags, trace_state = map(_field, range(1, 6))
    name, kind, start_ns, end_ns, status, status_message, scope = map(_field, range(6, 13))
    events, links, dropped = map(_field, range(14, 17))

    def set_attribute(self, key, value):
        if self.recording:
            self.attributes[key] = value

    def set_status(self, code, message=None):
        """code is UNSET, OK or ERROR; only an error has a message."""
        if self.recording:
            self.status = code
            self.status_message = message if code == ERROR else None

    def add_event(self, name, attributes=None, time_ns=None):
        if self.recording:
            self._add(_EVENTS, settings.event_count, (time_ns or _now(), name, attributes))

    def add_link(self, context, attributes=None):
        """context: anything with trace_id, span_id, flags and trace_state."""
        if self.recording:
            link = (context.trace_id, context.span_id, context.flags, context.trace_state, attributes)
            self._add(_LINKS, settings.link_count, link)

    def _add(self, index, limit, item):
        items = self.record[index]
        if items is None:
            items = self.record[index] = []
        if len(items) < limit or limit < 0:
            items.append(item)
        else:
            self._count_dropped(index, 1)

    def _count_dropped(self, index, n):
        dropped = list(self.dropped or (0, 0, 0))
        dropped[index - _ATTRIBUTES] += n
        self.dropped = tuple(dropped)

    def record_exception(self, exc, attributes=None, time_ns=None, escaped=False):
        """Note the exception as an event, and the span as failed because of it."""
        if not self.recording:
            return
        event = describe_exception(exc, escaped)
        if attributes:
            event.update(attributes)
        self.add_event("exception", event, time_ns)
        self.attributes.setdefault("error.type", event["exception.type"])
        self.set_status(ERROR, event["exception.message"])

    def end(self, end_ns=None):
        """Finish and hand over. Later calls change nothing."""
        record = self.record
        if record[_END]:
            return
        now = time_ns()
        record[_END] = end_ns or now
        recording = self.recording
        self.recording = 0
        if recording != _pid:
            return  # begun before a fork: the parent process reports it
        try:
            data = dumps(record, 2)
        except Exception as error:
            self._limit_attributes()
            data = _tamed(record, error)
        if len(data) > MAX_RECORD:
            self._limit_attributes()
            data = _handover.tamed(record)
        if self.root:
            _hand_over(data, 1, now)
            return
        _spans.append(data)
        if len(_spans) >= LINGER_SPANS or not 0 <= now - _handover.last_sent < LINGER_NS:
            _drain()

    def _limit_attributes(self):
        """Leave out what the engine would, before the record is cut: thousands of attributes must not cost the others."""
        limit = settings.attribute_count
        attributes = self.record[_ATTRIBUTES]
        if limit is not None and 0 <= limit < len(attributes):
            self._count_dropped(_ATTRIBUTES, len(attributes) - limit)
            self.record[_ATTRIBUTES] = {key: attributes[key] for key in list(attributes)[:limit]}


NAME, _END, _ATTRIBUTES, _EVENTS, _LINKS = 6, 9, 13, 14, 15  # in a record


class RemoteSpan(Span):
    """Stands for a span that is current here but reported by somebody else: of another
    process, or of another tracer in this one."""

    __slots__ = ()

    def __init__(self, trace_id, span_id, flags, trace_state=None, baggage=None):
        self.attributes = attributes = {}
        self.record = [
            0, trace_id, span_id, None, flags & 1, trace_state, "", INTERNAL, 0, 0, UNSET, None, SCOPE, attributes,
            None, None, None,
        ]  # fmt: skip
        self.baggage, self.recording, self.root = baggage, 0, True
        current = _span.get()
        self.request = None if current is None else current.request


_now = time_ns
_new = Span.__new__


def _below(trace_id):
    """What a sampler by ratio says."""
    return 1 if int.from_bytes(trace_id[8:], "big") < _bound else 0


def start_span(
    name, kind=INTERNAL, attributes=None, parent=CURRENT, start=None, endpoint=None, scope=SCOPE, links=None, remote=None
):
    """Begin a span; always returns one, if only to carry its context (recording 0).

    attributes becomes the span's own dict. parent: CURRENT, None for a new trace, a Span,
    or a SpanContext from extract(). start: nanoseconds since 1970, now if None. endpoint:
    returns what filters look at, where that does not stand in the attributes. links: a list
    of (trace_id, span_id, flags, trace_state, attributes). remote: the caller's SpanContext,
    parent only where nothing is current here.

    Hooks of hot paths give all arguments by position: names make CPython take a longer way.
    """
    span = _new(Span)
    now = start or time_ns()
    if parent is CURRENT:
        parent = current_span()
        if parent is None:
            parent = remote
        else:
            ended = parent.record[_END]
            if ended and now - ended > STALE_NS:
                parent = remote
    if parent is not None and type(parent) is Span:
        above = parent.record
        trace_id = above[1]
        parent_id = above[2]
        keep = above[4]
        state = above[5]
        span.baggage = parent.baggage
        span.request = parent.request
        span.root = root = False
    else:
        mark = _handover.mark
        if _getpid() != _pid if mark is None else not mark[0]:
            ensure_own()
        span.root = root = True
        span.request = span.baggage = parent_id = state = None
        if parent is not None:
            span.baggage = parent.baggage
            if isinstance(parent, RemoteSpan):
                span.request = parent.request
        if parent is None or parent.trace_id is None:
            trace_id = _XRAY in _environ and _xray_trace_id(_environ[_XRAY]) or _trace_ids.read(16) or _more_trace_ids()
            keep = 1 if _bound is None else _below(trace_id)
        else:
            trace_id, parent_id, state = parent.trace_id, parent.span_id, parent.trace_state
            keep = parent.flags & 1 if _parent_based else 1 if _bound is None else _below(trace_id)
    if attributes is None:
        attributes = {}
    if keep:
        if filters is not None and kind in filters and _dropped_by_filter(kind, attributes, endpoint):
            keep = 0
        elif suppressed():
            keep = 0
        elif _tags_in_use:
            tags = _tags.get()
            if tags:
                attributes.update(tags)
    span.record = record = [
        0, trace_id, _ids.read(8) or _more_ids(), parent_id, keep, state, name, kind, now, 0,
        UNSET, None, scope, attributes, None, links, None,
    ]  # fmt: skip
    span.attributes = attributes
    span.recording = keep and _pid
    if kind in (2, 5) and root and keep:  # SERVER, CONSUMER: a constant to Python
        _announce(record)
    return span


def _announce(record):
    """Tell the engine of a request that has begun, so that it can be reported should
    this process die before its end."""
    started = (1, *record[1:9], *record[12:14])
    try:
        data = dumps(started, 2)
    except Exception as error:
        data = _tamed(started, error)
    if len(data) > MAX_RECORD:
        data = _handover.tamed(started)
    _hand_over(data, 0, time_ns())


def _tamed(record, error):
    """A record with something in it that marshal does not know, such as an IntEnum."""
    if type(error) is not ValueError:
        from . import _signals

        _signals.let_pass(error)
    return _handover.tamed(record)


def emit(record):
    """Hand over a finished span that somebody else has made, as a whole record."""
    ensure_own()
    _spans.append(_handover.tamed(record))
    if len(_spans) >= LINGER_SPANS or not 0 <= time_ns() - _handover.last_sent < LINGER_NS:
        _drain()


def log(record, now):
    """Hand over a log record, at once or with the spans that it was written in."""
    ensure_own()
    try:
        data = dumps(record, 2)
    except Exception as error:
        data = _tamed(record, error)
    if len(data) > MAX_RECORD:
        data = _handover.tamed(record)
    _spans.append(data)
    if now or len(_spans) >= LINGER_SPANS or not 0 <= time_ns() - _handover.last_sent < LINGER_NS:
        _drain()


def note_fact(key, value):
    """A fact about this process, such as ("framework", "flask"), for its resource."""
    ensure_own()
    _handover.notes.append(_handover.tamed((2, key, value)))
    _drain()


# What something must happen for to end, such as spans of bodies that are being read, or of messages until the next. Each
# has an end(), and is taken out by whatever ends it.
unfinished = set()


def end_unfinished():
    """At the end of the process, after which nothing happens."""
    while unfinished:
        try:
            unfinished.pop().end()
        except Exception as error:
            _log.once("DEBUG", "ending a span failed: %s: %s" % (type(error).__name__, error))


def describe_exception(exc, escaped=False):
    """The attributes of an exception event. Survives exceptions that cannot be printed."""
    kind = type(exc)
    name = kind.__qualname__
    if kind.__module__ not in (None, "builtins"):
        name = "%s.%s" % (kind.__module__, name)
    try:
        message = str(exc)
    except Exception:
        message = "<%s that cannot be printed>" % name
    try:
        import traceback  # dear, and most programs never need it

        stack = "".join(traceback.format_exception(kind, exc, exc.__traceback__))
    except Exception:
        stack = ""
    event = {"exception.type": name, "exception.message": message, "exception.stacktrace": stack}
    if escaped:
        event["exception.escaped"] = "True"
    return event


# --- context ----------------------------------------------------------------------------


def deactivate(token):
    """Undo activate. A token from another context (a generator resumed elsewhere, a
    callback in another thread) is let go without complaint: that context has its own end."""
    try:
        _span.reset(token)
    except (ValueError, RuntimeError, TypeError):
        pass


class suppress:
    """with suppress(): nothing in here is traced."""

    __slots__ = ("_token",)

    def __enter__(self):
        self._token = set_suppressed(True)

    def __exit__(self, *exc_info):
        reset_suppressed(self._token)


# The same as suppress, begun here and ended elsewhere: set_suppressed(True) returns a token for reset_suppressed.
set_suppressed = _suppressed.set


def reset_suppressed(token):
    try:
        _suppressed.reset(token)
    except (ValueError, RuntimeError, TypeError):
        pass


def add_tags(tags):
    """Give every span started from now on in this context these attributes as well.
    Returns a token for remove_tags."""
    global _tags_in_use
    _tags_in_use = True
    merged = dict(_tags.get() or ())
    merged.update((EXECUTION_TAG + key, value) for key, value in tags.items())
    return _tags.set(merged)


def remove_tags(token):
    try:
        _tags.reset(token)
    except (ValueError, RuntimeError, TypeError):
        pass


def carry(fn, always=False):
    """fn, to be called later and elsewhere, as if here: with this context's span, tags and
    suppression and no other context variable. Returns fn itself when there is none, unless
    always: in a thread that goes on to do other work, nothing that fn makes current stays."""
    span, tags, quiet = _span.get(), _tags.get(), _suppressed.get()
    if not always and span is None and tags is None and not quiet:
        return fn
    return _Carried(fn, span, tags, quiet)


class _Carried:
    __slots__ = ("fn", "state", "__weakref__")

    def __init__(self, fn, *state):
        self.fn = fn
        self.state = state

    def __call__(self, *args, **kwargs):
        span, tags, quiet = self.state
        span_token, tags_token, quiet_token = _span.set(span), _tags.set(tags), _suppressed.set(quiet)
        try:
            return self.fn(*args, **kwargs)
        finally:
            for variable, token in ((_span, span_token), (_tags, tags_token), (_suppressed, quiet_token)):
                try:
                    variable.reset(token)
                except (ValueError, RuntimeError):
                    pass


# --- propagation ------------------------------------------------------------------------


def extract(get):
    """The caller's SpanContext, or None. get(lower-case header name) gives str or None."""
    context = None
    for read in _extractors:
        context = read(get, context) or context
    return context


def traceparent(span):
    """The line of a request's head for span, where that is all there is to propagate; else None."""
    record = span.record
    if _only_traceparent and not record[5] and not span.baggage:
        return f"traceparent: 00-{record[1].hex()}-{record[2].hex()}-0{record[4]}".encode()
    return None


def use_baggage(header_of):
    """header_of(span): the baggage header to send, as the OpenTelemetry bridge knows it."""
    global _baggage_of
    _baggage_of = header_of
    _apply()


def inject(set, span=None):
    """Write span, or what is current, through set(header name, value). Writes nothing
    where nothing is current or all is suppressed."""
    if span is None:
        span = _span.get()
    if span is None or suppressed():
        return
    for write in _injectors:
        write(set, span)


def signed(names):
    """Whether a request with these header names is signed by AWS, so that a header added
    now would break its signature."""
    for name in names:
        if isinstance(name, bytes):
            name = name.decode("latin-1")
        if name.lower() == "x-amz-content-sha256":
            return True
    return False


def _hex(text, length):
    """The bytes of exactly length lower-case hexadecimal digits, not all zero; or None."""
    if len(text) != length or text != text.lower():
        return None
    try:
        value = bytes.fromhex(text)
    except ValueError:
        return None
    return value if len(value) * 2 == length and any(value) else None


def _read_tracecontext(get, found):
    header = get("traceparent")
    if not header:
        return None
    header = header.strip(" \t")
    fields = header.split("-")
    if len(fields) < 4 or len(fields[0]) != 2 or len(fields[3]) != 2:
        return None
    version = fields[0]
    if version == "ff" or (version == "00" and len(fields) != 4):
        return None
    if version != "00" and _hex(version, 2) is None:
        return None
    trace_id, span_id = _hex(fields[1], 32), _hex(fields[2], 16)
    if trace_id is None or span_id is None or (fields[3] != "00" and _hex(fields[3], 2) is None):
        return None
    state = get("tracestate")
    return SpanContext(
        trace_id, span_id, int(fields[3], 16) & 1, _trace_state(state) if state else None, found and found.baggage
    )


_KEY_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-*/@")


def _trace_state(header):
    """The tracestate to pass on, or None if W3C's rules tell us to discard it."""
    members, keys = [], set()
    for member in header.split(","):
        member = member.strip(" \t")
        if not member:
            continue
        key, equals, value = member.partition("=")
        if not equals or not key or not value or len(key) > 256 or len(value) > 256 or key in keys:
            return None
        if not _KEY_CHARACTERS.issuperset(key) or not (key[0].isalnum()) or key.count("@") > 1:
            return None
        if not value.isprintable() or not value.isascii() or "=" in value:
            return None
        keys.add(key)
        members.append(member)
    return ",".join(members) if 0 < len(members) <= 32 else None


def _write_tracecontext(set, span):
    set("traceparent", "00-%s-%s-%s" % (span.trace_id.hex(), span.span_id.hex(), "01" if span.flags & 1 else "00"))
    if span.trace_state:
        set("tracestate", span.trace_state)


def _read_baggage(get, found):
    header = get("baggage")
    if header and len(header) <= 8192:
        if found is None:
            found = SpanContext(None, None)  # baggage alone: a new trace will carry it
        found.baggage = header
    return found


_baggage_of = None


def _write_baggage(set, span):
    baggage = span.baggage if _baggage_of is None else _baggage_of(span)
    if baggage:
        set("baggage", baggage)


def _b3_context(trace_id, span_id, sampled, found):
    trace_id, span_id = trace_id.strip().lower(), span_id.strip().lower()
    if len(trace_id) == 16:
        trace_id = "0" * 16 + trace_id
    trace_id, span_id = _hex(trace_id, 32), _hex(span_id, 16)
    if trace_id is None or span_id is None:
        return None
    keep = sampled.strip().lower() in ("", "1", "d", "true")
    return SpanContext(trace_id, span_id, 1 if keep else 0, None, found and found.baggage)


def _read_b3(get, found):
    header = get("b3")
    if not header:
        return _read_b3multi(get, found)
    fields = header.split("-")
    if len(fields) < 2:
        return None  # a bare sampling decision: no trace to join
    return _b3_context(fields[0], fields[1], fields[2] if len(fields) > 2 else "", found)


def _read_b3multi(get, found):
    trace_id, span_id = get("x-b3-traceid"), get("x-b3-spanid")
    if not trace_id or not span_id:
        return None
    sampled = "1" if get("x-b3-flags") == "1" else get("x-b3-sampled") or ""
    return _b3_context(trace_id, span_id, sampled, found)


def _write_b3(set, span):
    set("b3", "%s-%s-%d" % (span.trace_id.hex(), span.span_id.hex(), span.flags & 1))


def _write_b3multi(set, span):
    set("x-b3-traceid", span.trace_id.hex())
    set("x-b3-spanid", span.span_id.hex())
    set("x-b3-sampled", "1" if span.flags & 1 else "0")


_EXTRACT = {
    "tracecontext": _read_tracecontext,
    "baggage": _read_baggage,
    "b3": _read_b3,
    "b3multi": _read_b3multi,
}
_INJECT = {
    "tracecontext": _write_tracecontext,
    "baggage": _write_baggage,
    "b3": _write_b3,
    "b3multi": _write_b3multi,
}
_FIELDS = {
    "tracecontext": ("traceparent", "tracestate"),
    "baggage": ("baggage",),
    "b3": ("b3",),
    "b3multi": ("x-b3-traceid", "x-b3-spanid", "x-b3-sampled"),
}
_injectors = _extractors = ()
_only_traceparent = False


def fields():
    """The names that inject may write, where they must be asked for."""
    return [name for propagator in settings.propagators for name in _FIELDS.get(propagator, ())]


# The headers that a caller's context may come in, in lower case.
PROPAGATED = frozenset((
    "traceparent", "tracestate", "baggage", "b3", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags",
))  # fmt: skip


# --- payloads ---------------------------------------------------------------------------


class Capture:
    """The first bytes of a body, collected as the app reads or writes them. Not for two
    threads at once. limit: how many bytes to keep; 0 keeps none.

    parts is the value of the attribute: the bytes in as many parts as they came in, and True
    after them when there was more. room: for how many bytes more; -1 for none any more."""

    __slots__ = ("parts", "room")

    def __init__(self, limit):
        self.parts = []
        self.room = limit or -1

    def write(self, data):
        size = len(data)
        left = self.room - size
        if left >= 0:
            if size:
                self.room = left
                self.parts.append(data if type(data) is bytes else bytes(data))
        elif self.room >= 0:
            self.parts += bytes(data[: self.room]), True
            self.room = -1


_apply()
