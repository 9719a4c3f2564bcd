import types
import unittest

from hooks_support import HookCase
from lumigo_opentelemetry import _tracing


class Boto(HookCase):
    def setUp(self):
        super().setUp()
        seen = self.seen = []

        class AWSAuthConnection:
            region = types.SimpleNamespace(name="eu-west-1")
            status = 200

            def _mexe(self, request, sender=None):
                seen.append(_tracing.suppressed())
                return types.SimpleNamespace(status=self.status, getheader={"x-amzn-requestid": "r"}.get)

        class SQSConnection(AWSAuthConnection):
            pass

        module = types.ModuleType("boto.connection")
        module.AWSAuthConnection = AWSAuthConnection
        self.hook("boto", module)
        self.connection = SQSConnection()

    def request(self, method="GET", path="/123/orders", params=(), headers=()):
        return types.SimpleNamespace(
            method=method, path=path, params=dict(params), headers=dict(headers), protocol="https", host="sqs.aws", port=443
        )

    def test_a_call(self):
        self.connection._mexe(self.request(params={"Action": "SendMessage"}))
        span = self.one()
        self.assertEqual((span.name, span.kind, span.status), ("SQS.SendMessage", _tracing.CLIENT, _tracing.UNSET))
        expected = {
            "rpc.system": "aws-api", "rpc.service": "SQS", "rpc.method": "SendMessage", "aws.service": "sqs",
            "aws.region": "eu-west-1", "aws.resource.name": "orders", "http.response.status_code": 200, "messageId": "r",
            "server.address": "sqs.aws", "server.port": 443,
        }  # fmt: skip
        self.assertEqual({name: span.get(name) for name in expected}, expected)

    def test_a_host_that_has_its_port(self):
        request = self.request()
        request.host, request.port = "localhost:4566", "4566"
        self.connection._mexe(request)
        self.assertEqual((self.one().get("server.address"), self.one().get("server.port")), ("localhost", 4566))

    def test_names(self):
        for request, name in (
            (self.request("PUT"), "SQS.PUT"),
            (self.request("POST", headers={"X-Amz-Target": "Kinesis_20131202.PutRecord"}), "SQS.PutRecord"),
        ):
            self.connection._mexe(request)
            self.assertEqual(self.spans()[-1].name, name)

    def test_its_requests_have_no_spans_of_their_own(self):
        self.connection._mexe(self.request())
        self.assertEqual(self.seen, [True])
        self.assertFalse(_tracing.suppressed())

    def test_an_error(self):
        self.connection.status = 404
        self.connection._mexe(self.request())
        self.assertEqual((self.one().status, self.one().get("error.type")), (_tracing.ERROR, "404"))

    def test_nothing_where_all_is_suppressed(self):
        with _tracing.suppress():
            self.connection._mexe(self.request())
        self.assertEqual(self.spans(), [])


if __name__ == "__main__":
    unittest.main()
