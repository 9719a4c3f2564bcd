"""Servers that stand in for others, on the port of the app."""

import contextlib
import http.server
import os
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass


@contextlib.contextmanager
def serving(handler):
    """The URL of a server whose requests the handler answers, while it runs."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["QA_PORT"])), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever).start()
    try:
        yield "http://127.0.0.1:%d" % server.server_port
    finally:
        server.shutdown()
        server.server_close()
