"""What the hooks of Kafka's clients share: the attributes of their spans."""

from . import _messaging
from ._messaging import extracted as context_of

__all__ = ["base", "context_of", "process", "received", "sent"]


def base(servers, client_id):
    """What all spans of a client have. servers: where it learns of the brokers, text with commas or a list of such."""
    common = {"messaging.system": "kafka"}
    if client_id:
        common["messaging.client.id"] = str(client_id)
    if isinstance(servers, (list, tuple, set)):
        servers = next(iter(servers), None)
    if isinstance(servers, str) and servers:
        host, _, port = servers.split(",")[0].strip().rpartition(":")
        common["server.address"] = (host or port).strip("[]")
        if host and port.isdigit():
            common["server.port"] = int(port)
    return common


def sent(common, topic, key, value):
    """The span of a message to be sent."""
    span = _messaging.sending(common, "send", topic)
    _describe(span, key, value)
    _messaging.body(span, "messaging.produce.body", value)
    return span


def received(common, operation, topics, contexts, start):
    """The span, which has ended, of messages that the application has been given at once. topics: a set."""
    span = _messaging.receiving(common, operation, next(iter(topics)) if len(topics) == 1 else None, contexts, start)
    span.set_attribute("messaging.batch.message_count", len(contexts))
    span.end()
    return span


def process(common, topic, record, headers, poll=None):
    """The span of a message that is being processed. record: with partition, offset, key and value. poll: the span of
    the batch that it came in."""
    span = _messaging.processing(common, topic, context_of(headers), poll)
    if span.recording:
        own = span.attributes
        own["messaging.destination.partition.id"] = str(record.partition)
        own["messaging.kafka.offset"] = record.offset
        _describe(span, record.key, record.value)
        _messaging.body(span, "messaging.consume.body", record.value)
    return span


def _describe(span, key, value):
    if span.recording:
        key = _messaging.text(key)
        if key is not None:
            span.attributes["messaging.kafka.message.key"] = key
        if value is None:
            span.attributes["messaging.kafka.message.tombstone"] = True
