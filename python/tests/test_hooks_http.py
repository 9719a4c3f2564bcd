"""http.client against http.server, each with its hook: a request is one client span and, below it, one server span."""

import gzip
import http.client
import http.server
import io
import threading
import time
import unittest
import urllib.request

from hooks_support import HookCase
from lumigo_opentelemetry import _tracing
from lumigo_opentelemetry.hooks import http_clients

CHUNKS = (b"one\n", b"two\n", b"three" * 9)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path, headers, data = self.path.partition("?")[0], [], b'{"ok": true}\nline'
        status = int(path[1:]) if path[1:].isdigit() else 200
        if path == "/redirect":
            status, headers, data = 302, [("Location", "/end")], b""
        elif path == "/gzip":
            headers, data = [("Content-Encoding", "gzip")], gzip.compress(b"plain")
        elif path == "/image":
            headers, data = [("Content-Type", "image/png")], b"\x89PNG"
        elif path == "/close":
            headers = [("Connection", "close")]
        elif path == "/echo":
            data = self.received()
        elif path == "/headers":
            data = repr(sorted(name.lower() for name in self.headers)).encode()
        elif path == "/short":
            headers, self.close_connection = [("Content-Length", "99")], True
        elif path == "/long":
            data = b"x" * 5000
        elif path == "/raise":
            raise ArithmeticError("x")
        elif path == "/drop":
            self.close_connection = True
            return
        self.send_response(status)
        if path in ("/chunked", "/endless", "/broken"):
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for chunk in CHUNKS:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            if path == "/chunked":
                self.wfile.write(b"0\r\n\r\n")
            else:
                self.wfile.write(b"" if path == "/endless" else b"9\r\nmore")
                self.close_connection = True
            return
        for header in headers or [("Content-Type", "application/json")]:
            self.send_header(*header)
        if status in (204, 304):
            data = b""
        elif path != "/short":
            self.send_header("Content-Length", str(len(data)))
        if path in ("/together", "/long"):
            self._headers_buffer += [b"\r\n", data]
            self.flush_headers()
            return
        self.end_headers()
        if path == "/apart":
            self.server.go_on.wait(5)
        if self.command != "HEAD":
            self.wfile.write(data)

    do_HEAD = do_POST = do_GET
    left = []  # the files of a handler when it is done

    def finish(self):
        self.left[:] = [self.rfile, self.wfile]
        super().finish()

    def received(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        data = b""
        while True:
            size = int(self.rfile.readline(), 16)
            chunk = self.rfile.read(size + 2)[:-2]
            if not size:
                return data
            data += chunk

    def log_message(self, *args):
        pass


class Server(http.server.HTTPServer):
    def handle_error(self, request, client_address):
        pass


class HTTPCase(HookCase):
    def setUp(self):
        super().setUp()
        del Handler.left[:]
        self.hook("http_client", http.client)
        self.hook("http_server", http.server)
        self.server = server = Server(("127.0.0.1", 0), Handler)
        server.go_on = threading.Event()
        self.addCleanup(server.go_on.set)
        self.address = server.server_address
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        self.connection = http.client.HTTPConnection(*self.address, timeout=5)
        self.addCleanup(self.connection.close)

    def url(self, path):
        return "http://%s:%d%s" % (self.address + (path,))

    def ask(self, path, method="GET", body=None, headers=None, read=lambda response: response.read()):
        self.connection.request(method, path, body, headers or {})
        response = self.connection.getresponse()
        return response.status, read(response)

    def spans(self, kind=_tracing.CLIENT, count=1):
        """The server's may still be on its way when the client has its answer."""
        deadline = time.monotonic() + 5
        while True:
            found = [span for span in super().spans() if span.kind == kind]
            if len(found) >= count or time.monotonic() > deadline:
                return found
            time.sleep(0.001)


def pieces(reading):
    def read(response):
        made = []
        while True:
            piece = reading(response)
            if not piece:
                return b"".join(made)
            made.append(bytes(piece))

    return read


def into(response):
    buffer = bytearray(5)
    return buffer[: response.readinto(buffer)]


READINGS = [
    ("read", lambda response: response.read()),
    ("read some", pieces(lambda response: response.read(5))),
    ("read1", pieces(lambda response: response.read1(5))),
    ("readinto", pieces(into)),
    ("readline", pieces(lambda response: response.readline())),
    ("readlines", lambda response: b"".join(response.readlines())),
    ("iteration", lambda response: b"".join(response)),
    ("peek first", lambda response: response.peek(2)[:0] + response.read()),
    ("buffered", lambda response: io.BufferedReader(response).read()),
]


class Client(HTTPCase):
    maxDiff = None

    def test_attributes(self):
        self.ask("/echo?q=1", "POST", '{"a": 1}', {"User-Agent": "t", "Content-Type": "application/json"})
        span, server = self.spans()[0], self.spans(_tracing.SERVER)[0]
        self.assertEqual((server.trace_id, server.parent_id), (span.trace_id, span.span_id))
        head, *where = span.attributes.pop("http.client.head")
        self.assertEqual(
            head,
            b"POST /echo?q=1 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept-Encoding: identity\r\nContent-Length: 8\r\n"
            b"User-Agent: t\r\nContent-Type: application/json" % self.address[1],
        )
        self.assertEqual(where, ["127.0.0.1", self.address[1], 80])
        self.assertEqual(dict(span.attributes.pop("http.response.headers"))["Content-Type"], "application/json")
        self.assertEqual(
            (span.name, span.attributes),
            (
                "POST",
                {
                    "http.response.status_code": 200,
                    "network.protocol.version": "1.1", "http.request.payload": b'{"a": 1}', "http.response.payload": b'{"a": 1}',
                },
            ),
        )  # fmt: skip

    def test_the_body_is_captured_whichever_way_it_is_read(self):
        whole = b'{"ok": true}\nline'
        for path, expected in (("/", whole), ("/together", whole), ("/close", whole), ("/chunked", b"".join(CHUNKS))):
            for name, reading in READINGS:
                with self.subTest(path=path, reading=name):
                    self.connection.close()
                    del _tracing._spans[:]
                    self.assertEqual(self.ask(path, read=reading)[1], expected)
                    self.connection.close()
                    span = self.spans()[0]
                    self.assertEqual((span.get("http.response.payload"), span.get("error.type")), (expected, None))

    def test_a_body_is_captured_as_it_is_sent(self):
        class File(io.BytesIO):
            reads = 0

            def read(self, *args):
                self.reads += 1
                return super().read(*args)

        for name, sent in (("bytes", b"abc"), ("str", "abc"), ("an iterator", iter([b"a", b"bc"])), ("a file", File(b"abc"))):
            with self.subTest(name):
                self.assertEqual(self.ask("/echo", "POST", sent, {"Content-Type": "text/plain"}), (200, b"abc"))
                self.assertEqual(self.spans()[0].get("http.request.payload"), b"abc")
                self.assertEqual(getattr(sent, "reads", 2), 2)
            del _tracing._spans[:]

    def test_what_is_kept_of_a_body(self):
        packed = self.ask("/gzip")[1]
        self.assertEqual(self.one_client().get("http.response.payload"), packed)
        self.ask("/echo", "POST", b"x" * 5000)
        long = self.spans(count=2)[1]
        self.assertEqual(long.get("http.request.payload"), (b"x" * 4096, True))
        self.assertEqual(long.get("http.response.payload"), (b"x" * 4096, True))
        self.ask("/echo", "POST", iter([b"x" * 3000, b"y" * 3000]))
        chunked = self.spans(count=3)[2]
        sent, cut = chunked.get("http.request.payload")
        self.assertEqual((sent.strip(b"y"), cut), (b"x" * 3000, True))

    def test_statuses(self):
        for status, failed in ((200, None), (204, None), (304, None), (404, "404"), (503, "503")):
            self.ask("/%d" % status)
            span = self.spans()[-1]
            self.assertEqual((span.get("http.response.status_code"), span.get("error.type")), (status, failed))
            self.assertEqual(span.status, 2 if failed else 0)
        self.ask("/", "HEAD")
        self.assertEqual(len(self.spans()), 6)

    def test_each_hop_of_a_redirection_has_its_span(self):
        self.assertEqual(urllib.request.urlopen(self.url("/redirect")).read()[:5], b'{"ok"')
        self.assertEqual([span.get("http.response.status_code") for span in self.spans(count=2)], [302, 200])

    def test_failures(self):
        with self.assertRaises(http.client.RemoteDisconnected):
            self.ask("/drop")
        with self.assertRaises(OSError):
            http.client.HTTPConnection("127.0.0.1", 1, timeout=1).request("GET", "/")
        dropped, refused = self.spans(count=2)
        self.assertEqual(dropped.exceptions, ["http.client.RemoteDisconnected"])
        self.assertEqual((refused.get("error.type"), refused.status), ("ConnectionRefusedError", 2))

    def test_an_answer_that_is_cut_short(self):
        """Reading by parts, http.client says nothing of it."""
        came = {"/short": b'{"ok": true}\nline', "/endless": b"".join(CHUNKS), "/broken": b"".join(CHUNKS) + b"more"}
        for path in came:
            for name, reading in READINGS:
                with self.subTest(path=path, reading=name):
                    del _tracing._spans[:]
                    try:
                        self.ask(path, read=reading)
                    except http.client.IncompleteRead:
                        pass
                    self.connection.close()
                    span = self.spans()[0]
                    self.assertEqual((span.get("error.type"), span.status), ("http.client.IncompleteRead", 2))
                    self.assertEqual(span.get("http.response.payload"), came[path])

    def test_a_question_that_fails_is_none(self):
        """urllib3 1 asks first as it would have to on Python 2."""
        self.connection.request("GET", "/")
        with self.assertRaises(TypeError):
            self.connection.getresponse(buffering=True)
        self.connection.getresponse().read()
        span = self.one_client()
        self.assertEqual((span.get("http.response.status_code"), span.status), (200, 0))

    def test_a_body_that_comes_with_its_head(self):
        """Its span need not wait for anybody to read it."""
        for path, kept in (("/together", b'{"ok": true}\nline'), ("/long", (b"x" * 4096, True))):
            del _tracing._spans[:]
            self.connection.request("GET", path)
            response = self.connection.getresponse()
            span = self.one_client()
            self.assertEqual((span.get("http.response.payload"), span.get("http.response.status_code")), (kept, 200))
            self.assertEqual(len(response.read()), int(response.headers["Content-Length"]))
            self.one_client()

    def test_a_body_that_comes_later_is_not_waited_for(self):
        self.server.go_on.clear()
        self.connection.request("GET", "/apart")
        response = self.connection.getresponse()
        self.assertEqual(self.spans(count=0), [])
        self.server.go_on.set()
        body = response.read()
        self.assertEqual(self.one_client().get("http.response.payload"), body)

    def test_an_answer_that_is_not_read(self):
        self.connection.request("GET", "/chunked")
        response = self.connection.getresponse()
        self.assertEqual(self.spans(count=0), [])
        answered = time.time_ns()
        response.close()
        span = self.one_client()
        self.assertIsNone(span.get("http.response.payload"))
        self.assertLessEqual(span.end, answered)

    def test_an_answer_that_is_not_asked_for(self):
        self.connection.request("GET", "/")
        self.connection.close()
        self.assertIsNone(self.one_client().get("http.response.status_code"))

    def test_an_answer_goes_to_no_earlier_request(self):
        for quiet in (False, True):
            self.connection.request("GET", "/")
            self.connection._HTTPConnection__state = http.client._CS_IDLE  # as after an error that the app ignores
            self.connection.sock.close()
            self.connection.sock = None
            if quiet:
                with _tracing.suppress():
                    self.ask("/404")
            else:
                self.ask("/404")
        statuses = [span.get("http.response.status_code") for span in self.spans(count=3)]
        self.assertEqual(statuses, [None, 404, None])

    def one_client(self):
        spans = self.spans()
        self.assertEqual(len(spans), 1)
        return spans[0]

    def test_when_headers_are_added(self):
        theirs = {"TraceParent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
        for headers, added in (
            ({}, True),
            (theirs, True),
            ({"X-Amz-Content-Sha256": "x"}, False),
            ({"Authorization": "AWS4-HMAC-SHA256 Credential=x"}, False),
            ({"Authorization": "Bearer x"}, True),
        ):
            seen = self.ask("/headers", headers=headers)[1]
            self.assertEqual(seen.count(b"traceparent"), int(added), headers)
        with _tracing.suppress():
            self.assertNotIn(b"traceparent", self.ask("/headers")[1])
        self.assertEqual(len(self.spans()), 5)

    def test_metadata_services_are_left_alone(self):
        connection = http.client.HTTPConnection("169.254.169.254")
        connection.sock = FakeSocket()
        connection.request("GET", "/latest")
        connection = http.client.HTTPConnection("proxy.test", 3128)
        connection.sock = FakeSocket()
        connection.request("GET", "http://user@169.254.169.254:80/latest")
        self.assertNotIn(b"traceparent", connection.sock.sent)
        self.assertEqual(self.spans(count=0), [])

    def test_filters_see_the_url(self):
        _tracing.configure({"filters": {"client": ["^http://127.0.0.1:%d/echo$" % self.address[1]]}})
        self.ask("/echo")
        self.ask("/echo?q=1")
        self.ask("/")
        connection = http.client.HTTPConnection("proxy.test", 3128)
        connection.sock = FakeSocket(b"HTTP/1.1 200 OK\r\n\r\n")
        connection.request("GET", self.url("/echo"))
        connection.getresponse().read()
        self.assertEqual([span.get("http.client.head")[0].split(b" ")[1] for span in self.spans(count=2)], [b"/echo?q=1", b"/"])

    def test_through_a_proxy(self):
        connection = http.client.HTTPConnection("proxy.test", 3128)
        connection.sock = FakeSocket(b"HTTP/1.1 200 OK\r\n\r\n")
        connection.request("GET", "http://user:pass@target.test/x")
        connection.getresponse().read()
        span = self.one_client()
        head, *where = span.get("http.client.head")
        self.assertEqual((head.split(b" ")[1], where), (b"http://user:pass@target.test/x", ["proxy.test", 3128, 80]))

        connection = http.client.HTTPConnection("proxy.test", 3128)
        connection.set_tunnel("target.test", 8443)
        connection._create_connection = lambda *args: FakeSocket(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
        connection.request("POST", "/x", b"body", {"Content-Type": "text/plain"})
        connection.close()
        span = self.spans(count=2)[1]
        head, *where = span.get("http.client.head")
        self.assertEqual((head.split(b" ")[1], where), (b"/x", ["target.test", 8443, 80]))
        self.assertEqual(span.get("http.request.payload"), b"body")

    def test_a_subclass_keeps_its_ways(self):
        class Connection(http.client.HTTPConnection):
            def _send_output(self, message_body=None, *args, **kwargs):  # head and body at once, as botocore does
                self._buffer.extend((b"", b""))
                message = b"\r\n".join(self._buffer) + (message_body or b"")
                del self._buffer[:]
                self.send(message)

        connection = Connection(*self.address)
        connection.request("POST", "/echo", b"both", {"Content-Type": "text/plain"})
        self.assertEqual(connection.getresponse().read(), b"both")
        connection.close()
        self.assertEqual(self.one_client().get("http.request.payload"), b"both")

    def test_a_library_that_is_disabled(self):
        class Session:
            def send(self, url):
                return urllib.request.urlopen(url).read()

        module = type(http)("requests.sessions")
        module.Session = Session
        _tracing.configure({"disabled": ["requests"]})
        http_clients.install(module)
        Session().send(self.url("/"))
        self.assertEqual(self.spans(count=0), [])


class FakeSocket:
    def __init__(self, answer=b""):
        self.answer, self.sent = io.BytesIO(answer), b""

    def sendall(self, data):
        self.sent += data

    def makefile(self, *args):
        return io.BufferedReader(io.BytesIO(self.answer.read()))

    def setsockopt(self, *args):
        pass

    def close(self):
        pass


class ServerSide(HTTPCase):
    def test_attributes(self):
        self.ask("/echo?q=1", "POST", b"x=1", {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "t"})
        span = self.spans(_tracing.SERVER)[0]
        self.assertEqual(span.name, "POST")
        for name, value in (
            ("url.path", "/echo"), ("url.query", "q=1"), ("http.response.status_code", 200), ("server.port", self.address[1]),
            ("http.request.payload", b"x=1"), ("http.response.payload", b"x=1"), ("user_agent.original", "t"),
            ("network.protocol.version", "1.1"), ("client.address", "127.0.0.1"),
        ):  # fmt: skip
            self.assertEqual(span.get(name), value, name)

    def test_a_connection_that_is_kept_has_a_span_for_each_request(self):
        for _ in range(3):
            self.ask("/")
        spans = self.spans(_tracing.SERVER, 3)
        self.assertEqual(len({span.span_id for span in spans}), 3)

    def test_the_handler_has_its_own_files_again_after_a_request(self):
        for _ in range(2):
            self.assertEqual(self.ask("/echo", "POST", b"x", {"Content-Type": "text/plain"}), (200, b"x"))
        self.connection.close()
        self.spans(_tracing.SERVER, 2)
        deadline = time.monotonic() + 5
        while not Handler.left and time.monotonic() < deadline:
            time.sleep(0.001)
        for file in Handler.left:
            self.assertFalse(type(file).__module__.startswith("lumigo"), file)

    def test_an_exception(self):
        with self.assertRaises(http.client.RemoteDisconnected):
            self.ask("/raise")
        self.assertEqual(self.spans(_tracing.SERVER)[0].exceptions, ["ArithmeticError"])


if __name__ == "__main__":
    unittest.main()
