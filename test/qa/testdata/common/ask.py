"""Asks a server that runs in this process, as its users would, and prints the answers."""

import http.client
import json
import os


# One that is kept alive as far as the server does: some servers cancel what they do when a connection is closed.
connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["QA_PORT"]), timeout=20)


def ask(method, path, body=None, **headers):
    if isinstance(body, dict):
        body = json.dumps(body).encode()
        headers.setdefault("Content_Type", "application/json")
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    kind, encoding = response.getheader("Content-Type", ""), response.getheader("Content-Encoding")
    text = response.read()
    if response.status >= 500:  # after which some servers close the connection without a word
        connection.close()
    shown = "(an error page)" if response.status >= 500 else len(text) if encoding else text
    print(method, path, response.status, kind.partition(";")[0], encoding, shown)
