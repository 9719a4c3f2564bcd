"""A shop and its warehouse: two small HTTP services and a database, with the standard library alone.

    python3 app.py            place three orders, print the answers, end
    python3 app.py --serve    answer on port 8080 (or $PORT) until interrupted

An order takes this way, and a trace shows each step of it:

    customer ─ POST /orders ─► shop ─ SELECT price ─► SQLite
                                    ─ GET /stock/… ─► warehouse
                                    ─ INSERT order ─► SQLite
"""

import contextlib
import json
import os
import sqlite3
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.request import Request, urlopen

STOCK = {"apple": 7, "pear": 0}


class Service(BaseHTTPRequestHandler):
    """What both services share: JSON answers with a length, and no access log."""

    protocol_version = "HTTP/1.1"

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Warehouse(Service):
    def do_GET(self):
        item = self.path.rpartition("/")[2]
        self.answer(200, {"item": item, "left": STOCK.get(item, 0)})


class Shop(Service):
    database = warehouse = None  # set by main()

    def do_POST(self):
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        connection = sqlite3.connect(self.database)
        try:
            self.answer(*self.place(connection, order["item"], order["customer"]))
        finally:
            connection.close()

    def place(self, connection, item, customer):
        price = connection.execute("SELECT price FROM items WHERE name = ?", (item,)).fetchone()
        if price is None:
            return 404, {"error": "no such item"}
        with urlopen("%s/stock/%s" % (self.warehouse, item)) as response:
            if json.load(response)["left"] == 0:
                return 409, {"error": "out of stock"}
        with connection:
            connection.execute("INSERT INTO orders (item, customer) VALUES (?, ?)", (item, customer))
        return 201, {"item": item, "price": price[0]}


@contextlib.contextmanager
def serve(handler, port=0):
    """Run a service on threads and yield its URL; at the end, wait until every request is answered."""
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield "http://127.0.0.1:%d" % server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def order(shop, item):
    """What a customer does: post an order and read the answer, whatever it is."""
    body = json.dumps({"item": item, "customer": "Ada", "password": "swordfish"}).encode()
    request = Request(shop + "/orders", body, {"Content-Type": "application/json"})
    try:
        with urlopen(request) as response:
            return response.status, json.load(response)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def prepare(database):
    connection = sqlite3.connect(database)
    with connection:
        connection.execute("CREATE TABLE items (name TEXT PRIMARY KEY, price REAL)")
        connection.execute("CREATE TABLE orders (item TEXT, customer TEXT)")
        connection.executemany("INSERT INTO items VALUES (?, ?)", [("apple", 0.5), ("pear", 0.8)])
    connection.close()


def main():
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        Shop.database = os.path.join(directory, "shop.db")
        prepare(Shop.database)
        Shop.warehouse = stack.enter_context(serve(Warehouse))
        if "--serve" in sys.argv:
            shop = stack.enter_context(serve(Shop, int(os.environ.get("PORT", 8080))))
            print("the shop answers at", shop, flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                threading.Event().wait()
            return
        shop = stack.enter_context(serve(Shop))
        for item in ("apple", "pear", "cherry"):
            status, answer = order(shop, item)
            print("%-6s -> %d %s" % (item, status, json.dumps(answer)))


if __name__ == "__main__":
    main()
