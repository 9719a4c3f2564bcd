"""The greeter with Flask. Needs: pip install flask requests

    flask --app app run                 (development)
    gunicorn --workers 2 app:app        (production)
    python app.py                       two requests in this process, then the end
"""

import os
import sqlite3

import requests
from flask import Flask, jsonify, request

app = Flask(__name__)


@app.route("/hello/<name>")
def hello(name):
    connection = sqlite3.connect(":memory:")
    greeting = connection.execute("SELECT 'Hello, ' || ? || '!'", (name,)).fetchone()[0]
    connection.close()
    return jsonify(greeting=greeting)


@app.route("/relay/<name>")
def relay(name):
    """Ask another greeter ($UPSTREAM, by default this one) and pass its answer on."""
    upstream = os.environ.get("UPSTREAM", request.host_url.rstrip("/"))
    return jsonify(relayed=requests.get(upstream + "/hello/" + name, timeout=5).json())


def main():
    import logging
    import threading

    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        for path in ("/hello/Ada", "/relay/Grace"):
            print(path, "->", requests.get("http://127.0.0.1:%d%s" % (server.server_port, path), timeout=5).json())
    finally:
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    main()
