"""botocore, and through it boto3: a span for each call of a service, in the place of those of its requests on the wire.

Context travels in the attributes of messages (SQS, SNS) and in the client context of Lambda functions; services that have
no such place get what the app gave, untouched. A receive of messages is linked to what sent them, and what an app does
while it iterates over the messages is a child of the receive.
"""

from marshal import dumps

from .. import _aws, _imports, _log, _tracing, _values
from .._http import address, trouble

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
        try:
            call = None if _tracing.suppressed() else _Call(self.meta, type(self).__name__, operation_name, api_params)
        except Exception as error:
            trouble(error)
            call = None
        if call is None:
            return original(self, operation_name, api_params)
        token = _tracing.activate(call.span)
        try:
            answer = original(self, operation_name, call.sent)
        except BaseException as error:
            call.failed(error)
            raise
        finally:
            _tracing.deactivate(token)
        call.answered(answer)
        return answer

    return wrapper


class _Client:
    """What is known of a client, whatever it is asked. as_sent: its parameters are shown as they are sent. What DynamoDB is
    sent is JSON of them, which costs nothing to copy; of a resource's, the app's own are shown, which are simpler."""

    __slots__ = ("service", "called", "region", "url", "common", "shown", "as_sent", "carries", "describe", "tell")

    def __init__(self, meta, name):
        model = meta.service_model
        self.region = meta.region_name
        self.url = url = meta.endpoint_url
        scheme, _, rest = url.partition("://")
        host, port = address(rest.partition("/")[0], scheme)
        self.service = service = model.service_name
        name = model.metadata.get("serviceId") or name
        self.called = name + "."
        attributes = {
            "rpc.system": "aws-api",
            "rpc.service": name,
            "aws.service": service,
            "cloud.region": meta.region_name,
            "region": meta.region_name,
            "server.address": host,
            "server.port": port,
            "url.full": url,
        }
        self.common = dumps(attributes, 2)
        self.shown = _tracing.settings.capture and service not in _SECRET
        agent = "%s %s" % (meta.config.user_agent, meta.config.user_agent_extra)
        self.as_sent = service == "dynamodb" and "Resource" not in agent
        self.carries = service in ("sqs", "sns", "lambda")
        self.describe = _DESCRIBE.get(service)
        self.tell = _TELL.get(service)


class _Call:
    """A call of a service. sent: the parameters, a copy where they carry the span's context. wanted: of a receive of
    messages, their attributes that the app asked for."""

    __slots__ = ("client", "span", "operation", "sent", "wanted")

    def __init__(self, meta, name, operation, params):
        try:
            client = meta._lumigo
        except AttributeError:
            client = meta._lumigo = _Client(meta, name)
        self.client = client
        self.operation = operation
        self.sent = params
        self.wanted = None
        attributes = {"lumigo.common": client.common, "aws.region": client.region, "rpc.method": operation}
        body, kind = params, _tracing.CLIENT
        if client.describe is not None:
            text = client.describe(operation, params, attributes)
            if text is not None:
                body = text
            if client.carries and attributes.get("messaging.operation.type") == "send":
                kind = _tracing.PRODUCER
        endpoint = None
        if _tracing.filters is not None:
            endpoint = lambda: attributes.get("url.full") or client.url  # noqa: E731
        self.span = span = _tracing.start_span(client.called + operation, kind, attributes, _tracing.CURRENT, None, endpoint)
        if span.recording and client.shown:
            attributes["http.request.body"] = None if client.as_sent else _values.plain(body)  # http_clients knows
        if client.carries:
            try:
                self.sent = self._carrying(params)
            except Exception as error:  # parameters that botocore will not take either
                trouble(error)

    def _carrying(self, params):
        span = self.span
        text = _TEXTS.get((self.client.service, self.operation))
        if text is None:
            return params
        if text == "Payload":
            return _with_client_context(params, span)
        if self.operation == "ReceiveMessage":
            names = params.get("MessageAttributeNames") or []
            self.wanted = _Wanted(names)
            missing = [name for name in _tracing.fields() if name not in self.wanted]
            return dict(params, MessageAttributeNames=list(names) + missing) if missing else params
        if text in params:
            return _aws.with_context(params, span, text)
        for field in ("Entries", "PublishBatchRequestEntries"):
            if field in params:
                return _aws.batch_with_context(params, field, span, text)
        return params

    def _unsent(self, attributes):
        """Where nothing came to be sent, the parameters are shown: refused ones, and those of tests with a Stubber."""
        attributes["http.request.body"] = _values.plain(self.sent)

    def failed(self, error):
        span = self.span
        span.record_exception(error)
        try:
            attributes = span.attributes
            if attributes.get("http.request.body", "") is None:
                self._unsent(attributes)
            answer = getattr(error, "response", None)
            if span.recording and isinstance(answer, dict):
                attributes["aws.answer"] = {"ResponseMetadata": _values.plain(answer.get("ResponseMetadata"))}
                code = (answer.get("Error") or {}).get("Code")
                if code:
                    attributes["aws.error.code"] = code
        except Exception as fault:
            trouble(fault)
        span.end()

    def answered(self, answer):
        span = self.span
        try:
            if self.wanted is not None:
                self._received(answer)
            if span.recording:
                attributes = span.attributes
                client = self.client
                if client.as_sent and attributes.get("http.request.body", "") is None:
                    self._unsent(attributes)
                if client.tell is not None:
                    client.tell(answer, attributes)
                attributes["aws.answer"] = _said(answer, client.shown)
        except Exception as error:
            trouble(error)
        span.end()

    def _received(self, answer):
        span = self.span
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
            self.wanted.leave(message)
        answer["Messages"] = Messages(messages, span)


def _said(answer, whole):
    """What is shown of an answer: what tells of the response, and whole, what is not the app's to read."""
    metadata = answer.get("ResponseMetadata") or {}
    if not whole:
        return {"ResponseMetadata": metadata}
    for value in answer.values():
        if type(value) not in _READ and (hasattr(value, "read") or hasattr(value, "close")):
            answer = {name: value for name, value in answer.items() if not hasattr(value, "read") and not hasattr(value, "close")}
            break
    headers = metadata.get("HTTPHeaders") or {}
    if 0 < len(headers.get("content-length", "")) < 5 and "content-encoding" not in headers:
        return _values.parsed(answer, True)
    said = _values.parsed({name: value for name, value in answer.items() if name != "ResponseMetadata"})
    return {**said, "ResponseMetadata": _values.plain(metadata)}


_READ = (dict, list, str, int)


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

# Of what carries context: the name of the text in the parameters.
_TEXTS = {
    ("sqs", "SendMessage"): "MessageBody",
    ("sqs", "SendMessageBatch"): "MessageBody",
    ("sqs", "ReceiveMessage"): "",
    ("sns", "Publish"): "Message",
    ("sns", "PublishBatch"): "Message",
    ("lambda", "Invoke"): "Payload",
}


def _sqs(operation, params, attributes):
    url = params.get("QueueUrl")
    attributes["messaging.system"] = "aws_sqs"
    attributes["messaging.operation.name"] = operation
    if url:
        name = url.rpartition("/")[2]
        attributes["url.full"] = attributes["aws.sqs.queue.url"] = url
        attributes["aws.resource.name"] = attributes["messaging.destination.name"] = name
    kind = {"Send": "send", "Rece": "receive", "Dele": "settle"}.get(operation[:4]) if "Message" in operation else None
    if kind:
        _messaging(attributes, kind, params.get("Entries"))
    return params.get("MessageBody")


def _sns(operation, params, attributes):
    arn = params.get("TopicArn") or params.get("TargetArn")
    attributes["messaging.system"] = "aws.sns"
    attributes["messaging.operation.name"] = operation
    if arn:
        attributes["aws.sns.topic.arn"] = arn
        attributes["aws.resource.name"] = attributes["messaging.destination.name"] = arn.split(":", 5)[-1]
    if operation in ("Publish", "PublishBatch"):
        _messaging(attributes, "send", params.get("PublishBatchRequestEntries"))
    return params.get("Message")


def _sns_told(answer, attributes):
    _named(answer.get("TopicArn"), "aws.sns.topic.arn", attributes)
    _named(answer.get("MessageId"), "messaging.message.id", attributes)


def _messaging(attributes, kind, batch):
    attributes["messaging.operation.type"] = kind
    if batch:
        attributes["messaging.batch.message_count"] = len(batch)


def _dynamodb(operation, params, attributes):
    table = params.get("TableName")
    attributes["db.system.name"] = "aws.dynamodb"
    attributes["db.operation.name"] = attributes["aws.dynamodb.method"] = operation
    tables = params.get("RequestItems")
    if table:
        attributes["aws.resource.name"] = attributes["db.collection.name"] = table
        attributes["aws.dynamodb.table_names"] = [table]
    elif isinstance(tables, dict):
        attributes["aws.dynamodb.table_names"] = list(tables)
    for name in _DYNAMODB.keys() & params.keys():
        attributes[_DYNAMODB[name]] = _values.plain(params[name])
    if not operation.endswith("Table"):
        return
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
        if operation.startswith("Invoke"):
            attributes["faas.invoked_name"] = name.split(":function:")[-1]
            attributes["faas.invoked_provider"] = "aws"
            attributes["faas.invoked_region"] = attributes["aws.region"]
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
    if operation == "PutEvents" and entries:
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
