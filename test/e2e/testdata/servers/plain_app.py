"""WSGI without any framework."""

import json

import common


def application(environ, start_response):
    path = environ["PATH_INFO"]
    status, kind = "200 OK", "text/plain"
    if path == "/":
        body = [b"hello"]
    elif path.startswith("/orders/"):
        kind = "application/json"
        body = [json.dumps(common.order(path[len("/orders/"):])).encode()]
    elif path.startswith("/stream/"):
        body = (b"line %d\n" % n for n in range(int(path[len("/stream/"):])))
    elif path == "/echo":
        body = [environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))]
    elif path == "/boom":
        raise ValueError("no luck")
    else:
        status, body = "404 Not Found", [b"nothing here"]
    start_response(status, [("Content-Type", kind)])
    return body


class Service:
    """The same as an object, as many frameworks have it."""

    def __call__(self, environ, start_response):
        return application(environ, start_response)


service = Service()

if __name__ == "__main__":
    import sys
    from wsgiref.simple_server import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log_message(self, *args):
            pass

    make_server("127.0.0.1", int(sys.argv[1]), application, handler_class=Quiet).serve_forever()
