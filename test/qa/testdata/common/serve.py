"""Has a request to a real HTTP server do the work of an app, so that what it does has a parent, and prints the answer."""

import contextlib
import http.server
import socket
import threading
import urllib.request


def serve(work):
    """work(say) does it; say(value) adds a line to the answer."""
    with _server(work) as port:
        print(urllib.request.urlopen("http://127.0.0.1:%d/" % port).read().decode(), end="")


def untraced(work):
    """Has work() done for a caller whose trace is not kept, as for what a library does otherwise in each version."""
    with _server(lambda say: work()) as port, socket.create_connection(("127.0.0.1", port)) as caller:
        caller.sendall(b"GET / HTTP/1.0\r\ntraceparent: 00-%s-%s-00\r\n\r\n" % (b"a" * 32, b"b" * 16))
        while caller.recv(4096):
            pass


@contextlib.contextmanager
def _server(work):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            lines = []
            work(lambda *values: lines.append(" ".join(map(repr, values))))
            body = ("\n".join(lines) + "\n").encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def raises(say, function, *args, **named):
    """What function raises, down to its text."""
    try:
        function(*args, **named)
    except Exception as error:
        say(type(error).__name__, str(error))
