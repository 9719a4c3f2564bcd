"""What the hooks of Kafka's clients share: the attributes of their spans, and what is known of a consumer."""

from . import _messaging, _tracing
from ._http import trouble
from ._messaging import extracted


def base(servers, client_id):
    """What all spans of a client have. servers: where it learns of the brokers, text with commas or a list of such."""
    common = {"messaging.system": "kafka"}
    if client_id:
        common["messaging.client.id"] = str(client_id)
    if isinstance(servers, (list, tuple, set)):
        servers = next(iter(servers), None)
    if isinstance(servers, str) and servers:
        host, _, port = servers.split(",")[0].strip().rpartition("://")[2].rpartition(":")
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


def delivered(span, metadata):
    """Ends the span of a message that a broker has acknowledged. metadata: where it is; None
    where it was not asked for."""
    try:
        if span.recording and metadata is not None:
            span.attributes["messaging.destination.partition.id"] = str(metadata.partition)
            if metadata.offset >= 0:
                span.attributes["messaging.kafka.offset"] = metadata.offset
    except Exception as error:
        trouble(error)
    _messaging.end(span)


def await_delivery(span, future, record_of):
    """Ends the span of a send once asyncio's future of it is done. record_of: what of its result tells where it is."""

    def done(future):
        if future.cancelled():
            _messaging.end(span)
            return
        error = future._exception  # exception() would count as if the application had seen it
        if error is not None:
            _messaging.end(span, error)
        else:
            delivered(span, record_of(future.result()))

    future.add_done_callback(done)


class Consuming:
    """What is known of a consumer: what its spans have in common, and whose turn it is."""

    __slots__ = ("common", "turn")

    def __init__(self, common, group=None):
        self.common = common
        if group:
            common["messaging.consumer.group.name"] = group
        self.turn = _messaging.Turn()

    def asked(self):
        """The application asks for what comes next, or for nothing any more."""
        try:
            self.turn.done()
        except Exception as error:
            trouble(error)

    def one(self, record):
        """It has been given this one."""
        _messaging.begin(self.turn, self.process, record)

    def many(self, operation, batches, start):
        """It is to be given lists of records, by their partitions. Returns the same, to be processed one by one as they are
        looped over."""
        try:
            records = [record for batch in batches.values() for record in batch]
            if not records or _tracing.suppressed():
                return batches
            contexts = [extracted(getattr(record, "headers", None)) for record in records]
            span = received(self.common, operation, {partition.topic for partition in batches}, contexts, start)

            def process(record):
                return self.process(record, span)

            return {partition: _messaging.Messages(batch, process) for partition, batch in batches.items()}
        except Exception as error:
            trouble(error)
            return batches

    def process(self, record, poll=None):
        return process(self.common, record.topic, record, getattr(record, "headers", None), poll)


def received(common, operation, topics, contexts, start):
    """The span, which has ended, of messages that the application has been given at once. topics: a set."""
    span = _messaging.receiving(common, operation, next(iter(topics)) if len(topics) == 1 else None, contexts, start)
    span.set_attribute("messaging.batch.message_count", len(contexts))
    span.end()
    return span


def process(common, topic, record, headers, poll=None):
    """The span of a message that is being processed. record: with partition, offset, key and value. poll: the span of
    the batch that it came in."""
    span = _messaging.processing(common, topic, extracted(headers), poll)
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
