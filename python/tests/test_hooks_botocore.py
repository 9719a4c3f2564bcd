import base64
import copy
import json
import marshal
import pickle
import types
import unittest

from hooks_support import HookCase
from lumigo_opentelemetry import _handover, _tracing

QUEUE = "https://sqs.eu-west-1.amazonaws.com/123/orders"


class Failure(Exception):
    response = {"Error": {"Code": "NoSuchQueue"}, "ResponseMetadata": {"HTTPStatusCode": 400, "RequestId": "r1"}}


def library():
    """What the hook touches of botocore. A client keeps the parameters that reach it, and answers what it is told. sent: what
    goes on the wire, and whether that is to have no spans of its own."""
    sent = []

    class BaseClient:
        def __init__(self, service, name, answer=None):
            model = types.SimpleNamespace(service_name=service, metadata={"serviceId": name})
            url = "https://%s.eu-west-1.amazonaws.com" % service
            config = types.SimpleNamespace(user_agent="Boto3", user_agent_extra=None)
            self.meta = types.SimpleNamespace(service_model=model, region_name="eu-west-1", endpoint_url=url, config=config)
            self.answer = answer or {}
            self.calls = []
            self.wire = None  # what is sent, if anything

        def _make_api_call(self, operation_name, api_params):
            self.calls.append(api_params)
            if self.wire is not None:
                URLLib3Session().send(types.SimpleNamespace(body=self.wire))
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

    class URLLib3Session:
        def send(self, request):
            sent.append((request.body, _tracing.suppressed()))

    class ResourceHandler:
        def __call__(self, parent, params, response):
            return ["resource of " + message["Body"] for message in response["Messages"]]

    client = types.ModuleType("botocore.client")
    client.BaseClient = BaseClient
    session = types.ModuleType("botocore.httpsession")
    session.URLLib3Session = URLLib3Session
    response = types.ModuleType("boto3.resources.response")
    response.ResourceHandler = ResourceHandler
    return client, session, response, sent


class BotocoreCase(HookCase):
    def setUp(self):
        super().setUp()
        self.client, self.session, self.response, self.wire = library()
        for hook, module in (("botocore", self.client), ("botocore", self.response), ("http_clients", self.session)):
            self.hook(hook, module)

    def sqs(self, answer=None):
        return self.client.BaseClient("sqs", "SQS", answer)

    def links(self, span):
        for data in _handover.spans:
            record = marshal.loads(data)
            if record[2] == span.span_id:
                return [(link[0], link[1]) for link in record[15] or ()]

    def receive(self, *messages, **params):
        answer = {"Messages": copy.deepcopy(list(messages))}
        return self.sqs(answer)._make_api_call("ReceiveMessage", dict(params, QueueUrl=QUEUE))["Messages"]


class Sending(BotocoreCase):
    def sent(self, params, operation="SendMessage", service=("sqs", "SQS")):
        client = self.client.BaseClient(*service)
        before = copy.deepcopy(params)
        client._make_api_call(operation, params)
        self.assertEqual(params, before, "the app's parameters were changed")
        return client.calls[0]

    def carried(self, attributes):
        return (attributes.get("traceparent") or {}).get("StringValue")

    def header(self):
        span = self.spans()[-1]
        return "00-%s-%s-01" % (span.trace_id.hex(), span.span_id.hex())

    def test_a_message_carries_its_send(self):
        sent = self.sent({"QueueUrl": QUEUE, "MessageBody": "b", "MessageAttributes": {"a": {"DataType": "String", "StringValue": "x"}}})
        self.assertEqual(sorted(sent["MessageAttributes"]), ["a", "traceparent"])
        self.assertEqual(self.carried(sent["MessageAttributes"]), self.header())
        span = self.one()
        self.assertEqual((span.name, span.kind), ("SQS.SendMessage", _tracing.PRODUCER))
        self.assertEqual(span.get("aws.resource.name"), "orders")
        self.assertEqual(span.get("http.request.body"), "b")

    def test_there_are_ten_attributes_at_most(self):
        for given, carried in ((9, True), (10, False)):
            attributes = {"a%d" % n: {"DataType": "String", "StringValue": "x"} for n in range(given)}
            sent = self.sent({"QueueUrl": QUEUE, "MessageBody": "b", "MessageAttributes": attributes})
            self.assertEqual("traceparent" in sent["MessageAttributes"], carried)

    def test_a_message_that_just_fits_is_left_alone(self):
        for limit in (256 << 10, 1 << 20):
            for size, carried in ((limit - 200, True), (limit - 20, False), (limit, False)):
                sent = self.sent({"QueueUrl": QUEUE, "MessageBody": "b" * size})
                self.assertEqual("MessageAttributes" in sent, carried, size)
        sent = self.sent({"QueueUrl": QUEUE, "MessageBody": "é" * (128 << 10)})
        self.assertNotIn("MessageAttributes", sent)

    def test_another_context_is_left_alone(self):
        attributes = {"traceparent": {"DataType": "String", "StringValue": "theirs"}}
        sent = self.sent({"QueueUrl": QUEUE, "MessageBody": "b", "MessageAttributes": attributes})
        self.assertEqual(self.carried(sent["MessageAttributes"]), "theirs")

    def test_each_message_of_a_batch(self):
        entries = [{"Id": "1", "MessageBody": "b"}, {"Id": "2", "MessageBody": "c", "MessageAttributes": {}}]
        sent = self.sent({"QueueUrl": QUEUE, "Entries": entries}, "SendMessageBatch")
        self.assertEqual([self.carried(entry["MessageAttributes"]) for entry in sent["Entries"]], [self.header()] * 2)
        self.assertEqual(self.spans()[-1].get("messaging.batch.message_count"), 2)
        entries = [{"Id": str(n), "MessageBody": "b" * (25 << 10)} for n in range(10)] + [{"Id": "x", "MessageBody": "b" * 6000}]
        self.assertEqual(self.sent({"QueueUrl": QUEUE, "Entries": entries}, "SendMessageBatch")["Entries"], entries)

    def test_calls_of_queues_that_are_about_no_message(self):
        for service, operation in (("sqs", "PurgeQueue"), ("sns", "CreateTopic")):
            self.sent({"QueueUrl": QUEUE}, operation, (service, service.upper()))
            span = self.spans()[-1]
            self.assertEqual((span.kind, span.get("messaging.operation.name")), (_tracing.CLIENT, operation))
            self.assertIsNone(span.get("messaging.operation.type"))

    def test_topics(self):
        arn = "arn:aws:sns:eu-west-1:123:news"
        for target in ("TopicArn", "TargetArn"):
            sent = self.sent({target: arn, "Message": "m"}, "Publish", ("sns", "SNS"))
            self.assertEqual(self.carried(sent["MessageAttributes"]), self.header())
            self.assertEqual(self.spans()[-1].get("aws.resource.name"), "news")
        batch = [{"Id": "1", "Message": "m"}]
        sent = self.sent({"TopicArn": arn, "PublishBatchRequestEntries": batch}, "PublishBatch", ("sns", "SNS"))
        self.assertEqual(self.carried(sent["PublishBatchRequestEntries"][0]["MessageAttributes"]), self.header())

    def test_functions_get_it_in_their_client_context(self):
        given = base64.b64encode(b'{"client": {"app": 1}, "custom": {"mine": "x"}}').decode()
        for params, rest in (({}, {"custom": {}}), ({"ClientContext": given}, json.loads(base64.b64decode(given)))):
            sent = self.sent(dict(params, FunctionName="f", Payload=b"{}"), "Invoke", ("lambda", "Lambda"))
            context = json.loads(base64.b64decode(sent["ClientContext"]))
            self.assertEqual(context["custom"].pop("traceparent"), self.header())
            self.assertEqual(context, rest)
        large = base64.b64encode(json.dumps({"custom": {"x": "y" * 2600}}).encode()).decode()
        sent = self.sent({"FunctionName": "f", "ClientContext": large}, "Invoke", ("lambda", "Lambda"))
        self.assertEqual(sent["ClientContext"], large)

    def test_what_botocore_will_not_take_reaches_it_as_it_is(self):
        for params in ({"QueueUrl": QUEUE, "MessageBody": 1, "MessageAttributes": {"a": 1}},):
            client = self.sqs(Failure("no"))
            with self.assertRaises(Failure):
                client._make_api_call("SendMessage", params)
            self.assertIs(client.calls[0], params)
        del self.faults[:]

    def test_nothing_where_all_is_suppressed(self):
        params = {"QueueUrl": QUEUE, "MessageBody": "b"}
        client = self.sqs()
        with _tracing.suppress():
            client._make_api_call("SendMessage", params)
        self.assertIs(client.calls[0], params)
        self.assertEqual(self.spans(), [])


class Receiving(BotocoreCase):
    CARRIED = {
        "Body": "b", "MessageId": "m", "MD5OfMessageAttributes": "d",
        "MessageAttributes": {"traceparent": {"DataType": "String", "StringValue": "00-" + "a" * 32 + "-" + "b" * 16 + "-01"}},
    }  # fmt: skip

    def test_an_empty_poll_is_not_exported(self):
        for answer in ({}, {"Messages": []}):
            self.sqs(answer)._make_api_call("ReceiveMessage", {"QueueUrl": QUEUE})
            self.assertIs(self.spans()[-1].get("SKIP_EXPORT"), True)
        self.sqs({})._make_api_call("SendMessage", {"QueueUrl": QUEUE, "MessageBody": ""})
        self.assertIsNone(self.spans()[-1].get("SKIP_EXPORT"))
        _tracing.configure({"sqs_filter": False})
        self.sqs({})._make_api_call("ReceiveMessage", {"QueueUrl": QUEUE})
        self.assertIsNone(self.spans()[-1].get("SKIP_EXPORT"))

    def test_it_is_linked_to_the_sends(self):
        sns = {"Type": "Notification", "TopicArn": "arn:aws:sns:e:1:t", "MessageId": "n", "Message": "m", "MessageAttributes": {
            "traceparent": {"Type": "String", "Value": "00-" + "c" * 32 + "-" + "d" * 16 + "-01"}}}  # fmt: skip
        self.receive(self.CARRIED, dict(self.CARRIED, MessageId="m2"), {"Body": json.dumps(sns), "MessageId": "m3"}, {"Body": "{"})
        span = self.one()
        self.assertEqual(self.links(span), [(b"\xaa" * 16, b"\xbb" * 8), (b"\xcc" * 16, b"\xdd" * 8)])
        origin = json.loads(span.get("lumigoData"))["trigger"]
        self.assertEqual([(each["triggeredBy"], each["fromMessageIds"]) for each in origin],
                         [("sqs", ["m", "m2", "m3", None]), ("sns", ["n"])])  # fmt: skip
        self.assertEqual(origin[1]["targetId"], origin[0]["id"])

    def test_only_what_the_app_asked_for_reaches_it(self):
        other = {"DataType": "String", "StringValue": "x"}
        message = dict(self.CARRIED, MessageAttributes=dict(self.CARRIED["MessageAttributes"], other=other))
        whole = sorted(message["MessageAttributes"])
        for names, asked, left in (
            (None, ["traceparent", "tracestate", "baggage"], ["other"]),
            (["other"], ["other", "traceparent", "tracestate", "baggage"], ["other"]),
            (["All"], ["All"], whole),
            ([".*"], [".*"], whole),
            (["trace.*"], ["trace.*", "baggage"], whole),
            (["traceparent"], ["traceparent", "tracestate", "baggage"], whole),
        ):
            params = {"QueueUrl": QUEUE}
            if names is not None:
                params["MessageAttributeNames"] = names
            client = self.sqs({"Messages": [copy.deepcopy(message)]})
            received = client._make_api_call("ReceiveMessage", params)["Messages"][0]
            self.assertEqual(client.calls[0]["MessageAttributeNames"], asked)
            self.assertEqual(sorted(received["MessageAttributes"]), left)
            self.assertEqual(received["MD5OfMessageAttributes"] == "d", left == whole)
        alone = self.receive(self.CARRIED)[0]
        self.assertEqual(sorted(alone), ["Body", "MessageId"])

    def test_the_digest_is_that_of_sqs(self):
        from lumigo_opentelemetry.hooks import botocore

        # As moto computes it, which was compared with AWS's.
        self.assertEqual(botocore._digest({"n": {"DataType": "String", "StringValue": "x"}}), "4fff6e58f21293f893774eb9c9dfc774")
        self.assertEqual(len(botocore._digest({"b": {"DataType": "Binary", "BinaryValue": b"\0"}})), 32)

    def test_what_is_done_with_a_message_is_a_child_of_its_receive(self):
        messages = self.receive({"Body": "1"}, {"Body": "2"})
        receive = self.one()
        for _ in messages:
            self.sqs()._make_api_call("DeleteMessage", {"QueueUrl": QUEUE})
        self.sqs()._make_api_call("GetQueueUrl", {})
        self.assertEqual([span.parent_id for span in self.spans()], [None, receive.span_id, receive.span_id, None])

    def test_ways_to_iterate(self):
        messages = self.receive({"Body": "1"}, {"Body": "2"})
        receive = _tracing.RemoteSpan

        def now():
            return type(_tracing.current_span())

        self.assertEqual([now() for _ in messages], [receive] * 2)
        self.assertIs(now(), type(None))
        self.assertEqual([now() for _, _ in zip(messages, messages)], [receive] * 2)
        self.assertIs(now(), type(None))
        self.assertEqual(list(map(lambda _: now(), messages)), [receive] * 2)
        for _ in messages:
            break
        self.assertIs(now(), type(None))
        with self.assertRaises(KeyError):
            for _ in messages:
                raise KeyError
        self.assertIs(now(), type(None))
        for alike in (messages.copy(), messages[:], copy.copy(messages), list(messages), sorted(messages, key=str)):
            self.assertIs(type(alike), list)
            self.assertEqual([now() for _ in alike], [type(None)] * 2)
        self.assertIs(now(), type(None))

    def test_messages_within_messages(self):
        first = self.receive({"Body": "1"})
        for _ in first:
            second = self.receive({"Body": "2"})
            for _ in second:
                self.sqs()._make_api_call("DeleteMessage", {})
            self.sqs()._make_api_call("DeleteMessage", {})
        one, two, inner, outer = self.spans()
        self.assertEqual((two.parent_id, inner.parent_id, outer.parent_id), (one.span_id, two.span_id, one.span_id))

    def test_a_span_that_the_app_began_since_stays_current(self):
        messages = self.receive({"Body": "1"})
        token = _tracing.activate(_tracing.start_span("work"))
        self.assertEqual([_tracing.current_span().name for _ in messages], ["work"])
        _tracing.deactivate(token)

    def test_messages_are_a_list(self):
        plain = [{"Body": "1"}, {"Body": "2"}]
        messages = self.receive(*plain)
        self.assertEqual(messages, plain)
        self.assertEqual(json.loads(json.dumps(messages)), plain)
        for other in (pickle.loads(pickle.dumps(messages)), copy.deepcopy(messages)):
            self.assertEqual(other, plain)
            self.assertIs(type(other), list)
        messages.append({"Body": "3"})
        self.assertEqual([message["Body"] for message in messages], ["1", "2", "3"])

    def test_resources_made_of_messages(self):
        answer = {"Messages": self.receive({"Body": "1"})}
        made = self.response.ResourceHandler()(None, {}, answer)
        self.assertEqual(made, ["resource of 1"])
        self.assertEqual([type(_tracing.current_span()) for _ in made], [_tracing.RemoteSpan])


class Calls(BotocoreCase):
    def test_an_answer(self):
        metadata = {"HTTPStatusCode": 200, "RequestId": "r", "HTTPHeaders": {"a": "b"}, "RetryAttempts": 1}
        answer = {"Items": [1], "ResponseMetadata": metadata}
        client = self.client.BaseClient("dynamodb", "DynamoDB", answer)
        self.assertIs(client._make_api_call("Scan", {"TableName": "users"}), answer)
        expected = {
            "rpc.system": "aws-api", "rpc.service": "DynamoDB", "rpc.method": "Scan", "aws.service": "dynamodb",
            "aws.region": "eu-west-1", "aws.resource.name": "users", "aws.dynamodb.method": "Scan", "db.system.name": "aws.dynamodb",
            "server.address": "dynamodb.eu-west-1.amazonaws.com", "server.port": 443, "http.response.status_code": 200,
            "aws.request_id": "r", "messageId": "r", "retry_attempts": 1, "http.response.headers": {"a": "b"},
            "http.request.body": {"TableName": "users"}, "http.response.body": {"Items": [1]},
        }  # fmt: skip
        span = self.one()
        self.assertEqual({name: span.get(name) for name in expected}, expected)

    def test_what_is_asked_of_a_table(self):
        params = {"TableName": "users", "IndexName": "by_age", "Limit": 3, "ConsistentRead": False, "AttributesToGet": ["id"],
                  "Key": {"id": "ann"}}  # fmt: skip
        metrics = {"users": [{"SizeEstimateRangeGB": [0, 1]}]}
        consumed = {"TableName": "users", "CapacityUnits": 0.5}
        answer = {"Count": 0, "ScannedCount": 7, "ConsumedCapacity": consumed, "ItemCollectionMetrics": metrics}
        self.client.BaseClient("dynamodb", "DynamoDB", answer)._make_api_call("Query", params)
        span = self.one()
        self.assertEqual({name[13:]: value for name, value in span.attributes.items() if name.startswith("aws.dynamodb.")}, {
            "method": "Query", "table_names": ["users"], "index_name": "by_age", "limit": 3, "consistent_read": False,
            "attributes_to_get": ["id"], "count": 0, "scanned_count": 7,
            "consumed_capacity": [json.dumps(consumed)], "item_collection_metrics": metrics,
        })  # fmt: skip

    def test_tables_and_their_indexes(self):
        indexes = [{"IndexName": "by_age"}, {"IndexName": "by_name"}]
        consumed = [{"TableName": "a"}, {"TableName": "b"}]
        client = self.client.BaseClient("dynamodb", "DynamoDB", {"TableNames": ["a", "b"], "ConsumedCapacity": consumed})
        params = {"TableName": "users", "GlobalSecondaryIndexes": indexes, "ProvisionedThroughput": {"ReadCapacityUnits": 5}}
        client._make_api_call("CreateTable", params)
        span = self.one()
        self.assertEqual(span.get("aws.dynamodb.provisioned_read_capacity"), 5)
        self.assertEqual(span.get("aws.dynamodb.global_secondary_indexes"), list(map(json.dumps, indexes)))
        self.assertEqual(span.get("aws.dynamodb.consumed_capacity"), list(map(json.dumps, consumed)))
        self.assertEqual(span.get("aws.dynamodb.table_count"), 2)

    def test_parameters_that_are_none_are_for_botocore_to_refuse(self):
        for params in (
            {"ProvisionedThroughput": 1, "LocalSecondaryIndexes": [object()], "AttributeDefinitions": 1, "Limit": object()},
            {"RequestItems": 1},
        ):
            client = self.client.BaseClient("dynamodb", "DynamoDB", Failure("no"))
            with self.assertRaises(Failure):
                client._make_api_call("CreateTable", params)
            self.assertIs(client.calls[0], params)

    def test_names_that_an_answer_brings(self):
        for service, operation, params, answer, name in (
            ("sns", "CreateTopic", {"Name": "news"}, {"TopicArn": "arn:x"}, "aws.sns.topic.arn"),
            ("secretsmanager", "CreateSecret", {"Name": "db"}, {"ARN": "arn:x"}, "aws.secretsmanager.secret.arn"),
            ("secretsmanager", "GetSecretValue", {"SecretId": "arn:x"}, {}, "aws.secretsmanager.secret.arn"),
            ("stepfunctions", "CreateActivity", {"name": "a"}, {"activityArn": "arn:x"}, "aws.step_functions.activity.arn"),
            ("stepfunctions", "StartExecution", {"stateMachineArn": "arn:x"}, {}, "aws.step_functions.state_machine.arn"),
        ):
            with self.subTest(operation=operation):
                self.client.BaseClient(service, service, answer)._make_api_call(operation, params)
                self.assertEqual(self.spans()[-1].get(name), "arn:x")
        self.client.BaseClient("secretsmanager", "Secrets Manager")._make_api_call("GetSecretValue", {"SecretId": "hush"})
        self.assertNotIn("hush", repr(self.spans()[-1]))

    def test_an_error(self):
        with self.assertRaises(Failure):
            self.sqs(Failure("no"))._make_api_call("GetQueueUrl", {})
        span = self.one()
        self.assertEqual((span.status, span.get("aws.error.code")), (_tracing.ERROR, "NoSuchQueue"))
        self.assertEqual(span.get("http.response.status_code"), 400)
        self.assertEqual(len(span.exceptions), 1)

    def test_what_dynamodb_is_sent(self):
        limit = _tracing.settings.capture
        params = {"TableName": "users"}
        for service, wire, shown in (
            ("dynamodb", b'{"TableName": "users"}', b'{"TableName": "users"}'),
            ("dynamodb", b"x" * limit + b"y", (b"x" * limit, True)),
            ("dynamodb", None, params),
            ("dynamodb", iter("x"), params),
            ("dynamodb of a resource", b"x", params),
            ("kinesis", b"x", params),
            ("ssm", b"x", None),
        ):
            service, _, resource = service.partition(" ")
            client = self.client.BaseClient(service, service)
            if resource:
                client.meta.config.user_agent_extra = "Resource"
            client.wire = wire
            client._make_api_call("Scan", params)
            self.assertEqual(self.spans()[-1].get("http.request.body"), shown)
            if wire is not None:
                self.assertEqual(self.wire[-1], (wire, True))
        self.assertFalse(_tracing.suppressed())
        token = _tracing.activate(_tracing.start_span("the app's"))
        self.session.URLLib3Session().send(types.SimpleNamespace(body=b"the app's"))
        _tracing.deactivate(token)
        self.assertEqual(self.wire[-1], (b"the app's", False))
        client = self.client.BaseClient("dynamodb", "DynamoDB", Failure("no"))
        with self.assertRaises(Failure):
            client._make_api_call("Scan", params)
        self.assertEqual(self.spans()[-1].get("http.request.body"), params)

    def test_secrets_are_not_shown(self):
        self.client.BaseClient("ssm", "SSM", {"Parameter": {"Value": "hush"}})._make_api_call("PutParameter", {"Value": "hush"})
        self.assertNotIn("hush", repr(self.one()))

    def test_streams_are_the_apps_to_read(self):
        class Stream:
            def read(self):
                raise AssertionError("was read")

        self.client.BaseClient("s3", "S3", {"Body": Stream(), "ContentLength": 1})._make_api_call("GetObject", {"Bucket": "b", "Key": "k"})
        self.assertEqual(self.one().get("http.response.body"), {"ContentLength": 1})


if __name__ == "__main__":
    unittest.main()
