"""Trace context in AWS's messages, and where messages come from: what botocore and Lambda functions share."""

from . import _tracing

ATTRIBUTES = 10  # that a message may have
_SIZES = (256 << 10, 1 << 20)  # of a message or a batch with its attributes: the limit of old, and that of 2025

DEPTH, WIDTH = 3, 5  # of messages within messages


# --- out --------------------------------------------------------------------------------


def with_context(params, span, text):
    """The parameters of a send, a copy with attributes that propagate span where there is room for them; text is the name
    of the message's text in them."""
    attributes = params.get("MessageAttributes") or {}
    added = _attributes(attributes, span)
    if not _fits(_size(params, text), _size({"MessageAttributes": added}, text)):
        return params
    return dict(params, MessageAttributes=dict(attributes, **added))


def batch_with_context(params, field, span, text):
    """The same for the entries of a batch, which stand in a field of its parameters."""
    entries = params[field]
    added = [_attributes(entry.get("MessageAttributes") or {}, span) for entry in entries]
    size = sum(_size(entry, text) for entry in entries)
    if not _fits(size, sum(_size({"MessageAttributes": each}, text) for each in added)):
        return params
    carrying = [
        dict(entry, MessageAttributes=dict(entry.get("MessageAttributes") or {}, **each))
        for entry, each in zip(entries, added)
    ]
    return dict(params, **{field: carrying})


def _attributes(attributes, span):
    """What to add to a message's attributes."""
    added = {}
    if _tracing.PROPAGATED.isdisjoint(attributes):  # else somebody propagates already
        _tracing.inject(lambda name, value: added.update({name: {"DataType": "String", "StringValue": value}}), span)
    for name in list(added)[max(ATTRIBUTES - len(attributes), 0) :]:
        del added[name]
    return added


def _size(message, text):
    """How much of the permitted size a message takes."""
    size = _length(message.get(text))
    for name, value in (message.get("MessageAttributes") or {}).items():
        size += len(name) + sum(map(_length, value.values()))
    return size


def _length(value):
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
    return len(value) if isinstance(value, (bytes, bytearray)) else 0


def _fits(size, more):
    """Whether there is something to add, and what can be sent without it can be sent with it."""
    return more > 0 and not any(size <= limit < size + more for limit in _SIZES)


# --- in ---------------------------------------------------------------------------------


def context_of(message):
    """The context that a message of SQS brings, as receives and as events of Lambda have it, or None. What SNS sent on
    may have it inside of the body."""
    attributes = message.get("MessageAttributes") or message.get("messageAttributes")
    context = attributes and _extract(attributes)
    if not context:
        body = message.get("Body") or message.get("body")
        if isinstance(body, str) and '"MessageAttributes"' in body and '"TopicArn"' in body:
            context = _extract(_parsed(body).get("MessageAttributes") or {})
    return context or None


def _extract(attributes):
    named = {name.lower(): value for name, value in attributes.items()}

    def get(name):
        value = named.get(name)
        if isinstance(value, dict):
            value = value.get("StringValue") or value.get("stringValue") or value.get("Value")
        return value if isinstance(value, str) else None

    context = _tracing.extract(get)
    return context if context is not None and context.trace_id is not None else None


def _parsed(text):
    """The object that a text is in JSON; an empty one if it is none."""
    if not isinstance(text, str) or not text.startswith("{"):
        return {}
    import json  # apps with such messages have it

    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


# --- where it comes from ----------------------------------------------------------------


def triggers(event):
    """What had an event come about, for Lumigo: a list of dicts, outermost first, each but the first with the id of the
    one that it was inside of."""
    found = []
    _trigger(event, None, 0, found)
    return found


def _trigger(event, outer, depth, found):
    if depth >= DEPTH:
        return
    source, ids, extra, inner = _source(event)
    if source is None:
        return
    trigger = {"id": "%032x" % _tracing._bits(128), "targetId": outer, "triggeredBy": source, "fromMessageIds": ids}
    if extra:
        trigger["extra"] = extra
    found.append(trigger)
    for text in inner[:WIDTH]:
        _trigger(_parsed(text), trigger["id"], depth + 1, found)


def _source(event):
    """(service, ids of its messages, what else is known, texts of messages inside); None for a service if unknown."""
    messages = event.get("Messages")
    if messages:
        return "sqs", [m.get("MessageId") for m in messages], {"recordsNum": len(messages)}, [m.get("Body") for m in messages]
    records = event.get("Records")
    if isinstance(records, list) and records and isinstance(records[0], dict):
        first = records[0]
        source = first.get("eventSource") or first.get("EventSource")
        extra = {"arn": first.get("eventSourceARN"), "recordsNum": len(records)}
        if source == "aws:sqs":
            return "sqs", [r.get("messageId") for r in records], extra, [r.get("body") for r in records]
        if source == "aws:sns":
            extra["arn"] = first["Sns"].get("TopicArn")
            return "sns", [r["Sns"].get("MessageId") for r in records], extra, [r["Sns"].get("Message") for r in records]
        if source == "aws:s3":
            extra["arn"] = first["s3"]["bucket"].get("arn")
            return "s3", [r.get("responseElements", {}).get("x-amz-request-id") for r in records], extra, ()
        if source == "aws:kinesis":
            return "kinesis", [r["kinesis"].get("sequenceNumber") for r in records], extra, ()
        if source == "aws:dynamodb":
            return "dynamodb", [r.get("eventID") for r in records], extra, ()
    if "TopicArn" in event and "MessageId" in event:  # SNS in SQS
        return "sns", [event["MessageId"]], {"arn": event["TopicArn"]}, [event.get("Message")]
    if "detail-type" in event and "source" in event:
        scheduled = event["detail-type"] == "Scheduled Event"
        resources = event.get("resources") or [None]
        return "cloudwatch" if scheduled else "eventBridge", [event.get("id")], {"resource": resources[0]}, ()
    request = event.get("requestContext")
    if isinstance(request, dict) and "elb" not in request and isinstance(event.get("headers"), dict):
        http = request.get("http") or {}
        extra = {
            "httpMethod": event.get("httpMethod") or http.get("method"),
            "api": request.get("domainName") or event["headers"].get("Host"),
            "stage": request.get("stage"),
            "resource": event.get("resource") or http.get("path"),
        }
        return "apigw", [request.get("requestId")], extra, ()
    return None, (), None, ()
