"""botocore, and through it boto3: a span for each call of a service, in the place of those of its requests on the wire.

Context travels in the attributes of messages (SQS, SNS) and in the client context of Lambda functions; services that have
no such place get what the app gave, untouched. A receive of messages is linked to what sent them, and what an app does
while it iterates over the messages is a child of the receive.
"""

from marshal import dumps

from .. import _aws, _imports, _log, _tracing, _values
from .._http import address, trouble
from .._tracing import CURRENT, activate, deactivate, start_span, suppressed

CLIENT_CONTEXT = 3583  # characters of it that Lambda takes

# Services whose answers, and often requests, are secrets.
_SECRET = frozenset(("cognito-idp", "kms", "secretsmanager", "ssm", "sts"))


def install(module):
    if module.__name__ == "botocore.client":
        _imports.wrap(module.BaseClient, "_make_api_call", _make_api_call)
    else:
        _imports.wrap(module.ResourceHandler, "__call__", _resources)


def _make_api_call(original):
    def wrapper(self, operation_name, api_params):
        span = None
        sent = api_params
        try:
            if not suppressed():
                operation = _operation(self, operation_name)
                span = operation.begin(api_params)
                if operation.text is not None:
                    sent = operation.carrying(api_params, span)
        except Exception as error:  # also parameters that botocore will not take either
            trouble(error)
        if span is None:
            return original(self, operation_name, api_params)
        token = activate(span)
        try:
            answer = original(self, operation_name, sent)
        except BaseException as error:
            operation.failed(span, sent, error)
            raise
        finally:
            deactivate(token)
        operation.answered(span, sent, answer, api_params)
        return answer

    return wrapper


def _operation(client, name):
    meta = client.meta
    try:
        return meta._lumigo[name]
    except AttributeError:
        meta._lumigo = {}
    except KeyError:
        pass
    made = meta._lumigo[name] = _Operation(meta, type(client).__name__, name)
    return made


class _Operation:
    """What is known of an operation of a client, whoever calls it with what.

    text: the name of what carries the span's context in the parameters, or None. as_sent: its parameters are shown as they
    are sent, and its answers as they come. What DynamoDB is sent is JSON of them, which costs nothing to copy, and so is what
    it answers; of a resource's, the app's own are shown, which are simpler, and its answers have decimals."""

    __slots__ = ("name", "span_name", "kind", "region", "url", "common", "text", "shown", "as_sent", "describe", "tell")

    def __init__(self, meta, client, name):
        model = meta.service_model
        service = model.service_name
        service_id = model.metadata.get("serviceId") or client
        scheme, _, rest = meta.endpoint_url.partition("://")
        host, port = address(rest.partition("/")[0], scheme)
        self.name = name
        self.span_name = "%s.%s" % (service_id, name)
        self.region = meta.region_name
        self.url = meta.endpoint_url
        self.text = _TEXTS.get((service, name))
        sends = self.text and self.text != "Payload"
        self.kind = _tracing.PRODUCER if sends else _tracing.CLIENT
        attributes = {
            "rpc.system": "aws-api",
            "rpc.service": service_id,
            "rpc.method": name,
            "aws.service": service,
            "aws.region": self.region,
            "cloud.region": self.region,
            "region": self.region,
            "server.address": host,
            "server.port": port,
            "url.full": self.url,
        }
        attributes.update(_told_by_name(service, name))
        self.common = dumps(attributes, 2)
        self.shown = _tracing.settings.capture and service not in _SECRET
        agent = "%s %s" % (meta.config.user_agent, meta.config.user_agent_extra)
        self.as_sent = service == "dynamodb" and "Resource" not in agent
        self.describe = _dynamodb_table if service == "dynamodb" and name.endswith("Table") else _DESCRIBE.get(service)
        self.tell = _TELL.get(service)

    def begin(self, params):
        attributes = {"lumigo.common": self.common}
        body = params
        if self.describe is not None:
            text = self.describe(self, params, attributes)
            if text is not None:
                body = text
        endpoint = None
        if _tracing.filters is not None:
            endpoint = lambda: attributes.get("url.full") or self.url  # noqa: E731
        span = start_span(self.span_name, self.kind, attributes, CURRENT, None, endpoint)
        if self.shown and span.recording:
            attributes["http.request.body"] = None if self.as_sent else _values.plain(body)  # http_clients knows
        return span

    def carrying(self, params, span):
        """The parameters, a copy where they carry the span's context."""
        text = self.text
        if text == "Payload":
            return _with_client_context(params, span)
        if not text:
            names = params.get("MessageAttributeNames") or []
            wanted = _Wanted(names)
            missing = [name for name in _tracing.fields() if name not in wanted]
            return dict(params, MessageAttributeNames=list(names) + missing) if missing else params
        if text in params:
            return _aws.with_context(params, span, text)
        for field in ("Entries", "PublishBatchRequestEntries"):
            if field in params:
                return _aws.batch_with_context(params, field, span, text)
        return params

    def failed(self, span, sent, error):
        span.record_exception(error)
        try:
            attributes = span.attributes
            if attributes.get("http.request.body", "") is None:
                attributes["http.request.body"] = _values.plain(sent)  # refused ones
            answer = getattr(error, "response", None)
            if span.recording and isinstance(answer, dict):
                attributes["aws.answer"] = {"ResponseMetadata": _values.plain(answer.get("ResponseMetadata"))}
                code = (answer.get("Error") or {}).get("Code")
                if code:
                    attributes["aws.error.code"] = code
        except Exception as fault:
            trouble(fault)
        span.end()

    def answered(self, span, sent, answer, params):
        """params: as the app gave them."""
        try:
            if self.text == "":
                _received(span, answer, _Wanted(params.get("MessageAttributeNames") or []))
            if span.recording:
                attributes = span.attributes
                if self.as_sent and attributes.get("http.request.body", "") is None:
                    attributes["http.request.body"] = _values.plain(sent)  # nothing was sent: of tests with a Stubber
                if self.tell is not None:
                    self.tell(answer, attributes)
                attributes["aws.answer"] = _said(answer, self.shown, self.as_sent)
        except Exception as error:
            trouble(error)
        span.end()


def _received(span, answer, wanted):
    messages = answer.get("Messages")
    if not messages:
        if _tracing.settings.sqs_filter and span.recording:
            _log.debug(
                "Not tracing empty SQS polling requests"
                " (override by setting the LUMIGO_AUTO_FILTER_EMPTY_SQS env var to false)"
            )
            span.attributes["SKIP_EXPORT"] = True
        return
    if span.recording:
        span.attributes["messaging.batch.message_count"] = len(messages)
        seen = set()
        for message in messages:
            context = _aws.context_of(message)
            if context is not None and (context.trace_id, context.span_id) not in seen:
                seen.add((context.trace_id, context.span_id))
                span.add_link(context)
        origin = _aws.triggers(answer)
        if origin:
            import json  # botocore has it

            span.attributes["lumigoData"] = json.dumps({"trigger": origin})
    for message in messages:
        wanted.leave(message)
    answer["Messages"] = Messages(messages, span)


def _said(answer, whole, as_it_came):
    """What is shown of an answer: what tells of the response, and whole, what is not the app's to read.

    as_it_came: but for tables' dates, marshal knows what is in it. Finding out at the span's end that it does not costs
    twice as much as asking."""
    metadata = answer.get("ResponseMetadata") or {}
    if not whole:
        return {"ResponseMetadata": metadata}
    if not _READ.issuperset(map(type, answer.values())):
        answer = {name: value for name, value in answer.items() if not hasattr(value, "read") and not hasattr(value, "close")}
    headers = metadata.get("HTTPHeaders") or {}
    length = headers.get("content-length")
    if length and len(length) < 5 and "content-encoding" not in headers:
        return answer if as_it_came else _values.parsed(answer, True)
    said = _values.parsed({name: value for name, value in answer.items() if name != "ResponseMetadata"})
    return {**said, "ResponseMetadata": _values.plain(metadata)}


_READ = frozenset((dict, list, str, int))


class _Wanted:
    """Which attributes of messages an app asked for."""

    def __init__(self, names):
        self.names = frozenset(names)
        self.beginnings = tuple("" if name == "All" else name[:-2] for name in names if name == "All" or name.endswith(".*"))

    def __contains__(self, name):
        return name in self.names or name.startswith(self.beginnings)

    def leave(self, message):
        """Takes out of a message what only we asked for."""
        attributes = message.get("MessageAttributes")
        if not attributes:
            return
        ours = [name for name in _tracing.fields() if name in attributes and name not in self]
        for name in ours:
            del attributes[name]
        if not attributes:
            message.pop("MessageAttributes")
            message.pop("MD5OfMessageAttributes", None)
        elif ours and "MD5OfMessageAttributes" in message:
            message["MD5OfMessageAttributes"] = _digest(attributes)


def _digest(attributes):
    """SQS's digest of a message's attributes."""
    import hashlib  # botocore has it

    digest = hashlib.md5()
    for name, value in sorted(attributes.items()):
        binary = "BinaryValue" in value
        data = value["BinaryValue"] if binary else value["StringValue"].encode()
        for part in (name.encode(), value["DataType"].encode()):
            digest.update(len(part).to_bytes(4, "big") + part)
        digest.update((b"\2" if binary else b"\1") + len(data).to_bytes(4, "big") + data)
    return digest.hexdigest()


class Messages(list):
    """Received messages. Iterating over them, the receive is current where nothing else has become so since.

    A copy, a slice and what comes after a break are as with other lists."""

    __slots__ = ("_receive", "_before")

    def __init__(self, messages, receive):
        super().__init__(messages)
        # The receive is over, but what is done with its messages may take its time.
        self._receive = _tracing.RemoteSpan(
            receive.trace_id, receive.span_id, receive.flags, receive.trace_state, receive.baggage
        )
        self._before = _tracing.current_span()

    def __iter__(self):
        if _tracing.current_span() is not self._before:
            return super().__iter__()
        return self._each()

    def _each(self):
        for message in super().__iter__():
            _tracing.activate(self._receive)
            try:
                yield message
            finally:
                if _tracing.current_span() is self._receive:
                    _tracing.activate(self._before)

    def of(self, others):
        """The same for what somebody made of the messages."""
        made = Messages.__new__(Messages)
        list.__init__(made, others)
        made._receive, made._before = self._receive, self._before
        return made

    def __reduce_ex__(self, protocol):
        return list, (list(super().__iter__()),)


def _resources(original):
    """boto3 makes resources of the messages."""

    def wrapper(self, parent, params, response):
        made = original(self, parent, params, response)
        try:
            messages = response.get("Messages") if isinstance(response, dict) else None
            if type(messages) is Messages and type(made) is list:
                return messages.of(made)
        except Exception as error:
            trouble(error)
        return made

    return wrapper


def _with_client_context(params, span):
    import base64  # botocore has both
    import json

    given = params.get("ClientContext")
    context = json.loads(base64.b64decode(given)) if given else {}
    custom = dict(context.get("custom") or {})
    if not _tracing.PROPAGATED.isdisjoint(custom):
        return params
    _tracing.inject(custom.__setitem__, span)
    text = base64.b64encode(json.dumps(dict(context, custom=custom)).encode()).decode()
    return dict(params, ClientContext=text) if custom and len(text) <= CLIENT_CONTEXT else params


# --- services ---------------------------------------------------------------------------

# Of what carries context: the name of the text in the parameters; "" of what asks for it.
_TEXTS = {
    ("sqs", "SendMessage"): "MessageBody",
    ("sqs", "SendMessageBatch"): "MessageBody",
    ("sqs", "ReceiveMessage"): "",
    ("sns", "Publish"): "Message",
    ("sns", "PublishBatch"): "Message",
    ("lambda", "Invoke"): "Payload",
}


def _told_by_name(service, name):
    """What the name of an operation tells."""
    if service == "dynamodb":
        return {"db.system.name": "aws.dynamodb", "db.operation.name": name, "aws.dynamodb.method": name}
    if service == "sqs":
        told = {"messaging.system": "aws_sqs", "messaging.operation.name": name}
        kind = {"Send": "send", "Rece": "receive", "Dele": "settle"}.get(name[:4]) if "Message" in name else None
    elif service == "sns":
        told = {"messaging.system": "aws.sns", "messaging.operation.name": name}
        kind = "send" if name in ("Publish", "PublishBatch") else None
    else:
        return {}
    if kind:
        told["messaging.operation.type"] = kind
    return told


def _sqs(operation, params, attributes):
    url = params.get("QueueUrl")
    if url:
        name = url.rpartition("/")[2]
        attributes["url.full"] = attributes["aws.sqs.queue.url"] = url
        attributes["aws.resource.name"] = attributes["messaging.destination.name"] = name
    if params.get("Entries"):
        attributes["messaging.batch.message_count"] = len(params["Entries"])
    return params.get("MessageBody")


def _sns(operation, params, attributes):
    arn = params.get("TopicArn") or params.get("TargetArn")
    if arn:
        attributes["aws.sns.topic.arn"] = arn
        attributes["aws.resource.name"] = attributes["messaging.destination.name"] = arn.split(":", 5)[-1]
    if params.get("PublishBatchRequestEntries"):
        attributes["messaging.batch.message_count"] = len(params["PublishBatchRequestEntries"])
    return params.get("Message")


def _sns_told(answer, attributes):
    _named(answer.get("TopicArn"), "aws.sns.topic.arn", attributes)
    _named(answer.get("MessageId"), "messaging.message.id", attributes)


def _dynamodb(operation, params, attributes):
    table = params.get("TableName")
    if table:
        attributes["aws.resource.name"] = attributes["db.collection.name"] = table
        attributes["aws.dynamodb.table_names"] = [table]
    elif isinstance(params.get("RequestItems"), dict):
        attributes["aws.dynamodb.table_names"] = list(params["RequestItems"])
    if not _DYNAMODB_NAMES.isdisjoint(params):
        for name in _DYNAMODB_NAMES & params.keys():
            attributes[_DYNAMODB[name]] = _values.plain(params[name])


def _dynamodb_table(operation, params, attributes):
    _dynamodb(operation, params, attributes)
    capacity = params.get("ProvisionedThroughput")
    if isinstance(capacity, dict):
        for name, attribute in _CAPACITY:
            if capacity.get(name) is not None:
                attributes[attribute] = _values.shown(capacity[name])
    for name, attribute in _DEFINITIONS:
        if isinstance(params.get(name), (list, tuple)):
            attributes[attribute] = _texts(params[name])


_DYNAMODB = {
    "AttributesToGet": "aws.dynamodb.attributes_to_get",
    "ConsistentRead": "aws.dynamodb.consistent_read",
    "ExclusiveStartTableName": "aws.dynamodb.exclusive_start_table",
    "IndexName": "aws.dynamodb.index_name",
    "Limit": "aws.dynamodb.limit",
    "ProjectionExpression": "aws.dynamodb.projection",
    "ScanIndexForward": "aws.dynamodb.scan_forward",
    "Segment": "aws.dynamodb.segment",
    "Select": "aws.dynamodb.select",
    "TotalSegments": "aws.dynamodb.total_segments",
}
_DYNAMODB_NAMES = frozenset(_DYNAMODB)
_CAPACITY = (
    ("ReadCapacityUnits", "aws.dynamodb.provisioned_read_capacity"),
    ("WriteCapacityUnits", "aws.dynamodb.provisioned_write_capacity"),
)
_DEFINITIONS = (
    ("AttributeDefinitions", "aws.dynamodb.attribute_definitions"),
    ("GlobalSecondaryIndexes", "aws.dynamodb.global_secondary_indexes"),
    ("GlobalSecondaryIndexUpdates", "aws.dynamodb.global_secondary_index_updates"),
    ("LocalSecondaryIndexes", "aws.dynamodb.local_secondary_indexes"),
)


def _texts(values):
    import json  # botocore has it

    return [json.dumps(_values.plain(value)) for value in values]


_DYNAMODB_TOLD = frozenset(("ConsumedCapacity", "Count", "ScannedCount", "TableNames", "ItemCollectionMetrics"))


def _dynamodb_told(answer, attributes):
    if _DYNAMODB_TOLD.isdisjoint(answer):
        return
    consumed = answer.get("ConsumedCapacity")
    if consumed:
        attributes["aws.dynamodb.consumed_capacity"] = _texts([consumed] if isinstance(consumed, dict) else consumed)
    for name, attribute in (("Count", "aws.dynamodb.count"), ("ScannedCount", "aws.dynamodb.scanned_count")):
        if name in answer:
            attributes[attribute] = answer[name]
    if "TableNames" in answer:
        attributes["aws.dynamodb.table_count"] = len(answer["TableNames"])
    metrics = answer.get("ItemCollectionMetrics")
    if metrics is not None and _tracing.settings.capture:
        attributes["aws.dynamodb.item_collection_metrics"] = _values.plain(metrics)


def _secrets(operation, params, attributes):
    name = params.get("SecretId")
    if isinstance(name, str) and name.startswith("arn:"):
        attributes["aws.secretsmanager.secret.arn"] = name


def _lambda(operation, params, attributes):
    name = params.get("FunctionName")
    if name:
        attributes["aws.resource.name"] = name
        if operation.name.startswith("Invoke"):
            attributes["faas.invoked_name"] = name.split(":function:")[-1]
            attributes["faas.invoked_provider"] = "aws"
            attributes["faas.invoked_region"] = operation.region
    return params.get("Payload") or params.get("InvokeArgs")


def _s3(operation, params, attributes):
    for name, attribute in (("Bucket", "aws.s3.bucket"), ("Key", "aws.s3.key")):
        if params.get(name):
            attributes[attribute] = params[name]
    if params.get("Bucket"):
        attributes["aws.resource.name"] = params["Bucket"]


def _kinesis(operation, params, attributes):
    name = params.get("StreamName") or (params.get("StreamARN") or "").rpartition("/")[2]
    if name:
        attributes["aws.resource.name"] = attributes["aws.kinesis.stream_name"] = name


def _events(operation, params, attributes):
    entries = params.get("Entries")
    if operation.name == "PutEvents" and entries:
        attributes["aws.resource.name"] = entries[0].get("EventBusName") or "default"
        attributes["messaging.batch.message_count"] = len(entries)
    elif params.get("Name"):
        attributes["aws.resource.name"] = params["Name"]


def _stepfunctions(operation, params, attributes):
    _stepfunctions_told(params, attributes)
    if params.get("stateMachineArn"):
        attributes["aws.resource.name"] = params["stateMachineArn"]


def _stepfunctions_told(told, attributes):
    _named(told.get("stateMachineArn"), "aws.step_functions.state_machine.arn", attributes)
    _named(told.get("activityArn"), "aws.step_functions.activity.arn", attributes)


def _named(value, attribute, attributes):
    if value:
        attributes[attribute] = value


# Each sets attributes, and returns what to show of the request, if that is not all of it.
_DESCRIBE = {
    "sqs": _sqs,
    "sns": _sns,
    "dynamodb": _dynamodb,
    "lambda": _lambda,
    "s3": _s3,
    "kinesis": _kinesis,
    "events": _events,
    "secretsmanager": _secrets,
    "stepfunctions": _stepfunctions,
}

# Each sets attributes that only the answer tells.
_TELL = {
    "dynamodb": _dynamodb_told,
    "secretsmanager": lambda answer, attributes: _named(answer.get("ARN"), "aws.secretsmanager.secret.arn", attributes),
    "sns": _sns_told,
    "sqs": lambda answer, attributes: _named(answer.get("MessageId"), "messaging.message.id", attributes),
    "stepfunctions": _stepfunctions_told,
}
