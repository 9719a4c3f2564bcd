import asyncio
import gc
import inspect
import types
import unittest
from time import time_ns
from urllib.parse import urlsplit

from hooks_support import HookCase
from lumigo_opentelemetry import _http, _tracing
from lumigo_opentelemetry.hooks import aiohttp_streams

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def thing(**named):
    return types.SimpleNamespace(**named)


def run(coroutine):
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()


def streams():
    """What the hook touches of aiohttp.streams. A reader gets its chunks at once, and breaks off where one is an error."""

    class StreamReader:
        def __init__(self, *chunks):
            self.chunks = list(chunks)
            self.callbacks = []

        def at_eof(self):
            return not self.chunks

        def exception(self):
            return next((chunk for chunk in self.chunks if isinstance(chunk, Exception)), None)

        def on_eof(self, callback):
            self.callbacks.append(callback)

        def _read_nowait_chunk(self, n):
            return self.chunks.pop(0)

        async def read(self):
            data = b""
            while self.chunks:
                if isinstance(self.chunks[0], Exception):
                    raise self.chunks[0]
                data += self._read_nowait_chunk(-1)
            return data

    module = types.ModuleType("aiohttp.streams")
    module.StreamReader = StreamReader
    return module


class URL:
    def __init__(self, text):
        self.text = text
        parts = urlsplit(text)
        self.host = parts.hostname
        self.port = parts.port or (443 if parts.scheme == "https" else 80)

    def __str__(self):
        return self.text


def client():
    """What it touches of aiohttp.client. A connector has the answers that it gives, (status, headers, content) or errors,
    and keeps the headers that were sent."""

    class ClientResponse:
        def __init__(self, method):
            self.method = method
            self.let_go = []

        async def start(self, connection):
            answer = connection.answer
            if isinstance(answer, Exception):
                raise answer
            self.status, headers, self.content = answer
            self.headers = headers
            self.raw_headers = tuple((name.encode(), value.encode()) for name, value in headers.items())
            self.version = (1, 1)
            return self

        async def read(self):
            return await self.content.read()

        def release(self):
            self.let_go.append("released")

        def close(self):
            self.let_go.append("closed")

    class BaseConnector:
        def __init__(self, *answers):
            self.answers = list(answers)
            self.sent = []

        async def connect(self, req, traces, timeout):
            self.sent.append((dict(req.headers), getattr(_tracing.current_span(), "name", None)))
            answer = self.answers.pop(0)
            if isinstance(answer, ConnectionRefusedError):
                raise answer
            return thing(answer=answer)

    class ClientSession:
        def __init__(self, connector, auto_decompress=True):
            self.connector = connector
            self._auto_decompress = auto_decompress

        async def _request(self, method, url, headers=(), data=None):
            while True:
                request = thing(method=method, url=URL(url), headers=dict(headers), body=data)
                connection = await self.connector.connect(request, [], timeout=30)
                response = ClientResponse(method)
                try:
                    await response.start(connection)
                except ConnectionResetError:  # it had been closed meanwhile
                    continue
                if response.status != 302:
                    return response
                url = response.headers["Location"]
                response.release()

    module = types.ModuleType("aiohttp.client")
    module.ClientSession, module.BaseConnector, module.ClientResponse = ClientSession, BaseConnector, ClientResponse
    return module


class Client(HookCase):
    def setUp(self):
        super().setUp()
        self.streams, self.client = streams(), client()
        self.hook("aiohttp_streams", self.streams)
        self.hook("aiohttp_client", self.client)
        self.addCleanup(lambda: self.assertEqual(aiohttp_streams.kept, {}))

    def answer(self, *chunks, status=200, **headers):
        return status, headers, self.streams.StreamReader(*chunks)

    def session(self, *answers, **named):
        self.connector = self.client.BaseConnector(*answers)
        return self.client.ClientSession(self.connector, **named)

    def ask(self, session, method="GET", url="http://shop:8080/a?q=1", **named):
        return run(session._request(method, url, **named))

    def test_a_request(self):
        session = self.session(self.answer(b"hel", b"lo", Server="s"))
        response = self.ask(session, "POST", headers={"User-Agent": "t"}, data=thing(_value=b"sent"))
        self.assertEqual(self.spans(), [], "it has ended before the body was read")
        self.assertEqual(run(response.read()), b"hello")
        span = self.one()
        self.assertEqual((span.name, span.kind, span.status, span.parent_id), ("POST", _tracing.CLIENT, _tracing.UNSET, None))
        self.assertEqual(span.attributes, {
            "http.request.method": "POST", "url.full": "http://shop:8080/a?q=1", "server.address": "shop", "server.port": 8080,
            "user_agent.original": "t", "http.request.headers": [("User-Agent", "t")], "http.request.payload": b"sent",
            "http.response.status_code": 200, "http.response.headers": [(b"Server", b"s")], "network.protocol.version": "1.1",
            "http.response.payload": (b"hello", False),
        })  # fmt: skip
        self.assertEqual(self.connector.sent[0][0]["traceparent"], "00-%s-%s-01" % (span.trace_id.hex(), span.span_id.hex()))

    def test_whoever_propagates_already_is_left_alone(self):
        self.ask(self.session(self.answer()), headers={"TraceParent": PARENT})
        self.assertEqual(self.connector.sent[0][0], {"TraceParent": PARENT})
        self.one()

    def test_nothing_where_all_is_suppressed(self):
        with _tracing.suppress():
            response = self.ask(self.session(self.answer(b"a")))
        self.assertEqual(run(response.read()), b"a")
        self.assertEqual((self.spans(), self.connector.sent[0][0]), ([], {}))

    def test_a_response_without_a_body_is_over(self):
        for answer in (self.answer(status=204), self.answer(b"frames", status=101)):
            self.ask(self.session(answer))
            self.assertEqual(self.spans()[-1].get("http.response.status_code"), answer[0])

    def test_an_error(self):
        run(self.ask(self.session(self.answer(b"no", status=404))).read())
        self.assertEqual((self.one().status, self.one().get("error.type")), (_tracing.ERROR, "404"))

    def test_a_connection_that_cannot_be_made(self):
        with self.assertRaises(ConnectionRefusedError):
            self.ask(self.session(ConnectionRefusedError()))
        span = self.one()
        self.assertEqual((span.status, span.exceptions), (_tracing.ERROR, ["ConnectionRefusedError"]))

    def test_a_connection_that_breaks_before_the_answer(self):
        with self.assertRaises(ValueError):
            self.ask(self.session(ValueError("no HTTP")))
        self.assertEqual(self.one().exceptions, ["ValueError"])

    def test_a_connection_that_had_been_closed_is_replaced(self):
        self.ask(self.session(ConnectionResetError(), self.answer(status=204)))
        first, second = self.spans()
        self.assertEqual((first.get("http.response.status_code"), first.status, first.exceptions), (None, _tracing.UNSET, []))
        self.assertEqual(second.get("http.response.status_code"), 204)

    def test_each_request_of_a_redirect(self):
        session = self.session(self.answer(b"moved", status=302, Location="https://other/b"), self.answer(b"here"))
        run(self.ask(session).read())
        first, second = self.spans()
        self.assertEqual((first.get("http.response.status_code"), first.get("url.full")), (302, "http://shop:8080/a?q=1"))
        self.assertEqual((second.get("server.address"), second.get("server.port")), ("other", 443))
        self.assertEqual((first.parent_id, second.parent_id), (None, None))
        self.assertEqual(second.get("http.response.payload"), (b"here", False))

    def test_a_body_that_breaks_off(self):
        response = self.ask(self.session(self.answer(b"hel", ConnectionError("gone"))))
        with self.assertRaises(ConnectionError):
            run(response.read())
        span = self.one()
        self.assertEqual((span.status, span.exceptions), (_tracing.ERROR, ["ConnectionError"]))
        self.assertEqual(span.get("http.response.payload"), (b"hel", False))

    def test_a_body_that_is_given_up(self):
        for way in ("release", "close"):
            response = self.ask(self.session(self.answer(b"hello")))
            getattr(response, way)()
            getattr(response, way)()
            self.assertEqual(len(response.let_go), 2)
        self.assertEqual([span.status for span in self.spans()], [_tracing.UNSET] * 2)
        response = self.ask(self.session(self.answer(ConnectionError("gone"))))
        response.close()
        self.assertEqual(self.spans()[-1].exceptions, ["ConnectionError"])

    def test_a_response_that_nothing_comes_to_free(self):
        response = self.ask(self.session(self.answer(b"hello")))
        _tracing.end_unfinished()  # as at the end of the process
        self.one()
        del response
        gc.collect()
        self.one()

    def test_a_response_that_is_forgotten(self):
        response = self.ask(self.session(self.answer(b"hello")))
        response.content.callbacks[0]()
        self.assertEqual(self.spans(), [])
        del response
        gc.collect()
        self.one()

    def test_it_ends_when_the_body_has_arrived(self):
        response = self.ask(self.session(self.answer(b"hello")))
        response.content.callbacks[0]()
        arrived = time_ns()
        while time_ns() == arrived:
            pass
        run(response.read())
        self.assertLessEqual(self.one().end, arrived)

    def test_a_body_that_is_still_packed(self):
        response = self.ask(self.session(self.answer(b"packed"), auto_decompress=False))
        run(response.read())
        self.assertEqual(self.one().get("http.response.payload"), b"packed")

    def test_nothing_is_kept_of_bodies(self):
        _tracing.configure({"capture": 0})
        response = self.ask(self.session(self.answer(b"hello")), data=b"sent")
        self.assertEqual(run(response.read()), b"hello")
        self.assertFalse({"http.request.payload", "http.response.payload"} & set(self.one().attributes))

    def test_requests_of_others_are_theirs(self):
        """A connector may be used without a session."""

        async def talk():
            await self.session(self.answer(status=204))._request("GET", "http://shop/")
            request = thing(method="GET", url=URL("http://shop/"), headers={}, body=None)
            await self.client.BaseConnector(self.answer()).connect(request, [], 1)
            self.assertEqual(request.headers, {})

        run(talk())
        self.one()

    def test_a_body_that_is_made_while_it_is_sent(self):
        self.ask(self.session(self.answer(status=204)), data=iter([b"sent"]))
        self.assertIsNone(self.one().get("http.request.payload"))

    def test_what_is_asked_at_the_same_time(self):
        async def both():
            session = self.session(self.answer(b"a"), self.answer(b"b"))
            responses = await asyncio.gather(*[session._request("GET", "http://shop/" + name) for name in "ab"])
            return [await response.read() for response in reversed(responses)]

        self.assertEqual(run(both()), [b"b", b"a"])
        self.assertEqual([(span.get("url.full"), span.get("http.response.payload")) for span in self.spans()],
                         [("http://shop/b", (b"b", False)), ("http://shop/a", (b"a", False))])  # fmt: skip


def server():
    """What the hook touches of aiohttp's server: three modules."""

    class StreamResponse:
        def __init__(self, status=200, headers=(), body=None, compression=False):
            self.status, self.headers, self.body, self.compression = status, dict(headers), body, compression
            self.written = []

        async def write(self, data):
            self.written.append(data)

    class WebSocketResponse(StreamResponse):
        async def prepare(self, request):
            self.status = 101
            return "prepared"

    class RequestHandler:
        def __init__(self, handler):
            self._request_handler = handler

        async def _handle_request(self, request, start_time, request_handler):
            try:
                return await request_handler(request), False
            except Exception as error:
                return self.handle_error(request, 500, error), True

        def handle_error(self, request, status=500, exc=None, message=None):
            return StreamResponse(status, body=thing(_value=b"oops"))

    protocol, response, websocket = map(types.ModuleType, ("aiohttp.web_protocol", "aiohttp.web_response", "aiohttp.web_ws"))
    protocol.RequestHandler, response.StreamResponse, websocket.WebSocketResponse = RequestHandler, StreamResponse, WebSocketResponse
    return protocol, response, websocket


class Transport:
    def get_extra_info(self, name):
        return {"peername": ("10.0.0.1", 999), "sockname": ("127.0.0.1", 8080)}[name]


class Server(HookCase):
    def setUp(self):
        super().setUp()
        self.streams = streams()
        self.hook("aiohttp_streams", self.streams)
        self.protocol, self.response, self.websocket = server()
        for module in (self.protocol, self.response, self.websocket):
            self.hook("aiohttp_server", module)
        self.addCleanup(lambda: self.assertEqual(aiohttp_streams.kept, {}))

    def request(self, method="GET", route="/things/{name}", headers=(), content=(), **more):
        resource = None if route is None else thing(canonical=route)
        made = {
            "method": method, "version": thing(major=1, minor=1), "transport": Transport(), "scheme": "http",
            "path": "/things/hat", "query_string": "q=1", "raw_headers": ((b"Host", b"shop:81"),) + tuple(headers),
            "content": self.streams.StreamReader(*content), "_match_info": thing(route=thing(resource=resource)),
        }  # fmt: skip
        return thing(**dict(made, **more))

    def handle(self, handler, request, other=None):
        return run(self.protocol.RequestHandler(handler)._handle_request(request, 0.0, other or handler))

    def answering(self, *args, **named):
        async def handler(request):
            handler.seen = _tracing.current_span()
            return handler.response

        handler.response = self.response.StreamResponse(*args, **named)
        return handler

    def test_a_request(self):
        handler = self.answering(201, {"Server": "s"}, thing(_value=b"a hat"))
        headers = [(b"Traceparent", PARENT.encode()), (b"User-Agent", b"t")]
        result = self.handle(handler, self.request("PUT", headers=headers))
        self.assertEqual(result, (handler.response, False))
        span = self.one()
        self.assertEqual((span.name, span.kind), ("PUT /things/{name}", _tracing.SERVER))
        self.assertEqual((span.trace_id.hex(), span.parent_id.hex()), (PARENT[3:35], PARENT[36:52]))
        self.assertEqual(handler.seen.span_id, span.span_id)
        self.assertEqual(span.attributes, {
            "http.request.method": "PUT", "http.route": "/things/{name}", "url.scheme": "http", "url.path": "/things/hat",
            "url.query": "q=1", "http.request.query_string": "q=1", "server.address": "shop", "server.port": 81,
            "network.peer.address": "10.0.0.1", "network.peer.port": 999, "client.address": "10.0.0.1",
            "network.protocol.version": "1.1", "user_agent.original": "t", "http.response.status_code": 201,
            "http.request.headers": [(b"host", b"shop:81"), (b"traceparent", PARENT.encode()), (b"user-agent", b"t")],
            "http.response.headers": [("Server", "s")], "http.response.payload": b"a hat",
        })  # fmt: skip

    def test_requests_of_one_connection(self):
        async def connection():
            handler = self.answering()
            for _ in range(2):
                await self.protocol.RequestHandler(handler)._handle_request(self.request(), 0.0, handler)
                self.assertIsNone(_tracing.current_span())

        run(connection())
        self.assertEqual([span.parent_id for span in self.spans()], [None, None])

    def test_a_path_that_nothing_matches(self):
        for match in ({"route": None}, {"_match_info": None}):
            self.handle(self.answering(404), self.request(**match))
            span = self.spans()[-1]
            self.assertEqual((span.name, span.get("http.route"), span.status), ("GET", None, _tracing.UNSET))

    def test_the_body_of_a_request_is_kept_as_it_is_read(self):
        async def handler(request):
            self.assertEqual(await request.content.read(), b"hello")
            return self.response.StreamResponse(200)

        headers = [(b"Content-Length", b"5")]
        self.handle(handler, self.request("POST", headers=headers, content=[b"hel", b"lo"]))
        self.assertEqual(self.one().get("http.request.payload"), (b"hello", False))

    def test_a_response_in_parts(self):
        for compression, payload in ((False, b"a hat"), (True, (b"a hat", False))):

            async def handler(request, compression=compression):
                response = self.response.StreamResponse(compression=compression)
                await response.write(b"a ")
                await response.write(b"hat")
                return response

            response, _ = self.handle(handler, self.request())
            self.assertEqual(response.written, [b"a ", b"hat"])
            self.assertEqual(self.spans()[-1].get("http.response.payload"), payload)

    def test_a_handler_that_fails(self):
        async def handler(request):
            raise KeyError("hat")

        response, reset = self.handle(handler, self.request())
        self.assertEqual((response.status, reset), (500, True))
        span = self.one()
        self.assertEqual((span.status, span.exceptions, span.get("http.response.status_code")), (_tracing.ERROR, ["KeyError"], 500))
        self.assertEqual(span.get("http.response.payload"), b"oops")

    def test_a_handler_that_is_cancelled(self):
        class Cancelled(BaseException):  # as asyncio's is from 3.8 on
            pass

        async def handler(request):
            raise Cancelled()

        with self.assertRaises(Cancelled):
            self.handle(handler, self.request())
        self.assertEqual(len(self.one().exceptions), 1)

    def test_requests_that_could_not_be_read_have_no_span(self):
        async def refuse(request):
            return self.response.StreamResponse(400)

        self.assertEqual(self.handle(self.answering(), self.request(), refuse)[0].status, 400)
        self.assertEqual(self.spans(), [])

    def test_a_websocket_has_a_span_for_its_handshake(self):
        async def handler(request):
            socket = self.websocket.WebSocketResponse()
            self.assertEqual(await socket.prepare(request), "prepared")
            self.assertEqual([span.get("http.response.status_code") for span in self.spans()], [101])
            self.assertIsNone(_http.serving())
            return socket

        self.handle(handler, self.request())
        self.assertEqual(self.one().name, "GET /things/{name}")

    def test_a_unix_socket_has_no_address(self):
        for transport in (thing(get_extra_info=lambda name: "/run/shop.sock"), None):
            self.handle(self.answering(), self.request(transport=transport))
            self.assertIsNone(self.spans()[-1].get("client.address"))

    def test_what_an_outer_server_traces_already(self):
        async def handler(request):
            return (await self.protocol.RequestHandler(inner)._handle_request(request, 0.0, inner))[0]

        inner = self.answering(200)
        self.handle(handler, self.request())
        self.one()

    def test_versions_that_are_too_old(self):
        module = types.ModuleType("aiohttp.web_protocol")
        module.RequestHandler = type("RequestHandler", (), {})
        self.hook("aiohttp_server", module)
        self.assertFalse(hasattr(module.RequestHandler, "_handle_request"))


class Aiohttp(HookCase):
    def test_what_was_a_coroutine_function_is_one(self):
        class Connector:
            async def connect(self, req, traces=None, timeout=None):
                return req

        class Response:
            async def write(self, data):
                return len(data)

            async def start(self, connection):
                pass

            async def read(self):
                pass

            def release(self):
                pass

            def close(self):
                pass

        class Session:
            async def _request(self, method, url):
                pass

        client = types.ModuleType("aiohttp.client")
        client.ClientSession, client.BaseConnector, client.ClientResponse = Session, Connector, Response
        self.hook("aiohttp_client", client)
        server = types.ModuleType("aiohttp.web_response")
        server.StreamResponse = Response
        self.hook("aiohttp_server", server)
        for function in (Connector.connect, Response.write, Response.start, Response.read, Session._request):
            self.assertTrue(inspect.iscoroutinefunction(function), function)
        self.assertEqual(asyncio.run(Connector().connect("request", timeout=5)), "request")
        self.assertEqual(asyncio.run(Response().write(b"lamp")), 4)


if __name__ == "__main__":
    unittest.main()
