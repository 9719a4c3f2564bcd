"""logging: what the app logs, as far as its own configuration lets it pass, with the span that it is written in.

Nothing of that configuration is touched, neither handlers nor levels nor the records themselves. A record is seen where
its logger has let it pass: in Logger.filter, which has returned when handlers run, as some look for their caller.
"""

from _contextvars import ContextVar

from .. import _handover, _imports, _tracing, _values
from .._http import trouble

ERROR = 40  # records from this level on are handed over at once

_busy = ContextVar("lumigo_logging", default=False)
_known = _null = None


def install(module):
    global _known, _null
    if not _tracing.settings.logs:
        return
    _null = module.NullHandler
    plain = module.LogRecord("", 0, "", 0, "", (), None)
    _known = frozenset(vars(plain)) | {"message", "asctime", "taskName"}
    _imports.wrap(module.Logger, "filter", lambda original: _filter(original, module.LogRecord))


def _filter(original, kind):
    def filter(self, record):
        passed = original(self, record)
        if passed:
            try:
                if not _tracing.suppressed() and not _busy.get() and _heard(self):
                    token = _busy.set(True)  # texts of what is logged may log themselves
                    try:
                        _emit(passed if isinstance(passed, kind) else record)  # from 3.12 on, a filter may replace it
                    finally:
                        _busy.reset(token)
            except Exception as error:
                trouble(error)
        return passed

    return filter


def _heard(logger):
    """Whether the app has anybody hear the logger: a handler on the way up, or the root."""
    while True:
        for handler in logger.handlers:
            if type(handler) is not _null:
                return True
        if not logger.propagate:
            return False
        logger = logger.parent
        if logger is None:
            return True


def _emit(record):
    span = _tracing.current_span()
    attributes = {
        "code.file.path": record.pathname,
        "code.function.name": record.funcName,
        "code.line.number": record.lineno,
    }
    for name, value in record.__dict__.items():
        if name not in _known:
            attributes[name] = _handover.copied(value)
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    if error is not None:
        attributes.update(_tracing.describe_exception(error))
    traced = span is not None
    attributes["otelTraceID"] = span.trace_id.hex() if traced else "0"
    attributes["otelSpanID"] = span.span_id.hex() if traced else "0"
    attributes["otelTraceSampled"] = bool(traced and span.flags & 1)
    level = record.levelno
    _tracing.log(
        (
            4,
            span.trace_id if traced else None,
            span.span_id if traced else None,
            span.flags & 1 if traced else 0,
            int(record.created * 1e9),
            _severity(level),
            "WARN" if record.levelname == "WARNING" else str(record.levelname),
            str(record.name),
            _body(record),
            attributes,
        ),
        level >= ERROR or not traced,
    )


def _severity(level):
    """OTLP's number for a level: 5 for DEBUG, 9 for INFO, and so on, and up to 3 more for what lies between."""
    if level < 10:
        return 1 if level > 0 else 0
    tens = min(level // 10, 5)
    return 4 * tens + 1 + min(level - 10 * tens, 3)


def _body(record):
    message = record.msg
    if not record.args and isinstance(message, (dict, list, tuple)):
        return _handover.copied(message)
    try:
        text = record.getMessage()
    except Exception:  # the app's own handlers will say that this does not go together
        text = _values.text(message)
    limit = _tracing.settings.capture or 2048
    return text if len(text) <= limit else text[:limit]
