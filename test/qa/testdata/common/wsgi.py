"""Serves a WSGI application by the standard library's server, in a thread, while the block runs."""

import contextlib
import os
import socketserver
import threading
import wsgiref.simple_server


class Server(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    daemon_threads = False  # so that closing the server waits for what it still does


class Handler(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *args):
        pass


@contextlib.contextmanager
def serving(app):
    server = wsgiref.simple_server.make_server("127.0.0.1", int(os.environ["QA_PORT"]), app, Server, Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
