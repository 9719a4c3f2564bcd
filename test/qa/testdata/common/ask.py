"""Asks a server that runs in this process, as its users would, and prints the answers."""

import http.client
import json
import os


def ask(method, path, body=None, **headers):
    if isinstance(body, dict):
        body = json.dumps(body).encode()
        headers.setdefault("Content_Type", "application/json")
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["QA_PORT"]), timeout=20)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    kind, encoding = response.getheader("Content-Type", ""), response.getheader("Content-Encoding")
    text = response.read()
    connection.close()
    shown = "(an error page)" if response.status >= 500 else len(text) if encoding else text
    print(method, path, response.status, kind.partition(";")[0], encoding, shown)
