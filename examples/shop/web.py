"""The shop's front: a WSGI application.

    GET  /             what can be bought
    POST /checkout     {"item": name, "customer": name, "card": number} buys it

It asks the stock for prices, and hands orders over to the service for orders, if there is one; without
that, it takes the item from the stock itself.
"""

import json
import os
from http.client import HTTPConnection
from socketserver import ThreadingMixIn
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

STOCK = os.environ["STOCK_URL"]
ORDERS = os.environ.get("ORDERS_URL")


class Failed(Exception):
    """Another service has not done what it was asked for."""


def call(service, method, path, value=None):
    """Ask another service, and return its answer."""
    connection = HTTPConnection(urlsplit(service).netloc, timeout=10)
    try:
        body = None if value is None else json.dumps(value)
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
    finally:
        connection.close()
    if response.status >= 400:
        raise Failed("%s %s: %d %s" % (method, path, response.status, answer["error"]))
    return answer


def shop(environ, start_response):
    request = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    try:
        if request == ("GET", "/"):
            status, answer = "200 OK", call(STOCK, "GET", "/items")
        elif request == ("POST", "/checkout"):
            order = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
            status, answer = "201 Created", checkout(order)
        else:
            status, answer = "404 Not Found", {"error": "no such page"}
    except Failed as failure:
        status, answer = "502 Bad Gateway", {"error": str(failure)}
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]


def checkout(order):
    item = call(STOCK, "GET", "/items/" + order["item"])
    if ORDERS:
        return call(ORDERS, "POST", "/orders", dict(order, price=item["price"]))
    call(STOCK, "POST", "/reservations", {"item": order["item"]})
    return {"item": order["item"], "price": item["price"]}


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Handler(WSGIRequestHandler):
    def log_message(self, *args):
        pass


def main():
    server = make_server("127.0.0.1", int(os.environ.get("PORT", 8080)), shop, Server, Handler)
    print("web answers at http://127.0.0.1:%d" % server.server_port, flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
