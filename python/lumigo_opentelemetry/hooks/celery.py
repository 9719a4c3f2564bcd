"""celery: a producer span for each task that is sent, and a consumer span while a worker, or an eager call, runs one.

What sends the message below (kombu, and the client of the broker that it is made of) makes no spans of its own then.
"""

from .. import _imports, _messaging, _tracing
from .._http import trouble

_SENDING = "apply_async"
_FAILED = "FAILURE"


def install(module):
    if hasattr(module, "AMQP"):
        _imports.wrap(module.AMQP, "_create_task_sender", _create_task_sender)
    elif hasattr(module, "build_tracer"):
        _imports.wrap(module, "build_tracer", _build_tracer)
    elif hasattr(module, "Producer"):
        _imports.wrap(module.Producer, "_publish", _publish)
    else:
        _imports.wrap(module.Channel, "_get_pool", _get_pool)
        if "_get_pool" in vars(module.SentinelChannel):
            _imports.wrap(module.SentinelChannel, "_get_pool", _get_pool)


# --- sending ------------------------------------------------------------------------------


def _create_task_sender(original):
    def create(self):
        return _sender(original(self), self)

    return create


def _sender(send, amqp):
    def send_task_message(producer, name, message, *args, **named):
        try:
            span = None if _tracing.suppressed() else _begin(amqp, name, message, named)
            if span is not None:
                message = _carrying(message, named, span)
        except Exception as error:
            trouble(error)
            span = None
        if span is None:
            return send(producer, name, message, *args, **named)
        token = _tracing.activate(span)
        try:
            return send(producer, name, message, *args, **named)
        except BaseException as error:
            span.record_exception(error)
            raise
        finally:
            _tracing.deactivate(token)
            span.end()

    return send_task_message


def _begin(amqp, name, message, named):
    queue = named.get("queue") or named.get("routing_key") or amqp.app.conf.task_default_queue
    span = _start(_tracing.PRODUCER, _SENDING, "send", name, getattr(queue, "name", queue), message.headers.get("id"))
    body = message.body
    if type(body) is tuple:
        _keep(span, "messaging.publish.body", body[0], body[1])
    return span


def _carrying(message, named, span):
    """The message with the context of the span. Headers that the application has given win over the message's own."""
    headers = named.get("headers")
    if _messaging.propagated(headers):
        around = _tracing.current_span()
        if around is None or around.attributes.get("messaging.message.id") != message.headers.get("id"):
            return message
        # The task that runs sends itself again, with the headers that it came with.
        named["headers"] = {name: value for name, value in headers.items() if name.lower() not in _tracing.PROPAGATED}
    return message._replace(headers=_messaging.with_entries(message.headers, span))


def _publish(original):
    def publish(self, *args, **named):
        span = _tracing.current_span()
        if span is None or span.attributes.get("celery.action") != _SENDING:
            return original(self, *args, **named)
        with _tracing.suppress():
            return original(self, *args, **named)

    return publish


def _get_pool(original):
    """The connections to Redis as a broker, through which a worker also looks for tasks, and acknowledges them."""

    def get_pool(self, *args, **named):
        pool = original(self, *args, **named)
        pool._lumigo_untraced = True
        return pool

    return get_pool


# --- running ------------------------------------------------------------------------------


def _build_tracer(original):
    def build_tracer(name, *args, **named):
        return _runner(original(name, *args, **named), name)

    return build_tracer


def _runner(trace_task, name):
    def run(uuid, args, kwargs, request=None):
        try:
            span = None if _tracing.suppressed() else _begin_run(name, uuid, args, kwargs, request or {})
        except Exception as error:
            trouble(error)
            span = None
        if span is None:
            return trace_task(uuid, args, kwargs, request)
        token = _tracing.activate(span)
        try:
            answer = trace_task(uuid, args, kwargs, request)
            _answered(span, answer)
            return answer
        except BaseException as error:
            span.record_exception(error)
            raise
        finally:
            _tracing.deactivate(token)
            span.end()

    return run


def _begin_run(name, uuid, args, kwargs, request):
    context = _messaging.extracted(request) or _messaging.extracted(request.get("headers"))
    place = request.get("delivery_info") or {}
    queue = place.get("routing_key") or place.get("exchange")
    parent = _tracing.CURRENT if context is None else context
    span = _start(_tracing.CONSUMER, "run", "process", name, queue, uuid, parent)
    for name in ("hostname", "retries"):
        value = request.get(name)
        if value:
            span.set_attribute("celery." + name, value)
    _keep(span, "messaging.consume.body", args, kwargs)
    return span


def _answered(span, answer):
    """What became of the task; its exceptions do not leave trace_task."""
    try:
        info = answer[1]
        state = "SUCCESS" if info is None else info.state
        span.set_attribute("celery.state", state)
        if state == _FAILED:
            span.record_exception(info.retval)
    except Exception as error:
        trouble(error)


def _start(kind, action, type, name, queue, uuid, parent=_tracing.CURRENT):
    attributes = {
        "messaging.system": "celery",
        "messaging.operation.name": action,
        "messaging.operation.type": type,
        "celery.action": action,
        "celery.task_name": name,
    }
    if queue:
        attributes["messaging.destination.name"] = str(queue)
    if uuid:
        attributes["messaging.message.id"] = str(uuid)
    return _tracing.start_span(action + "/" + name, kind, attributes, parent)


def _keep(span, attribute, args, kwargs):
    _messaging.body(span, attribute, {"args": args or (), "kwargs": kwargs or {}})
