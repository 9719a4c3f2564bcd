"""What the shop has in stock: an HTTP service over an SQLite database.

    GET  /items             what there is
    GET  /items/{name}      one of them, and what its buyers bought besides
    POST /reservations      {"item": name} takes one off the shelf

Two of its requests are worth a look in a trace. What buyers of pears bought besides takes long to find
out: there are many of them, and the query can use no index. And the last cherry is gone, so that
reserving one violates a constraint of the database, which nobody has thought of.
"""

import json
import os
import sqlite3
import tempfile
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ITEMS = [("apple", 0.5, 900), ("pear", 20, 500), ("cherry", 120, 0)]
SALES = [("apple", 30), ("pear", 2500), ("cherry", 10), ("bag", 2500)]


def prepare(database):
    connection = sqlite3.connect(database)
    with connection:
        connection.execute("CREATE TABLE items (name TEXT PRIMARY KEY, price REAL, shelf INTEGER CHECK (shelf >= 0))")
        connection.executemany("INSERT INTO items VALUES (?, ?, ?)", ITEMS)
        connection.execute("CREATE TABLE sales (item TEXT, buyer INTEGER)")
        for item, count in SALES:
            connection.executemany("INSERT INTO sales VALUES (?, ?)", ((item, buyer) for buyer in range(count)))
    connection.close()


class Stock(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    database = None  # set by main()

    def do_GET(self):
        self.answer(self.items if self.path == "/items" else self.item)

    def do_POST(self):
        self.answer(self.reserve)

    def items(self, connection):
        rows = connection.execute("SELECT name, price FROM items ORDER BY name").fetchall()
        return 200, [{"item": name, "price": price} for name, price in rows]

    def item(self, connection):
        name = self.path.rpartition("/")[2]
        row = connection.execute("SELECT price FROM items WHERE name = ?", (name,)).fetchone()
        if row is None:
            return 404, {"error": "no such item"}
        besides = connection.execute(
            "SELECT other.item, count(*) FROM sales, sales AS other"
            " WHERE sales.item = ? AND other.item <> sales.item AND abs(other.buyer - sales.buyer) < 1"
            " GROUP BY other.item",
            (name,),
        ).fetchall()
        return 200, {"item": name, "price": row[0], "besides": dict(besides)}

    def reserve(self, connection):
        item = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["item"]
        with connection:
            connection.execute("UPDATE items SET shelf = shelf - 1 WHERE name = ?", (item,))
        return 201, {"reserved": item}

    def answer(self, work):
        connection = sqlite3.connect(self.database)
        try:
            status, value = work(connection)
        except Exception as error:
            traceback.print_exc()
            status, value = 500, {"error": str(error)}
        finally:
            connection.close()
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def main():
    with tempfile.TemporaryDirectory() as directory:
        Stock.database = os.path.join(directory, "stock.db")
        prepare(Stock.database)
        server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", 8081))), Stock)
        print("stock answers at http://127.0.0.1:%d" % server.server_port, flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
