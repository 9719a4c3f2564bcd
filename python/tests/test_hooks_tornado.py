import types
import unittest

from hooks_support import HookCase
from lumigo_opentelemetry import _tracing


class Headers(dict):
    def get_all(self):
        return self.items()

    def copy(self):
        return Headers(self)


class Request:
    def __init__(self, **own):
        self.__dict__.update(own)


class Proxy:
    """Of a request to be sent, with defaults for what it leaves open."""

    def __init__(self, request, defaults):
        self.request, self.defaults = request, defaults

    def __getattr__(self, name):
        return getattr(self.request, name, None)


class Clients(HookCase):
    def setUp(self):
        super().setUp()
        self.sent = []

        class SimpleAsyncHTTPClient:
            def fetch_impl(client, request, callback):
                self.sent.append(request)
                callback(types.SimpleNamespace(request=request.request, code=200, headers=Headers(), body=b"sold"))

        module = types.ModuleType("tornado.simple_httpclient")
        module.SimpleAsyncHTTPClient = SimpleAsyncHTTPClient
        self.hook("tornado", module)
        self.client = SimpleAsyncHTTPClient()

    def test_a_response_has_the_applications_own_request(self):
        request = Request(method="GET", url="http://shop.example.com/lamp", headers=Headers(Host="shop"), streaming_callback=None)
        answers = []
        self.client.fetch_impl(Proxy(request, {}), answers.append)
        self.assertIs(answers[0].request, request)
        self.assertEqual((request.headers, list(vars(request))), ({"Host": "shop"}, ["method", "url", "headers", "streaming_callback"]))
        self.assertIn("traceparent", self.sent[0].headers)
        self.assertEqual(self.one().get("http.response.status_code"), 200)


class Servers(HookCase):
    def setUp(self):
        super().setUp()

        class RequestHandler:
            def flush(self):
                pass

            def finish(self):
                pass

            def _handle_request_exception(self, e):
                pass

        class _HandlerDelegate:
            def __init__(self, request, handle):
                self.request, self.execute_handler = request, handle

            def execute(self):
                self.execute_handler()

            def data_received(self, data):
                pass

        module = types.ModuleType("tornado.web")
        module.RequestHandler, module._HandlerDelegate = RequestHandler, _HandlerDelegate
        module.Finish = module.HTTPError = type("HTTPError", (Exception,), {})
        self.hook("tornado", module)
        self.delegate = _HandlerDelegate

    def test_a_request_that_nobody_finishes(self):
        request = Request(
            version="HTTP/1.1", method="GET", protocol="http", path="/lamp", query="", headers=Headers(Host="shop"), body=b"",
            connection=None,
        )  # fmt: skip
        self.delegate(request, lambda: self.assertEqual(_tracing.current_span().name, "GET")).execute()
        self.assertEqual(self.spans(), [])
        del request
        self.assertEqual(self.one().name, "GET")


if __name__ == "__main__":
    unittest.main()
