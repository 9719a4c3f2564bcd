import asyncio
import unittest

from hooks_support import HookCase
from lumigo_opentelemetry import _asgi, _http, _tracing

PARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}


def body(data=b"", more=False):
    return {"type": "http.response.body", "body": data, "more_body": more}


def scope(kind="http", path="/a", headers=(), **more):
    made = {
        "type": kind, "path": path, "query_string": b"", "headers": [(b"host", b"h:81")] + list(headers),
        "http_version": "1.1", "client": ("10.0.0.1", 999), "server": ("h", 81), "scheme": kind,
    }  # fmt: skip
    if kind == "http":
        made["method"] = "GET"
    made.update(more)
    return made


def serve(app, scope, *incoming):
    """What a server sees of an application: the messages it sent, and what it raised."""
    incoming, sent = list(incoming), []

    async def receive():
        return incoming.pop(0)

    async def send(message):
        sent.append(message)

    try:
        run(app(scope, receive, send))
    except (Exception, asyncio.CancelledError) as error:
        sent.append(repr(error))
    return sent


def run(coroutine):
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(coroutine)
    finally:
        loop.close()


def sending(*messages):
    async def app(scope, receive, send):
        for message in messages:
            if isinstance(message, BaseException):
                raise message
            await send(message)

    return app


class Transparency(HookCase):
    def test_headers_of_a_server_that_gives_an_iterator(self):
        seen = []

        async def app(scope, receive, send):
            seen.extend(scope["headers"])

        serve(_asgi.traced(app), dict(scope(), headers=iter([(b"host", b"h:81")])))
        self.assertEqual(seen, [(b"host", b"h:81")])
        self.assertEqual(self.one().get("http.request.headers"), seen)

    def test_messages_pass_in_both_directions_unchanged(self):
        async def echo(scope, receive, send):
            first = await receive()
            second = await receive()
            await send(START)
            await send(body(first["body"], True))
            await send(body(second["body"]))

        lazy = dict(START, headers=iter([(b"a", b"b")]))
        rows = [
            ("streaming", echo, [{"type": "http.request", "body": b"1"}, {"type": "http.request", "body": b"2"}]),
            ("an exception before any answer", sending(ValueError("x")), []),
            ("an exception midway", sending(START, body(b"1", True), ValueError("x")), []),
            ("cancelled", sending(START, asyncio.CancelledError()), []),
            ("headers from an iterator", sending(lazy, body()), []),
            ("a file sent by the server", sending(START, {"type": "http.response.pathsend", "path": "/x"}), []),
            ("no answer", sending(), []),
        ]
        for name, app, incoming in rows:
            with self.subTest(name):
                plain = serve(app, scope(), *incoming)
                self.assertEqual(serve(_asgi.traced(app), scope(), *incoming), plain)
                self.one()
            del _tracing._spans[:]
        self.assertEqual(list(lazy["headers"]), [(b"a", b"b")])

    def test_other_scopes_are_left_alone(self):
        async def app(scope, receive, send):
            self.assertIs(receive, given)
            self.assertIs(send, given)

        async def given(*args):
            pass

        run(_asgi.traced(app)({"type": "lifespan"}, given, given))
        self.assertEqual(self.spans(), [])


class Spans(HookCase):
    maxDiff = None

    def test_attributes(self):
        async def app(scope, receive, send):
            self.assertEqual(_http.serving().span, _tracing.current_span())
            data = (await receive())["body"]
            await send(START)
            await send(body(data))

        sent = scope(
            headers=[(b"traceparent", PARENT), (b"user-agent", b"t"), (b"content-type", b"text/x"), (b"content-length", b"2")],
            query_string=b"q=1",
        )
        serve(_asgi.traced(app), sent, {"type": "http.request", "body": b"hi"})
        span = self.one()
        self.assertEqual((span.name, span.kind, span.parent_id.hex()), ("GET", _tracing.SERVER, PARENT.decode()[36:52]))
        self.assertEqual(
            span.attributes,
            {
                "http.request.method": "GET", "url.path": "/a", "url.query": "q=1", "http.request.query_string": "q=1",
                "url.scheme": "http", "server.address": "h", "server.port": 81, "client.address": "10.0.0.1",
                "network.peer.address": "10.0.0.1", "network.peer.port": 999, "network.protocol.version": "1.1",
                "user_agent.original": "t", "http.request.headers": sent["headers"], "http.request.payload": b"hi",
                "http.response.status_code": 200, "http.response.headers": START["headers"], "http.response.payload": b"hi",
            },
        )  # fmt: skip

    def test_the_span_ends_with_the_response_not_with_what_runs_after_it(self):
        ended = []

        async def app(scope, receive, send):
            await send(START)
            await send(body(b"x"))
            ended.append(len(_tracing._spans))
            _tracing.start_span("background").end()

        serve(_asgi.traced(app), scope())
        self.assertEqual(ended, [1])
        request, background = self.spans()
        self.assertEqual(background.parent_id, request.span_id)

    def test_a_framework_that_answers_500_and_raises_then(self):
        serve(_asgi.traced(sending(dict(START, status=500), body(b"oops"), ValueError("x"))), scope())
        span = self.one()
        self.assertEqual((span.get("http.response.status_code"), span.exceptions, span.status), (500, ["ValueError"], 2))

    def test_a_group_of_one_exception_is_that_one(self):
        """As anyio makes them; until its version 4 they were no Exception."""
        for base in (Exception, BaseException):
            group = type("ExceptionGroup", (base,), {})
            for errors, expected in ([ValueError("x")], "ValueError"), ([ValueError("x"), OSError()], "ExceptionGroup"):
                with self.subTest(base=base, errors=errors):
                    error = group("x")
                    error.exceptions = errors
                    try:
                        serve(_asgi.traced(sending(error)), scope())
                    except group:
                        pass
                    span = self.spans()[-1]
                    self.assertEqual(span.get("error.type").rpartition(".")[2], expected)
                    self.assertEqual(span.get("http.response.status_code"), 500)

    def test_a_client_that_goes_away(self):
        serve(_asgi.traced(sending(asyncio.CancelledError())), scope())
        span = self.one()
        self.assertIn("CancelledError", span.get("error.type"))
        self.assertIsNone(span.get("http.response.status_code"))

    def test_a_websocket_has_a_span_for_its_handshake(self):
        rows = [
            ([{"type": "websocket.accept"}, {"type": "websocket.send", "text": "x"}, {"type": "websocket.close"}], 101),
            ([{"type": "websocket.close"}], 403),
            ([dict(START, type="websocket.http.response.start", status=401), {"type": "websocket.http.response.body"}], 401),
        ]
        for messages, status in rows:
            self.assertEqual(serve(_asgi.traced(sending(*messages)), scope("websocket")), messages)
            self.assertEqual(self.spans()[-1].get("http.response.status_code"), status)
        self.assertEqual(len(self.spans()), 3)

    def test_one_request_one_span(self):
        inner = _asgi.traced(sending(START, body()))

        async def copying(scope, receive, send):
            await inner(dict(scope, path="/mounted"), receive, send)

        async def in_a_task(scope, receive, send):
            await asyncio.ensure_future(inner(scope, receive, send))

        for count, app in enumerate((inner, copying, in_a_task), 1):
            serve(_asgi.traced(app), scope())
            self.assertEqual(len(self.spans()), count)


if __name__ == "__main__":
    unittest.main()
