import json
import marshal
import types
import unittest

from hooks_support import HookCase
from lumigo_opentelemetry import _bootstrap, _handover, _lambda, _tracing

A, B = ("00-" + digit * 32 + "-" + digit * 16 + "-01" for digit in "ab")


class Context:
    function_name, aws_request_id = "shop", "request-1"
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:shop"
    client_context = None

    def get_remaining_time_in_millis(self):
        return 1000


class Handlers(HookCase):
    def setUp(self):
        super().setUp()
        for owner, name, value in ((_bootstrap, "active", True), (_handover, "flush", lambda seconds: True)):
            self.addCleanup(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, value)
        module = types.ModuleType("awslambdaric.bootstrap")
        module._get_handler = lambda name: self.handler
        self.hook("aws_lambda", module)
        self.get_handler = module._get_handler

    def handler(self, event, context):
        return {"statusCode": 502} if "headers" in event else None

    def invoke(self, event, context=None):
        self.get_handler("app.handler")(event, context or Context())
        return self.spans()[-1]

    def links(self):
        return [link[0] for link in marshal.loads(_handover.spans[-1])[15] or ()]

    def test_a_handler_is_traced_once(self):
        handler = _lambda.traced(self.handler)
        self.assertIs(_lambda.traced(handler), handler)

    def test_a_handler_is_called_with_what_it_is_given(self):
        def fn(evt, ctx=None):
            return evt, ctx

        handler = _lambda.traced(fn)
        self.assertEqual((handler(1), handler(1, 2), handler(evt=1, ctx=2)), ((1, None), (1, 2), (1, 2)))
        with self.assertRaises(TypeError):
            handler()
        request = {"httpMethod": "GET", "path": "/", "headers": {}, "requestContext": {}}
        _lambda.traced(lambda event, context: event)(event=request, context=Context())
        self.assertEqual((self.spans()[-1].name, self.spans()[-1].get("url.path")), ("shop", "/"))

    def test_a_handler_keeps_its_attributes(self):
        def fn(event, context):
            pass

        fn.route = "/orders"
        self.assertEqual(_lambda.traced(fn).route, "/orders")

    def test_requests(self):
        event = {"httpMethod": "GET", "path": "/orders/7", "resource": "/orders/{id}", "requestContext": {"requestId": "r"}}
        span = self.invoke(dict(event, headers={"TraceParent": A}))
        self.assertEqual((span.name, span.kind, span.trace_id), ("shop", _tracing.SERVER, b"\xaa" * 16))
        expected = {"faas.trigger": "http", "http.request.method": "GET", "http.route": "/orders/{id}", "http.response.status_code": 502}
        self.assertEqual({name: span.get(name) for name in expected}, expected)
        self.assertEqual((span.status, span.get("error.type")), (_tracing.ERROR, "502"))
        self.assertEqual((span.get("cloud.resource_id"), span.get("cloud.account.id")), (Context.invoked_function_arn, "123456789012"))
        self.assertEqual(json.loads(span.get("lumigoData"))["trigger"][0]["fromMessageIds"], ["r"])

    def test_what_a_request_tells_of_itself(self):
        headers = {"X-Forwarded-Proto": "http", "Host": "shop.example", "User-Agent": "tester"}
        rest = {"httpMethod": "GET", "path": "/a", "headers": headers}
        context = {"identity": {"sourceIp": "10.0.0.1", "userAgent": "tester"}}
        names = ("url.scheme", "url.query", "server.address", "client.address", "user_agent.original")
        for event, expected in (
            (dict(rest, requestContext=context), ("http", None, "shop.example", "10.0.0.1", "tester")),
            (dict(rest, requestContext=dict(context, domainName="api"), queryStringParameters={"a": "1 &"}),
             ("http", "a=1+%26", "api", "10.0.0.1", "tester")),
            (dict(rest, requestContext={}, multiValueQueryStringParameters={"a": ["1", "2"]}, queryStringParameters={"a": "2"}),
             ("http", "a=1&a=2", "shop.example", None, "tester")),
            (dict(rest, requestContext={"elb": {}}, queryStringParameters={"a": "1+%26"}),
             ("http", "a=1+%26", "shop.example", None, "tester")),
            ({"version": "2.0", "headers": {}, "rawPath": "/a", "rawQueryString": "a=1", "requestContext": {
                "domainName": "api", "http": {"method": "GET", "path": "/a", "sourceIp": "::1", "userAgent": "t"}}},
             ("https", "a=1", "api", "::1", "t")),
        ):  # fmt: skip
            with self.subTest(event=event):
                span = self.invoke(event)
                self.assertEqual(tuple(map(span.get, names)), expected)

    def test_a_request_that_somebody_has_made_up(self):
        event = {"httpMethod": "GET", "path": "/a", "requestContext": {"identity": 1}, "queryStringParameters": "a"}
        span = self.invoke(dict(event, headers={"traceparent": A}))
        self.assertEqual((span.trace_id, span.get("http.request.method")), (b"\xaa" * 16, "GET"))

    def test_messages(self):
        def record(header):
            attributes = {"traceparent": {"dataType": "String", "stringValue": header}}
            return {"eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:e:1:orders", "messageId": "m", "messageAttributes": attributes}

        span = self.invoke({"Records": [record(A), record(B), record(A)]})
        self.assertEqual((span.kind, span.trace_id, self.links()), (_tracing.CONSUMER, b"\xaa" * 16, [b"\xbb" * 16]))
        self.assertEqual((span.get("faas.trigger"), span.get("messaging.destination.name")), ("pubsub", "orders"))
        self.assertEqual((span.get("messaging.operation.name"), span.get("messaging.operation.type")), ("process", "process"))

    def test_notifications(self):
        sns = {"TopicArn": "arn:aws:sns:e:1:news", "MessageId": "m", "MessageAttributes": {"traceparent": {"Type": "String", "Value": A}}}
        span = self.invoke({"Records": [{"EventSource": "aws:sns", "Sns": sns}]})
        self.assertEqual((span.trace_id, span.get("messaging.system")), (b"\xaa" * 16, "aws.sns"))

    def test_invocations(self):
        context = Context()
        context.client_context = types.SimpleNamespace(custom={"traceparent": A})
        self.assertEqual(self.invoke({}, context).trace_id, b"\xaa" * 16)
        context.client_context.custom = {"traceparent": 7, "customer": "ann"}
        self.assertIsNone(self.invoke({}, context).parent_id)

    def test_other_events(self):
        for event, trigger in (
            ({"detail-type": "Scheduled Event", "source": "aws.events"}, "timer"),
            ({"detail-type": "sold", "source": "shop"}, "pubsub"),
            ({"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"arn": "a"}}}]}, "datasource"),
            ({"Records": "none"}, "other"),
            ({"Records": []}, "other"),
            ({"requestContext": 1, "headers": {}}, "other"),
        ):
            self.assertEqual(self.invoke(event).get("faas.trigger"), trigger)

    def test_a_handler_that_exits(self):
        def leave(event, context):
            raise SystemExit(1)

        with self.assertRaises(SystemExit):
            _lambda.traced(leave)({}, Context())
        self.assertEqual(self.one().exceptions, ["SystemExit"])

    def test_whatever_comes(self):
        for event in (None, 1, "text", ["a"], {"Records": [1]}, {"headers": {1: 2}}):
            try:
                self.invoke(event)
            except TypeError:
                pass  # the handler's own
        self.assertEqual(len(self.spans()), 6)


if __name__ == "__main__":
    unittest.main()
