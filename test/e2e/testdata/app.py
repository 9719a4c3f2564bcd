"""A program made of small steps, named by its arguments, done in their order.

    app.py sql get:/json request span

The other service is at $STUB.
"""

import os
import sys
import threading

STUB = os.environ.get("STUB")


def sql(text="SELECT 1"):
    import sqlite3

    connection = sqlite3.connect(":memory:")
    connection.execute(text).fetchall()
    connection.close()


def get(path="/"):
    from urllib.error import HTTPError
    from urllib.request import urlopen

    try:
        with urlopen(STUB + path) as response:
            response.read()
    except HTTPError as error:
        error.close()


def post(path="/"):
    from urllib.request import Request, urlopen

    body = b'{"user": "ada", "password": "hush"}'
    headers = {"Content-Type": "application/json", "Authorization": "Bearer hush", "X-Color": "green"}
    with urlopen(Request(STUB + path, body, headers)) as response:
        response.read()


def request(path="/"):
    """Serve one request, made by hand so that the caller is not traced; what it asked for is in $HEADERS."""
    import socket
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            sql()
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    caller = socket.create_connection(server.server_address)
    headers = os.environ.get("HEADERS", "")
    caller.sendall(("GET %s HTTP/1.0\r\n%s\r\n" % (path, headers and headers + "\r\n")).encode())
    while caller.recv(4096):
        pass
    caller.close()
    thread.join()
    server.server_close()


def spans(count="1"):
    import lumigo_opentelemetry

    @lumigo_opentelemetry.lumigo_wrapped
    def work(number, password=None):
        return {"number": number}

    for number in range(int(count)):
        work(number, password="hush")


def tags():
    """Execution tags: valid ones, and each kind of wrong one."""
    import lumigo_opentelemetry

    lumigo_opentelemetry.add_execution_tags({"single": "yes", "list": ["a", "b"], "empty": "", " ": "blank key"})
    lumigo_opentelemetry.add_execution_tags({})
    lumigo_opentelemetry.add_execution_tags("no dictionary")
    lumigo_opentelemetry.add_execution_tags({"single": "later"})


def programmatic():
    import lumigo_opentelemetry

    @lumigo_opentelemetry.lumigo_wrapped
    def work():
        lumigo_opentelemetry.create_programmatic_error("msg", "type")

    work()


def failing():
    import lumigo_opentelemetry

    @lumigo_opentelemetry.lumigo_wrapped
    def work():
        raise ValueError("no luck")

    try:
        work()
    except ValueError:
        print("the exception came through")


def manual(skip_export=None):
    """A span of the app's own, made with opentelemetry-api; its attribute SKIP_EXPORT as a Python literal."""
    from opentelemetry import trace

    with trace.get_tracer("mine").start_as_current_span("manual", attributes={"color": "green"}) as span:
        if skip_export is not None:
            span.set_attribute("SKIP_EXPORT", {"True": True, "False": False, "'true'": "true"}[skip_export])
        span.set_attribute("lumigo.execution_tags.order", "17")
        sql()


def flush():
    import lumigo_opentelemetry

    print("flushed: %s" % (lumigo_opentelemetry.tracer_provider is None or lumigo_opentelemetry.tracer_provider.force_flush()))


def providers():
    import lumigo_opentelemetry

    print("tracer_provider" if lumigo_opentelemetry.tracer_provider is not None else "none")


def twice():
    import lumigo_opentelemetry

    lumigo_opentelemetry.init()
    lumigo_opentelemetry.init()


def pause():
    """Go on when there is a line to read."""
    print("paused", flush=True)
    sys.stdin.readline()


def say(text):
    print(text, flush=True)


def sockets():
    key, _, path = os.environ["LUMIGO_ENGINE"].partition("@")
    print("socket %s %s" % (path, key), flush=True)


def fail():
    raise SystemExit(3)


if __name__ == "__main__":
    for step in sys.argv[1:]:
        name, _, argument = step.partition(":")
        globals()[name](*([argument] if argument else []))
    print("done")
