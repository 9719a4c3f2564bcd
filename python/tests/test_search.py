import unittest

from hooks_support import HookCase
from lumigo_opentelemetry import _search, _tracing


class Refused(Exception):
    status_code = 404


class Transport:
    def perform_request(self, method, url, headers=None, params=None, body=None):
        if url == "/missing":
            raise Refused(url)
        self.sent = headers
        self.suppressed = _tracing.suppressed()
        self.node()
        self.node()
        return {"found": True}

    def node(self):
        return "http://ann:hush@search:9200"


class Calls(HookCase):
    def setUp(self):
        super().setUp()
        _search.trace(Transport, "elasticsearch")
        _search.trace_choice(Transport, "node", lambda url: ("search", 9200, url))

    def test_names(self):
        for method, path, want in (
            ("GET", "/", ("info", None)),
            ("HEAD", "/", ("ping", None)),
            ("PUT", "/books", ("indices.create", "books")),
            ("DELETE", "/books", ("indices.delete", "books")),
            ("HEAD", "/books", ("indices.exists", "books")),
            ("PUT", "/books/_doc/1", ("index", "books")),
            ("POST", "/books/_doc", ("index", "books")),
            ("HEAD", "/books/_doc/1", ("exists", "books")),
            ("PUT", "/books/book/1", ("index", "books")),
            ("GET", "/books/book/1", ("get", "books")),
            ("PUT", "/books/_create/1", ("create", "books")),
            ("POST", "/books/_update/1", ("update", "books")),
            ("POST", "/books,films/_search", ("search", "books,films")),
            ("POST", "/_all/_search", ("search", "_all")),
            ("POST", "/_search", ("search", None)),
            ("POST", "/_search/scroll", ("scroll", None)),
            ("DELETE", "/_search/scroll", ("clear_scroll", None)),
            ("POST", "/_bulk", ("bulk", None)),
            ("POST", "/books/_delete_by_query", ("delete_by_query", "books")),
            ("POST", "/books/_refresh", ("indices.refresh", "books")),
            ("PUT", "/books/_mapping", ("indices.put_mapping", "books")),
            ("GET", "/_cluster/health", ("cluster.health", None)),
            ("GET", "/_cat/indices/books", ("cat.indices", None)),
            ("BREW", "/books", ("BREW", "books")),
        ):
            with self.subTest(method=method, path=path):
                self.assertEqual(_search.called(method, path), want)

    def test_a_call(self):
        transport, headers = Transport(), {"accept": "json"}
        answer = transport.perform_request("POST", "/books/_search?q=1", headers=headers, body={"query": {}})
        (span,) = self.spans()
        self.assertEqual(answer, {"found": True})
        self.assertEqual(span.name, "search books")
        self.assertEqual(span.get("url.full"), "http://ann:hush@search:9200/books/_search?q=1")
        self.assertEqual((span.get("server.address"), span.get("server.port")), ("search", 9200))
        self.assertEqual((span.get("db.request.body"), span.get("db.response.body")), ({"query": {}}, {"found": True}))
        self.assertTrue(transport.suppressed, "the HTTP below would have spans of its own")
        self.assertEqual(headers, {"accept": "json"}, "the application's own")
        self.assertEqual(transport.sent["traceparent"], "00-%s-%s-01" % (span.trace_id.hex(), span.span_id.hex()))

    def test_however_it_is_called(self):
        transport = Transport()
        transport.perform_request("GET", url="/books")
        transport.perform_request(method="GET", url="/books", headers={"traceparent": "theirs"})
        self.assertEqual(transport.sent, {"traceparent": "theirs"})
        transport.perform_request("GET", "/books", headers=[("kind", "x")])
        self.assertEqual(transport.sent, [("kind", "x")])
        self.assertEqual([span.name for span in self.spans()], ["indices.get books"] * 3)

    def test_a_refusal(self):
        with self.assertRaises(Refused):
            Transport().perform_request("GET", "/missing")
        (span,) = self.spans()
        self.assertEqual((span.get("error.type"), span.get("db.response.status_code")), ("404", "404"))
        self.assertEqual((span.status, span.exceptions), (_tracing.ERROR, ["test_search.Refused"]))


if __name__ == "__main__":
    unittest.main()
