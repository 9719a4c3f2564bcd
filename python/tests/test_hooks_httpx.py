"""httpx, whose classes are stood in for by as much of them as the hook touches. QA has it on the wire."""

import types
import unittest

from hooks_support import HookCase
from lumigo_opentelemetry import _tracing


class Headers(dict):
    @property
    def raw(self):
        return [(name.encode(), value.encode()) for name, value in self.items()]

    def copy(self):
        return Headers(self)


class URL:
    scheme, host, port = "http", "shop", None

    def __str__(self):
        return "http://shop/lamp"


class Request:
    def __init__(self):
        self.method, self.url, self.headers, self._content = "GET", URL(), Headers(host="shop"), b""


class Httpx(HookCase):
    def setUp(self):
        super().setUp()
        case = self
        self.sent = []

        class HTTPTransport:
            def handle_request(self, request):
                case.sent.append(request)
                return types.SimpleNamespace(status_code=200, headers=Headers(), extensions={}, stream=[b"so", b"ld"])

        class AsyncHTTPTransport:
            async def handle_async_request(self, request):
                pass

        module = types.SimpleNamespace(HTTPTransport=HTTPTransport, AsyncHTTPTransport=AsyncHTTPTransport, __version__="0.28")
        module.SyncByteStream, module.AsyncByteStream = type("SyncByteStream", (), {}), type("AsyncByteStream", (), {})
        self.hook("httpx", module)
        self.transport = HTTPTransport()

    def ask(self):
        return self.transport.handle_request(Request()).stream

    def test_a_body_that_is_let_go_of(self):
        body = self.ask()
        self.assertIn("traceparent", self.sent[0].headers)
        self.assertEqual((next(iter(body)), self.spans()), (b"so", []))
        del body
        self.assertEqual((self.one().name, self.one().get("http.response.payload")), ("GET", b"so"))

    def test_a_body_that_nothing_comes_to_free(self):
        body = self.ask()
        next(iter(body))
        _tracing.end_unfinished()  # as at the end of the process
        self.assertEqual(self.one().get("http.response.payload"), b"so")
        del body
        self.one()


if __name__ == "__main__":
    unittest.main()
