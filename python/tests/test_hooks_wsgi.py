import io
import sys
import unittest
import wsgiref.handlers
import wsgiref.util

from hooks_support import HookCase
from lumigo_opentelemetry import _tracing, _wsgi

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TEXT = [("Content-Type", "text/plain")]


class Closing:
    """An iterable that tells what is done to it."""

    def __init__(self, *parts):
        self.parts, self.calls = iter(parts), []

    def __iter__(self):
        self.calls.append("iter")
        return self

    def __next__(self):
        part = next(self.parts)
        if isinstance(part, Exception):
            raise part
        return part

    def close(self):
        self.calls.append("close")


class Wrapper(wsgiref.util.FileWrapper):
    pass


def environ(method="GET", path="/a", body=b"", **more):
    made = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "SERVER_NAME": "here", "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body),
        "wsgi.file_wrapper": Wrapper, "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body) or ""),
    }  # fmt: skip
    made.update(more)
    return made


def serve(app, env):
    """What a server gets to see of an application."""
    seen = {"written": []}

    def start_response(status, headers, exc_info=None):
        seen.update(status=status, headers=headers, exc_info=exc_info)
        return seen["written"].append

    try:
        result = app(env, start_response)
        seen["result"] = result
        try:
            seen["body"] = b"".join(result)
        finally:
            if hasattr(result, "close"):
                result.close()
    except Exception as error:
        seen["error"] = repr(error)
    return seen


def answer(result, status="200 OK", headers=TEXT):
    def app(environ, start_response):
        start_response(status, headers)
        return result() if callable(result) else result

    return app


class Transparency(HookCase):
    """With and without a span around it, an application looks the same to its server."""

    def test_results(self):
        def raising():
            yield b"one"
            raise RuntimeError("midway")

        def refuse(environ, start_response):
            raise ValueError("early")

        def write(environ, start_response):
            start_response("200 OK", TEXT)(b"written")
            return [b"returned"]

        def late(environ, start_response):
            start_response("200 OK", TEXT)
            yield b"late"

        def again(environ, start_response):
            start_response("200 OK", TEXT)
            try:
                raise KeyError("x")
            except KeyError:
                start_response("500 Oops", TEXT, sys.exc_info())
            return [b"replaced"]

        def keywords(environ, start_response):
            start_response(status="200 OK", headers=TEXT)
            return [b"x"]

        rows = [
            ("a list", answer([b"a", b"b"]), 200),
            ("a tuple", answer((b"a",)), 200),
            ("nothing", answer([], "204 No Content", []), 204),
            ("a generator", answer(lambda: (part for part in (b"a", b"b"))), 200),
            ("an iterable with close", answer(lambda: Closing(b"a", b"b")), 200),
            ("an iterable that is no iterator", answer(lambda: type("Lazy", (), {"__iter__": lambda s: iter([b"l"])})()), 200),
            ("a generator that raises midway", answer(raising), 200),
            ("an exception before any answer", refuse, 500),
            ("write()", write, 200),
            ("start_response called while iterating", late, 200),
            ("start_response called again with exc_info", again, 500),
            ("start_response with keywords", keywords, 200),
            ("a file", answer(lambda: io.BytesIO(b"line\nline\n")), 200),
            ("the server's file wrapper", answer(lambda: Wrapper(io.BytesIO(b"file"))), 200),
        ]
        for name, app, status in rows:
            with self.subTest(name):
                plain = serve(app, environ())
                traced = serve(_wsgi.traced(app), environ())
                for seen in (plain, traced):
                    seen.pop("result", None)
                    seen["exc_info"] = bool(seen.get("exc_info"))
                self.assertEqual(traced, plain)
                self.assertEqual(self.one().get("http.response.status_code"), status)
            del _tracing._spans[:]

    def test_the_iterable_is_driven_as_before(self):
        for parts in ((b"a", b"b"), (b"a", OSError("gone"))):
            plain, traced = Closing(*parts), Closing(*parts)
            serve(answer(plain), environ())
            serve(_wsgi.traced(answer(traced)), environ())
            self.assertEqual(traced.calls, plain.calls)

    def test_what_servers_recognise_is_passed_on_itself(self):
        for result in ([b"a"], (b"a",), io.BytesIO(b"x"), Wrapper(io.BytesIO(b"x")), b"bytes"):
            seen = serve(_wsgi.traced(answer(result)), environ())
            self.assertIs(seen["result"], result)
        self.assertEqual(len(self.spans()), 5)

    def test_a_length_stays_and_none_is_added(self):
        class Sized(Closing):
            def __len__(self):
                return 1

        self.assertEqual(len(serve(_wsgi.traced(answer(Sized(b"a"))), environ())["result"]), 1)
        self.assertFalse(hasattr(serve(_wsgi.traced(answer(Closing(b"a"))), environ())["result"], "__len__"))

    def test_a_body_that_lies_in_a_list(self):
        class Listed:
            closed = 0

            def __iter__(self):
                return iter([b"a", b"b"])

            def close(self):
                self.closed += 1

        for read in (list, lambda body: [next(body), next(body)]):  # some servers do not ask for an iterator first
            listed = Listed()
            result = _wsgi.traced(answer(listed))(environ(), lambda *args: None)
            self.assertEqual(read(result), [b"a", b"b"])
            self.assertEqual(self.spans(), [])
            result.close()
            self.assertEqual((self.one().get("http.response.payload"), listed.closed), (b"ab", 1))
            del _tracing._spans[:]

    def test_nothing_is_read_or_made_ahead(self):
        made = []

        def parts():
            for number in range(3):
                made.append(number)
                yield b"x"

        result = _wsgi.traced(answer(parts))(environ(), lambda *args: None)
        self.assertEqual(made, [])
        next(iter(result))
        self.assertEqual(made, [0])
        result.close()
        self.assertEqual(self.one().get("http.response.payload"), b"x")


class Spans(HookCase):
    maxDiff = None

    def test_attributes(self):
        asked = {
            "SCRIPT_NAME": "/m", "QUERY_STRING": "q=1", "HTTP_HOST": "example.com:8080", "HTTP_USER_AGENT": "tester",
            "REMOTE_ADDR": "10.0.0.1", "REMOTE_PORT": "999", "HTTP_X_FORWARDED_FOR": "1.2.3.4, 5.6.7.8",
            "HTTP_TRACEPARENT": PARENT,
        }  # fmt: skip
        others = {"PATH": "/bin", "DATABASE_PASSWORD": "x", "wsgi.errors": sys.stderr, "mine": object()}
        env = environ("POST", "/shop/\xc3\xa9", b'{"a": 1}', **asked, **others)

        def app(environ, start_response):
            start_response("201 Created", TEXT)
            return [environ["wsgi.input"].read()]

        serve(_wsgi.traced(app), env)
        span = self.one()
        self.assertEqual(span.name, "POST")
        self.assertEqual(span.kind, _tracing.SERVER)
        self.assertEqual(span.trace_id.hex(), PARENT[3:35])
        self.assertEqual(span.parent_id.hex(), PARENT[36:52])
        self.assertEqual(
            span.attributes,
            {
                "wsgi.environ": {
                    "REQUEST_METHOD": "POST", "PATH_INFO": "/shop/\xc3\xa9", "SERVER_NAME": "here", "SERVER_PORT": "80",
                    "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http", "CONTENT_TYPE": "application/json",
                    "CONTENT_LENGTH": "8", **asked,
                },
                "http.request.payload": b'{"a": 1}', "http.response.payload": b'{"a": 1}',
                "http.response.headers": TEXT,
                "http.response.status_code": 201,
            },
        )  # fmt: skip

    def test_a_head_that_is_too_long_is_cut(self):
        class Text(str):
            pass

        for name, more, length in (
            ("one header", {"HTTP_LONG": "x" * 100000}, 2048),
            ("many headers", {"HTTP_%d" % number: "x" * 1000 for number in range(128)}, 1000),
            ("a kind of str", {"HTTP_TEXT": Text("x")}, 1),
        ):
            with self.subTest(name):
                serve(_wsgi.traced(answer([])), environ(**more, PATH_INFO="/a", REQUEST_METHOD="PUT"))
                seen = self.one().get("wsgi.environ")
                self.assertEqual((seen["REQUEST_METHOD"], seen["PATH_INFO"]), ("PUT", "/a"))
                self.assertEqual({len(seen[header]) for header in more}, {length})
            del _tracing._spans[:]

    def test_what_clients_make_up_is_not_remembered_for_ever(self):
        _wsgi._shapes.clear()
        for number in range(300):
            serve(_wsgi.traced(answer([])), environ(**{"HTTP_%d" % number: "x"}))
        serve(_wsgi.traced(answer([])), environ(**{"HTTP_" + "LONG" * 1000: "x"}))
        self.assertLessEqual(len(_wsgi._shapes), 256)
        self.assertLess(max(sum(map(len, keys)) for keys in _wsgi._shapes), 2048)

    def test_what_matters_most_comes_first(self):
        """A record that is larger than a frame is cut at its end."""
        env = environ(HTTP_FIRST="x")
        env["REMOTE_ADDR"] = "10.0.0.1"
        serve(_wsgi.traced(answer([])), env)
        keys = list(self.one().get("wsgi.environ"))
        self.assertEqual(keys[-1], "HTTP_FIRST")

    def test_filters_see_the_path(self):
        _tracing.configure({"filters": {"server": ["/shop/\xe9$"]}})
        serve(_wsgi.traced(answer([])), environ(path="/shop/\xc3\xa9"))
        serve(_wsgi.traced(answer([])), environ(path="/shop"))
        self.assertEqual(self.one().get("wsgi.environ")["PATH_INFO"], "/shop")

    def test_status_is_an_error_from_500_on(self):
        for code, status in ((200, 0), (404, 0), (499, 0), (500, 2), (503, 2)):
            serve(_wsgi.traced(answer([], "%d X" % code)), environ())
            span = self.spans()[-1]
            self.assertEqual((span.status, span.get("error.type")), (status, str(code) if status else None))

    def test_an_exception_is_recorded(self):
        def app(environ, start_response):
            raise ZeroDivisionError("x")

        serve(_wsgi.traced(app), environ())
        span = self.one()
        self.assertEqual(span.exceptions, ["ZeroDivisionError"])
        self.assertEqual((span.get("error.type"), span.status), ("ZeroDivisionError", 2))

    def test_a_method_of_the_clients_invention(self):
        serve(_wsgi.traced(answer([])), environ("BREW"))
        span = self.one()
        self.assertEqual((span.name, span.get("wsgi.environ")["REQUEST_METHOD"]), ("HTTP", "BREW"))

    def test_the_span_is_current_while_the_body_is_made_and_closed(self):
        current = []

        class Body(Closing):
            def __next__(self):
                current.append(_tracing.current_span())
                return super().__next__()

            def close(self):
                current.append(_tracing.current_span())

        serve(_wsgi.traced(answer(Body(b"a"))), environ())
        self.assertEqual([span.span_id for span in current], [self.one().span_id] * 3)
        self.assertIsNone(_tracing.current_span())

    def test_one_request_one_span(self):
        app = answer([b"x"])
        twice = _wsgi.traced(lambda e, s: _wsgi.Application(app)(e, s))
        copied = _wsgi.traced(lambda e, s: _wsgi.Application(app)(dict(e), s))
        shifted = _wsgi.traced(lambda e, s: _wsgi.Application(app)(dict(e, SCRIPT_NAME="/a", PATH_INFO=""), s))
        stripped = _wsgi.traced(lambda e, s: _wsgi.Application(app)(dict(e, PATH_INFO="/other"), s))
        rebuilt = _wsgi.traced(lambda e, s: _wsgi.Application(app)(environ(), s))
        for count, stack in enumerate((twice, copied, shifted, stripped, rebuilt), 1):
            serve(stack, environ())
            self.assertEqual(len(self.spans()), count)

    def test_a_request_made_while_serving_another_has_its_own(self):
        serve(_wsgi.traced(lambda e, s: [serve(_wsgi.Application(answer([b"x"])), environ(path="/b"))["body"]]), environ())
        inner, outer = self.spans()
        self.assertEqual((inner.get("wsgi.environ")["PATH_INFO"], inner.parent_id), ("/b", outer.span_id))

    def test_disabled_and_suppressed(self):
        with _tracing.suppress():
            serve(_wsgi.traced(answer([b"x"])), environ())
        self.assertEqual(self.spans(), [])


class Bodies(HookCase):
    def body(self, reading, data=b"one\ntwo\nthree", **more):
        """The request's body as it is captured when an application reads it so."""
        del _tracing._spans[:]
        plain = environ("POST", body=data, **more)
        expected = reading(plain["wsgi.input"])
        got = []

        def app(env, start_response):
            start_response("200 OK", TEXT)
            got.append(reading(env["wsgi.input"]))
            return []

        serve(_wsgi.traced(app), environ("POST", body=data, **more))
        self.assertEqual(got, [expected])
        return self.one().get("http.request.payload")

    def test_what_is_captured_is_what_the_application_reads(self):
        everything = b"one\ntwo\nthree"
        for name, reading, captured in (
            ("read", lambda f: f.read(), everything),
            ("read a part", lambda f: f.read(5), b"one\nt"),
            ("readline", lambda f: f.readline(), b"one\n"),
            ("readlines", lambda f: f.readlines(), everything),
            ("iteration", lambda f: list(f), everything),
            ("next", lambda f: next(f), b"one\n"),
            ("readinto", lambda f: f.readinto(bytearray(4)), b"one\n"),
            ("read1", lambda f: f.read1(3), b"one"),
            ("buffered", lambda f: io.TextIOWrapper(io.BufferedReader(f)).read() and None, everything),
            ("with", lambda f: f.__enter__().read(), everything),
            ("its own methods", lambda f: f.getvalue(), b""),
            ("nothing", lambda f: None, b""),
        ):
            with self.subTest(name):
                self.assertEqual(self.body(reading), captured)

    def test_up_to_the_limit(self):
        self.assertEqual(self.body(lambda f: f.read(), b"x" * 5000), (b"x" * 4096, True))
        _tracing.configure({"capture": 0})
        self.assertIsNone(self.body(lambda f: f.read()))


class Servers(HookCase):
    def test_wsgiref(self):
        self.hook("wsgiref", wsgiref.handlers)
        out = io.BytesIO()
        handler = wsgiref.handlers.SimpleHandler(io.BytesIO(), out, io.StringIO(), environ())
        handler.run(answer([b"hello"]))
        self.assertIn(b"Content-Length: 5\r\n", out.getvalue())
        self.assertEqual(self.one().get("http.response.payload"), b"hello")


if __name__ == "__main__":
    unittest.main()
