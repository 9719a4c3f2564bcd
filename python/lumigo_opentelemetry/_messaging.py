"""What the hooks of message brokers share: the spans of sending, receiving and processing, and the context that travels
in a message's headers.

A message is sent by a PRODUCER span, whose context goes along with it, and processed by a CONSUMER span, which is the
child of the one that sent it. Where an application is handed many messages at once, there is a CLIENT span for that as
well, with links to their producers. What belongs to a message's processing is told by Turn.

Names are those of OpenTelemetry's conventions for messaging. The broker's clients may run on any thread.
"""

from . import _tracing, _values
from ._http import trouble

# --- spans --------------------------------------------------------------------------------


def _begin(common, operation, kind, type, name, shown=None, **where):
    own = dict(common)
    own["messaging.operation.name"] = operation
    own["messaging.operation.type"] = type
    if name is not None:
        own["messaging.destination.name"] = name
        operation += " " + (shown or name)
    return _tracing.start_span(operation, kind, own, **where)


def sending(common, operation, name, shown=None):
    """The span of a message to be sent. common: attributes that all spans of a client have. shown: how the destination
    is called in the span's name, where not by its own."""
    return _begin(common, operation, _tracing.PRODUCER, "send", name, shown)


def receiving(common, operation, name, contexts, start, shown=None):
    """The span of messages that the application asked for and has been given. name: where from, None for several
    places. contexts: what each of them came with, or None."""
    span = _begin(common, operation, _tracing.CLIENT, "receive", name, shown, start=start)
    for context in contexts:
        if context is not None and context.trace_id is not None:
            span.add_link(context)
    return span


def processing(common, name, context, received=None, shown=None):
    """The span of a message that is being worked on: a child of what sent it, if it says so, and linked to the span that
    it was received by, or to what it is processed in."""
    if context is None or context.trace_id is None:
        parent = _tracing.CURRENT if received is None else received
        return _begin(common, "process", _tracing.CONSUMER, "process", name, shown, parent=parent, remote=context)
    span = _begin(common, "process", _tracing.CONSUMER, "process", name, shown, parent=context)
    around = _tracing.current_span() if received is None else received
    if around is not None and (around is received or around.trace_id != context.trace_id):
        span.add_link(around)
    return span


def end(span, error=None):
    """Ends a span, which may be one that ends later."""
    _tracing.unfinished.discard(span)
    try:
        if error is not None:
            span.record_exception(error)
    except Exception as fault:
        trouble(fault)
    span.end()


class Turn:
    """The message whose turn it is: the span of its processing is current until done()."""

    __slots__ = ("_span", "_token")

    def __init__(self):
        self._span = None

    def take(self, span):
        self.done()
        self._token = _tracing.activate(span)
        self._span = span
        _tracing.unfinished.add(span)

    def done(self, error=None):
        """Ends the span. What the application has made current meanwhile, and forgotten, stays so."""
        span = self._span
        if span is None:
            return
        self._span = None
        if _tracing.current_span() is span:
            _tracing.deactivate(self._token)
        end(span, error)

    def __del__(self):  # the application has let go of its consumer
        self.done()


class Loop:
    """What a for loop over a consumer holds of it. As the loop lets go of it, by break, return or an exception, the
    last message's turn has ended."""

    __slots__ = ("_consumer", "_turn")

    def __init__(self, consumer, turn):
        self._consumer = consumer
        self._turn = turn

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._consumer)

    def __getattr__(self, name):
        return getattr(self._consumer, name)

    def __del__(self):
        self._turn.done()


class AsyncLoop(Loop):
    """The same for async for."""

    __slots__ = ()

    def __aiter__(self):
        return self

    def __anext__(self):
        return self._consumer.__anext__()


class Messages(list):
    """A list of messages each of which is processed under a span of its own while a loop is at it: process(message) starts
    it. Slices and copies are plain lists."""

    __slots__ = ("_process",)

    def __init__(self, messages, process):
        list.__init__(self, messages)
        self._process = process

    def __iter__(self):
        return _Each(list.__iter__(self), self._process)

    def __reduce_ex__(self, protocol):
        return list, (self[:],)


class _Each:
    __slots__ = ("_messages", "_process", "_turn")

    def __init__(self, messages, process):
        self._messages = messages
        self._process = process
        self._turn = Turn()

    def __iter__(self):
        return self

    def __length_hint__(self):
        return self._messages.__length_hint__()

    def __next__(self):
        self._turn.done()
        message = next(self._messages)
        begin(self._turn, self._process, message)
        return message

    def __del__(self):
        self._turn.done()


def begin(turn, process, *message):
    """Starts the turn of a message, unless it is not to be traced: process(*message) returns its span, or None."""
    try:
        if not _tracing.suppressed():
            span = process(*message)
            if span is not None:
                turn.take(span)
    except Exception as error:
        trouble(error)


# --- headers ------------------------------------------------------------------------------


def extracted(headers):
    """The SpanContext in a message's headers, pairs or a dict; None without one."""
    if not headers:
        return None
    found = {}
    for name, value in headers.items() if hasattr(headers, "items") else headers:
        if isinstance(name, bytes):
            name = name.decode("latin-1")
        name = str(name).lower()
        if name in _tracing.PROPAGATED:
            if isinstance(value, bytes):
                value = value.decode("latin-1")
            if isinstance(value, str):  # AMQP's may be anything
                found[name] = value
    return _tracing.extract(found.get) if found else None


def propagated(headers):
    """Whether somebody has put a context there already: a message that is passed on belongs to its first sender."""
    for header in headers or ():
        name = header[0] if isinstance(header, tuple) else header
        if isinstance(name, bytes):
            name = name.decode("latin-1")
        if isinstance(name, str) and name.lower() in _tracing.PROPAGATED:
            return True
    return False


def with_pairs(headers, span):
    """A list of (name, bytes) with the context of the span. headers: what the application gave, which stays as it is."""
    pairs = list(headers or ())
    _tracing.inject(lambda name, value: pairs.append((name, value.encode("latin-1"))), span)
    return pairs


def with_entries(headers, span):
    """The same for a dict."""
    entries = dict(headers or ())
    _tracing.inject(entries.__setitem__, span)
    return entries


# --- arguments ----------------------------------------------------------------------------


def parameters(function):
    """The names of a method's parameters after self."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    code = function.__code__
    return code.co_varnames[1 : code.co_argcount]


class Arguments:
    """What a method is called with, by the names of its parameters."""

    __slots__ = ("names", "args", "named")

    def __init__(self, names, args, named):
        self.names, self.args, self.named = names, args, named

    def get(self, name, default=None):
        if name in self.named:
            return self.named[name]
        try:
            return self.args[self.names.index(name)]
        except (ValueError, IndexError):
            return default

    def put(self, name, value):
        """Another value for one call: what the application passed in is copied."""
        if name in self.names:
            index = self.names.index(name)
            if index < len(self.args):
                self.args = self.args[:index] + (value,) + self.args[index + 1 :]
                return
        self.named = dict(self.named)
        self.named[name] = value


# --- sending ------------------------------------------------------------------------------


def sends(begin, later=None, names=None):
    """A wrapper maker, as _imports.wrap wants it, for a method that sends a message. begin(self, given) returns the span, or
    None for a message that is not traced, and may put its context into the Arguments given. The span ends with the call, or
    later: later(span, answer) has the answer say when. names: of the parameters, where the method does not tell."""

    def make(original):
        known = names or parameters(original)

        def wrapper(self, *args, **named):
            given = Arguments(known, args, named)
            span = _to_send(begin, self, given)
            if span is None:
                return original(self, *args, **named)
            try:
                answer = original(self, *given.args, **given.named)
            except BaseException as error:
                end(span, error)
                raise
            _has_sent(span, later, answer)
            return answer

        return wrapper

    return make


def async_sends(begin, later=None):
    """The same for a coroutine function."""

    def make(original):
        known = parameters(original)

        async def wrapper(self, *args, **named):
            given = Arguments(known, args, named)
            span = _to_send(begin, self, given)
            if span is None:
                return await original(self, *args, **named)
            try:
                answer = await original(self, *given.args, **given.named)
            except BaseException as error:
                end(span, error)
                raise
            _has_sent(span, later, answer)
            return answer

        return wrapper

    return make


def _to_send(begin, sender, given):
    try:
        return None if _tracing.suppressed() else begin(sender, given)
    except Exception as error:
        trouble(error)
        return None


def _has_sent(span, later, answer):
    if later is not None:
        try:
            _tracing.unfinished.add(span)
            later(span, answer)
            return
        except Exception as error:
            trouble(error)
    end(span)


# --- bodies -------------------------------------------------------------------------------

_TEXT = (str, bytes, bytearray, memoryview)


def body(span, attribute, value):
    """Keeps the beginning of a message's body, as it is now."""
    limit = _tracing.settings.capture
    if not limit or value is None or not span.recording:
        return
    if not isinstance(value, _TEXT):
        try:
            span.attributes[attribute] = _values.plain(value)
        except Exception as error:  # of the value's own methods
            trouble(error)
        return
    cut = len(value) > limit
    if cut:
        value = value[:limit]
    if not isinstance(value, str):
        value = bytes(value)
    span.attributes[attribute] = (value, True) if cut else value


def text(value):
    """A key or an id as an attribute; None for what is not text."""
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            return None
    return value[:256] if isinstance(value, str) else None
