"""What the hooks of clients of AMQP 0.9.1, which RabbitMQ speaks, share: the names and attributes of their spans."""

from . import _messaging

_NAMED_BY_BROKER = ("amq.gen-", "amq.rabbitmq.reply-to")


def base(host, port):
    """What all spans of a connection have."""
    common = {"messaging.system": "rabbitmq"}
    if host:
        common["server.address"] = str(host)
        if port:
            common["server.port"] = int(port)
    return common


def published(common, exchange, key, properties, body):
    """The span of a message to be published. properties: with message_id and correlation_id, or None."""
    exchange, key = exchange or "", key or ""
    name = ":".join(filter(None, (exchange, key))) or "amq.default"
    span = _messaging.sending(common, "publish", name, _shown(exchange, key))
    _describe(span, key, properties)
    _messaging.body(span, "messaging.publish.body", body)
    return span


def delivered(common, queue, exchange, key, tag, properties, body):
    """The span of a message that is being processed."""
    exchange, key, queue = exchange or "", key or "", queue or ""
    name = _destination(exchange, key, queue)
    span = _messaging.processing(common, name, _context(properties), shown=_shown(exchange, key, queue))
    _deliver(span, key, tag, properties, body)
    return span


def fetched(common, queue, exchange, key, tag, properties, body, start):
    """The span of a message that the application has asked for."""
    exchange, key, queue = exchange or "", key or "", queue or ""
    name = _destination(exchange, key, queue)
    span = _messaging.receiving(common, "get", name, [_context(properties)], start, _shown(exchange, key, queue))
    _deliver(span, key, tag, properties, body)
    return span


def _destination(exchange, key, queue):
    parts = [exchange, key]
    if queue != key:
        parts.append(queue)
    return ":".join(filter(None, parts)) or "amq.default"


def _shown(exchange, key, queue=""):
    """The destination in a span's name: queues that the broker has named are many, and all alike."""
    parts = []
    for part in (exchange, key, queue):
        part = "(anonymous)" if part.startswith(_NAMED_BY_BROKER) else part
        if part and part not in parts:
            parts.append(part)
    return ":".join(parts) or "amq.default"


def _context(properties):
    return _messaging.extracted(getattr(properties, "headers", None))


def _deliver(span, key, tag, properties, body):
    if span.recording:
        span.attributes["messaging.rabbitmq.message.delivery_tag"] = tag
        _describe(span, key, properties)
        _messaging.body(span, "messaging.consume.body", body)


def _describe(span, key, properties):
    if not span.recording:
        return
    own = span.attributes
    if key:
        own["messaging.rabbitmq.destination.routing_key"] = key
    for name, property in (("messaging.message.id", "message_id"), ("messaging.message.conversation_id", "correlation_id")):
        value = _messaging.text(getattr(properties, property, None))
        if value is not None:
            own[name] = value
