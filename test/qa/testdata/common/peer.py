"""Another service, in this process so that its spans show whether the trace reached it."""

import gzip
import json

import standin


class Handler(standin.Handler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/redirect":
            return self.answer(302, b"", Location="/json")
        if self.path == "/missing":
            return self.answer(404, b"no such thing", **{"Content-Type": "text/plain"})
        if self.path == "/packed":
            body = gzip.compress(json.dumps({"left": 7}).encode())
            return self.answer(200, body, **{"Content-Type": "application/json", "Content-Encoding": "gzip"})
        if self.path == "/cut":
            self.send_response(200)
            self.send_header("Content-Length", "10")
            self.end_headers()
            self.wfile.write(b"half")
            self.close_connection = True
            return None
        return self.answer(200, b'{"user": "ada", "password": "hush"}', **{"Content-Type": "application/json"})

    def do_POST(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b""
            while True:
                size = int(self.rfile.readline(), 16)
                body += self.rfile.read(size)
                self.rfile.readline()
                if not size:
                    break
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(201, body, **{"Content-Type": self.headers.get("Content-Type", "text/plain")})

    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def peer():
    """Its URL, while it runs."""
    return standin.serving(Handler)
