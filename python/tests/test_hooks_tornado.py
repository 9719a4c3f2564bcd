import re
import types
import unittest

from hooks_support import HookCase
from lumigo_opentelemetry import _http, _tracing

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def thing(**named):
    return types.SimpleNamespace(**named)


class Headers(dict):
    """Tornado's, as far as the hook touches them."""

    def get_all(self):
        return iter(self.items())

    def copy(self):
        return Headers(self)


def server():
    """What the hook touches of tornado.routing and tornado.web. A handler does what it is told."""

    class PathMatches:
        def __init__(self, pattern):
            self.regex = re.compile(pattern)

        def match(self, request):
            return None if self.regex.match(request.path) is None else {}

    class HTTPError(Exception):
        def __init__(self, status_code):
            self.status_code = status_code

    class Finish(Exception):
        pass

    class RequestHandler:
        def __init__(self, request, work):
            self.request = request
            self.work = work
            self.status = 200
            self._headers = Headers(Server="s")
            self._write_buffer = []
            self.sent = []

        def write(self, data):
            self._write_buffer.append(data)

        def flush(self):
            self.sent += self._write_buffer
            self._write_buffer = []
            return "flushed"

        def finish(self):
            self.flush()
            return "finished"

        def get_status(self):
            return self.status

        def _execute(self):
            try:
                self.work(self)
            except Exception as error:
                self._handle_request_exception(error)
            return self.finish()

        def _handle_request_exception(self, e):
            if not isinstance(e, Finish):
                self.status = getattr(e, "status_code", 500)

    class _HandlerDelegate:
        def __init__(self, handler):
            self.handler = handler
            self.request = handler.request
            self.chunks = []

        def execute(self):
            return self.handler._execute()

        def data_received(self, data):
            self.chunks.append(data)
            return "received"

    routing, web = types.ModuleType("tornado.routing"), types.ModuleType("tornado.web")
    routing.PathMatches = PathMatches
    for each in (HTTPError, Finish, RequestHandler, _HandlerDelegate):
        setattr(web, each.__name__, each)
    return routing, web


class Server(HookCase):
    def setUp(self):
        super().setUp()
        self.routing, self.web = server()
        self.hook("tornado", self.routing)
        self.hook("tornado", self.web)

    def request(self, method="GET", headers=(), body=b"", **more):
        made = {
            "method": method, "version": "HTTP/1.1", "protocol": "http", "path": "/things/hat", "query": "q=1",
            "headers": Headers(dict(headers, Host="shop:81")), "body": body,
            "connection": thing(context=thing(address=("10.0.0.1", 999))),
        }  # fmt: skip
        return thing(**dict(made, **more))

    def handle(self, work=lambda handler: None, request=None):
        handler = self.web.RequestHandler(request or self.request(), work)
        self.assertEqual(self.web._HandlerDelegate(handler).execute(), "finished")
        self.assertIsNone(_tracing.current_span())
        return handler

    def test_a_request(self):
        seen = []

        def work(handler):
            seen.append((_tracing.current_span().span_id, _http.serving() is not None))
            handler.status = 201
            handler.write(b"a hat")

        request = self.request("PUT", {"Traceparent": PARENT, "User-Agent": "t"})
        self.assertEqual(self.routing.PathMatches(r"/things/(\w+)$").match(request), {})
        self.assertEqual(self.handle(work, request).sent, [b"a hat"])
        span = self.one()
        self.assertEqual((span.name, span.kind, seen), (r"PUT /things/(\w+)", _tracing.SERVER, [(span.span_id, True)]))
        self.assertEqual((span.trace_id.hex(), span.parent_id.hex()), (PARENT[3:35], PARENT[36:52]))
        self.assertEqual(span.attributes, {
            "http.request.method": "PUT", "http.route": r"/things/(\w+)", "url.scheme": "http", "url.path": "/things/hat",
            "url.query": "q=1", "http.request.query_string": "q=1", "server.address": "shop", "server.port": 81,
            "network.peer.address": "10.0.0.1", "network.peer.port": 999, "client.address": "10.0.0.1",
            "network.protocol.version": "1.1", "user_agent.original": "t", "http.response.status_code": 201,
            "http.request.headers": [(b"traceparent", PARENT.encode()), (b"user-agent", b"t"), (b"host", b"shop:81")],
            "http.response.headers": [("Server", "s")], "http.response.payload": (b"a hat", False),
        })  # fmt: skip

    def test_a_path_that_nothing_matches(self):
        request = self.request()
        self.assertIsNone(self.routing.PathMatches("/other$").match(request))
        self.handle(request=request)
        self.assertEqual((self.one().name, self.one().get("http.route")), ("GET", None))

    def test_a_body(self):
        self.handle(request=self.request("POST", {"Content-Length": "5"}, b"hello"))
        self.assertEqual(self.one().get("http.request.payload"), b"hello")

    def test_a_body_that_the_handler_takes_in_parts(self):
        def work(handler):
            delegate = self.web._HandlerDelegate(handler)
            for part in (b"hel", b"lo"):
                self.assertEqual(delegate.data_received(part), "received")
            self.assertEqual(delegate.chunks, [b"hel", b"lo"])

        self.handle(work, self.request("POST", {"Transfer-Encoding": "chunked"}, body=None))
        self.assertEqual(self.one().get("http.request.payload"), b"hello")

    def test_a_response_in_parts(self):
        def work(handler):
            handler.write(b"a ")
            self.assertEqual(handler.flush(), "flushed")
            handler.write(b"hat")

        for method, headers, payload in (
            ("GET", {}, (b"a hat", False)),
            ("GET", {"Content-Encoding": "gzip"}, b"a hat"),  # which the handler has packed
            ("HEAD", {}, None),
        ):
            with self.subTest(method=method, headers=headers):

                def packing(handler, headers=headers):
                    handler._headers.update(headers)
                    work(handler)

                self.assertEqual(self.handle(packing, self.request(method)).sent, [b"a ", b"hat"])
                self.assertEqual(self.spans()[-1].get("http.response.payload"), payload)

    def test_what_a_handler_raises(self):
        for error, exceptions, status in (
            (ValueError("x"), ["ValueError"], _tracing.ERROR),
            (self.web.HTTPError(404), [], _tracing.UNSET),
            (self.web.HTTPError(503), ["HTTPError"], _tracing.ERROR),
            (self.web.Finish(), [], _tracing.UNSET),
        ):
            with self.subTest(error=error):

                def work(handler, error=error):
                    raise error

                self.handle(work)
                span = self.spans()[-1]
                self.assertEqual(([name.rpartition(".")[2] for name in span.exceptions], span.status), (exceptions, status))
        self.assertEqual([span.get("http.response.status_code") for span in self.spans()], [500, 404, 503, 200])

    def test_a_request_that_cannot_be_begun(self):
        class Broken(BaseException):
            pass

        def work(handler):
            raise Broken()

        with self.assertRaises(Broken):
            self.handle(work)
        self.assertEqual((len(self.one().exceptions), self.one().status), (1, _tracing.ERROR))
        self.assertIsNone(_tracing.current_span())

    def test_what_comes_after_the_end_is_no_part_of_it(self):
        handler = self.handle()
        handler.write(b"late")
        handler.flush()
        handler._handle_request_exception(ValueError("late"))
        self.assertEqual(handler.finish(), "finished")
        self.assertEqual((self.one().exceptions, self.one().get("http.response.payload")), ([], None))

    def test_handlers_without_a_delegate_are_left_alone(self):
        handler = self.web.RequestHandler(self.request(), lambda handler: handler.write(b"a"))
        self.assertEqual((handler._execute(), handler.sent, self.spans()), ("finished", [b"a"], []))

    def test_a_unix_socket_has_no_address(self):
        for connection in (thing(context=thing(address="/run/shop.sock")), thing()):
            self.handle(request=self.request(connection=connection))
            self.assertIsNone(self.spans()[-1].get("client.address"))

    def test_nothing_where_all_is_suppressed(self):
        handler = self.web.RequestHandler(self.request(), lambda handler: handler.write(b"a"))
        with _tracing.suppress():
            self.assertEqual(self.web._HandlerDelegate(handler).execute(), "finished")
        self.assertEqual((handler.sent, self.spans()), ([b"a"], []))


class Proxy:
    """A request with defaults for what it leaves out, which is what clients are given."""

    def __init__(self, request, defaults):
        self.request = request
        self.defaults = defaults

    def __getattr__(self, name):
        value = getattr(self.request, name)
        return self.defaults.get(name) if value is None else value


class Client(HookCase):
    def setUp(self):
        super().setUp()
        case = self
        self.sent = []

        class SimpleAsyncHTTPClient:
            def fetch_impl(self, request, callback):
                case.sent.append(request)
                if isinstance(case.answer, Exception):
                    raise case.answer
                if request.streaming_callback is not None:
                    for part in (b"hel", b"lo"):
                        request.streaming_callback(part)
                case.answer.request = request.request
                callback(case.answer)
                return "begun"

        self.module = types.ModuleType("tornado.simple_httpclient")
        self.module.SimpleAsyncHTTPClient = SimpleAsyncHTTPClient
        self.hook("tornado", self.module)
        self.answer = self.response(200, b"hello", Server="s")

    def response(self, code, body=None, error=None, **headers):
        return thing(code=code, body=body, error=error, headers=Headers(headers), request=None)

    def request(self, method="GET", url="http://shop:8080/a?q=1", headers=(), **more):
        made = {"method": method, "url": url, "headers": Headers(headers), "body": None, "user_agent": None}
        made.update(streaming_callback=None, original_request=None)
        return thing(**dict(made, **more))

    def fetch(self, request, **defaults):
        answers = []
        begun = self.module.SimpleAsyncHTTPClient().fetch_impl(Proxy(request, defaults), answers.append)
        self.assertEqual((begun, answers), ("begun", [self.answer]))
        return self.sent[-1]

    def test_a_fetch(self):
        request = self.request("POST", body=b"sent", headers={"A": "b"})
        sent = self.fetch(request, user_agent="t")
        span = self.one()
        self.assertEqual((span.name, span.kind, span.status), ("POST", _tracing.CLIENT, _tracing.UNSET))
        self.assertEqual(span.attributes, {
            "http.request.method": "POST", "url.full": "http://shop:8080/a?q=1", "server.address": "shop", "server.port": 8080,
            "user_agent.original": "t", "http.request.headers": [("A", "b")], "http.request.payload": b"sent",
            "http.response.status_code": 200, "http.response.headers": [("Server", "s")], "http.response.payload": b"hello",
        })  # fmt: skip
        self.assertEqual(sent.headers["traceparent"], "00-%s-%s-01" % (span.trace_id.hex(), span.span_id.hex()))
        self.assertEqual((request.headers, sent.user_agent, sent.body), ({"A": "b"}, "t", b"sent"))

    def test_addresses(self):
        for url, server in (
            ("https://shop/a", ("shop", 443)),
            ("http://ann:pw@shop:81?q=a@b", ("shop", 81)),
            ("http://[::1]:81/", ("::1", 81)),
        ):
            self.fetch(self.request(url=url))
            span = self.spans()[-1]
            self.assertEqual((span.get("server.address"), span.get("server.port")), server)

    def test_a_response_in_parts(self):
        parts = []
        request = self.request(streaming_callback=parts.append)
        self.answer = self.response(200, b"")
        self.fetch(request)
        self.assertEqual(parts, [b"hel", b"lo"])
        self.assertEqual(self.one().get("http.response.payload"), b"hello")
        self.assertEqual(request.streaming_callback, parts.append)

    def test_an_error(self):
        self.answer = self.response(404)
        self.fetch(self.request())
        span = self.one()
        self.assertEqual((span.status, span.get("error.type"), span.get("http.response.payload")), (_tracing.ERROR, "404", b""))

    def test_no_answer(self):
        self.answer = self.response(599, error=ConnectionRefusedError())
        self.fetch(self.request())
        span = self.one()
        self.assertEqual((span.exceptions, span.get("http.response.status_code")), (["ConnectionRefusedError"], None))

    def test_a_fetch_that_does_not_begin(self):
        self.answer = KeyError("x")
        with self.assertRaises(KeyError):
            self.module.SimpleAsyncHTTPClient().fetch_impl(Proxy(self.request(), {}), None)
        self.assertEqual((self.one().exceptions, self.one().status), (["KeyError"], _tracing.ERROR))

    def test_a_redirect_is_part_of_its_fetch(self):
        request = self.request(original_request=self.request())
        self.assertEqual((self.fetch(request).request, self.spans()), (request, []))

    def test_whoever_propagates_already_is_left_alone(self):
        request = self.request(headers={"TraceParent": PARENT})
        self.assertIs(self.fetch(request).request, request)
        self.assertEqual(request.headers, {"TraceParent": PARENT})
        self.one()

    def test_nothing_where_all_is_suppressed(self):
        request = self.request()
        with _tracing.suppress():
            self.assertIs(self.fetch(request).request, request)
        self.assertEqual(self.spans(), [])

    def test_nothing_is_kept_of_bodies(self):
        _tracing.configure({"capture": 0})
        parts = []
        self.fetch(self.request(body=b"sent", streaming_callback=parts.append))
        self.fetch(self.request())
        self.assertEqual(parts, [b"hel", b"lo"])
        for span in self.spans():
            self.assertFalse({"http.request.payload", "http.response.payload"} & set(span.attributes))

    def test_the_client_that_stands_on_curl(self):
        module = types.ModuleType("tornado.curl_httpclient")
        answer, answers = self.response(204), []
        fetch = {"fetch_impl": lambda self, request, callback: callback(answer)}
        module.CurlAsyncHTTPClient = type("CurlAsyncHTTPClient", (), fetch)
        self.hook("tornado", module)
        module.CurlAsyncHTTPClient().fetch_impl(Proxy(self.request(), {}), answers.append)
        self.assertEqual((answers, self.one().get("http.response.status_code")), ([answer], 204))


class Request:
    def __init__(self, **own):
        self.__dict__.update(own)


class Defaulted:
    """Of a request to be sent, with defaults for what it leaves open."""

    def __init__(self, request, defaults):
        self.request, self.defaults = request, defaults

    def __getattr__(self, name):
        return getattr(self.request, name, None)


class OwnRequest(HookCase):
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
        self.client.fetch_impl(Defaulted(request, {}), answers.append)
        self.assertIs(answers[0].request, request)
        self.assertEqual((request.headers, list(vars(request))), ({"Host": "shop"}, ["method", "url", "headers", "streaming_callback"]))
        self.assertIn("traceparent", self.sent[0].headers)
        self.assertEqual(self.one().get("http.response.status_code"), 200)


class Unfinished(HookCase):
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
