"""Stands in for Elasticsearch and OpenSearch: a few calls of their HTTP API, in the shapes of their answers."""

import json
import os
from urllib.parse import urlsplit

import standin

CLUSTER = {"name": "node", "cluster_name": "qa", "tagline": "You Know, for Search"}


class Handler(standin.Handler):
    protocol_version = "HTTP/1.1"
    indices = {}

    def answer(self, status, value=None):
        body = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do(self):
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        parts = urlsplit(self.path).path.strip("/").split("/")
        if parts == [""]:
            version = {"number": os.environ.get("SEARCH_VERSION", "7.17.0"), "build_flavor": "default"}
            return self.answer(200, dict(CLUSTER, version=version))
        if parts == ["_cluster", "health"]:
            return self.answer(200, {"cluster_name": "qa", "status": "green"})
        if parts[-1] == "_bulk":
            return self.bulk(parts[0], [json.loads(line) for line in text.splitlines()])
        index, name = parts[0], parts[1] if len(parts) > 1 else ""
        if not name:
            return self.index(index)
        if index not in self.indices:
            reason = {"type": "index_not_found_exception", "reason": "no such index [%s]" % index, "index": index}
            return self.answer(404, {"error": dict(reason, root_cause=[reason]), "status": 404})
        return getattr(self, name)(index, self.indices[index], parts[2:], text and json.loads(text))

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do

    def index(self, index):
        if self.command == "PUT":
            self.indices[index] = {}
            return self.answer(200, {"acknowledged": True, "shards_acknowledged": True, "index": index})
        if self.command == "DELETE":
            del self.indices[index]
            return self.answer(200, {"acknowledged": True})
        return self.answer(200 if index in self.indices else 404)

    def bulk(self, index, lines):
        items = []
        for action, document in zip(lines[::2], lines[1::2]):
            key = action["index"]["_id"]
            self.indices[index][key] = document
            items.append({"index": {"_index": index, "_id": key, "result": "created", "status": 201}})
        self.answer(200, {"took": 1, "errors": False, "items": items})

    def _doc(self, index, documents, rest, document):
        found = {"_index": index, "_id": rest[0], "_version": 1}
        if self.command == "PUT":
            documents[rest[0]] = document
            return self.answer(201, dict(found, result="created"))
        if rest[0] in documents:
            return self.answer(200, dict(found, found=True, _source=documents[rest[0]]))
        return self.answer(404, {"_index": index, "_id": rest[0], "found": False})

    def _refresh(self, index, documents, rest, body):
        self.answer(200, {"_shards": {"total": 1, "successful": 1, "failed": 0}})

    def _search(self, index, documents, rest, body):
        ((field, value),) = body["query"]["match"].items()
        hits = [
            {"_index": index, "_id": key, "_score": 1.0, "_source": each}
            for key, each in documents.items() if each.get(field) == value
        ]  # fmt: skip
        total = {"value": len(hits), "relation": "eq"}
        self.answer(200, {"took": 1, "timed_out": False, "hits": {"total": total, "max_score": 1.0, "hits": hits}})


def search():
    """Its URL, while it runs."""
    return standin.serving(Handler)
