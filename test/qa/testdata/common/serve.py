"""Has a request to a real HTTP server do the work of an app, so that what it does has a parent, and prints the answer."""

import http.server
import threading
import urllib.request


def serve(work):
    """work(say) does it; say(value) adds a line to the answer."""

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
        print(urllib.request.urlopen("http://127.0.0.1:%d/" % server.server_port).read().decode(), end="")
    finally:
        server.shutdown()
        server.server_close()


def raises(say, function, *args, **named):
    """What function raises, down to its text."""
    try:
        function(*args, **named)
    except Exception as error:
        say(type(error).__name__, str(error))
