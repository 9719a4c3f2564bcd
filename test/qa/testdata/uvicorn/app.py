import sqlite3

from asgi import serving
from ask import ask


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if scope["path"] == "/boom":
        raise ValueError("boom")
    one = sqlite3.connect(":memory:").execute("SELECT 1").fetchone()[0]
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 201 if body else 200, "headers": headers})
    await send({"type": "http.response.body", "body": body or b'{"one": %d, ' % one, "more_body": True})
    await send({"type": "http.response.body", "body": b"" if body else b'"password": "hush"}'})


with serving(app):
    ask("GET", "/users/7?token=hush")
    ask("POST", "/users", {"name": "ann", "password": "hush"})
    ask("GET", "/boom")
