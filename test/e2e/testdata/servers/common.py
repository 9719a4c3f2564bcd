"""What every app here does for an order: one SQL query and one call to another service."""

import json
import os
import sqlite3
from urllib.request import urlopen

STUB = os.environ["STUB"]


def order(number):
    connection = sqlite3.connect(":memory:")
    try:
        doubled = connection.execute("SELECT 2 * ?", (int(number),)).fetchone()[0]
    finally:
        connection.close()
    with urlopen("%s/stock/%s" % (STUB, number), timeout=30) as response:
        left = json.load(response)["left"]
    return {"number": number, "doubled": doubled, "left": left}


def wait(number):
    """Answers when the other service does, which may be never."""
    with urlopen("%s/wait/%s" % (STUB, number), timeout=60) as response:
        response.read()
    return {"number": number}


def crash():
    import ctypes

    ctypes.string_at(0)


def hog():
    """Take memory until somebody objects."""
    heap = []
    while True:
        heap.append(bytearray(os.urandom(1 << 20)))
