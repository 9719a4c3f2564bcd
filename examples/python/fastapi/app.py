"""The greeter with FastAPI. Needs: pip install fastapi uvicorn requests

    uvicorn --workers 2 app:app         (production)
    python app.py                       two requests in this process, then the end
"""

import os
import sqlite3

import requests
from fastapi import FastAPI, Request

app = FastAPI()


@app.get("/hello/{name}")
async def hello(name: str):
    connection = sqlite3.connect(":memory:")
    greeting = connection.execute("SELECT 'Hello, ' || ? || '!'", (name,)).fetchone()[0]
    connection.close()
    return {"greeting": greeting}


@app.get("/relay/{name}")
def relay(name: str, request: Request):  # not async: FastAPI runs it on a thread, and the trace follows
    """Ask another greeter ($UPSTREAM, by default this one) and pass its answer on."""
    upstream = os.environ.get("UPSTREAM", str(request.base_url).rstrip("/"))
    return {"relayed": requests.get(upstream + "/hello/" + name, timeout=5).json()}


def main():
    import socket
    import threading

    import uvicorn

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        for path in ("/hello/Ada", "/relay/Grace"):
            url = "http://127.0.0.1:%d%s" % (listener.getsockname()[1], path)
            print(path, "->", requests.get(url, timeout=5).json())
    finally:
        server.should_exit = True
        thread.join()


if __name__ == "__main__":
    main()
