"""Runs gunicorn, as it is deployed, with workers of two kinds."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time

from ask import ask


def app(environ, start_response):
    one = sqlite3.connect(":memory:").execute("SELECT 1").fetchone()[0]
    if environ["PATH_INFO"] == "/boom":
        raise ValueError("boom")
    body = environ["wsgi.input"].read() or b'{"one": %d, "password": "hush"}' % one
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def answers():
    try:
        socket.create_connection(("127.0.0.1", int(os.environ["QA_PORT"]))).close()
        return True
    except OSError:
        return False


if __name__ == "__main__":
    for kind in "sync", "gthread":
        os.chdir(os.path.dirname(os.path.abspath(__file__)))
        command = [sys.executable, "-c", "from gunicorn.app.wsgiapp import run; run()", "app:app", "--workers", "1", "--worker-class", kind]
        command += ["--bind", "127.0.0.1:" + os.environ["QA_PORT"], "--log-level", "critical"]
        server = subprocess.Popen(command)
        while server.poll() is None and not answers():
            time.sleep(0.05)
        ask("GET", "/users/7?token=hush")
        ask("POST", "/users", {"name": "ann", "password": "hush"})
        ask("GET", "/boom")
        server.send_signal(signal.SIGTERM)
        print(server.wait())
