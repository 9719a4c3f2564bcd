import asyncio
import sqlite3
import threading

from asgi import serving
from ask import ask
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, Router

done = []
finished = threading.Event()


def select():
    return sqlite3.connect(":memory:").execute("SELECT 1").fetchone()[0]


def user(request):
    return JSONResponse({"id": request.path_params["id"], "password": "hush", "one": select()})


async def create(request):
    return Response(await request.body(), status_code=201, media_type="application/json")


async def boom(request):
    raise ValueError("boom")


async def no(request):
    raise HTTPException(status_code=403)


async def parts(request):
    async def body():
        for _ in range(2):
            yield str(select())
            await asyncio.sleep(0)

    return StreamingResponse(body(), media_type="text/plain")


def work():
    done.append(select())
    finished.set()


async def later(request):
    return PlainTextResponse("later", background=BackgroundTask(work))


async def thing(request):
    return PlainTextResponse(request.path_params["name"])


app = Starlette()
app.router.routes.extend([
    Route("/users/{id:int}", user),
    Route("/users", create, methods=["POST"]),
    Route("/boom", boom),
    Route("/no", no),
    Route("/parts", parts),
    Route("/later", later),
    Mount("/inner", Router([Route("/things/{name}", thing)])),
])

with serving(app):
    ask("GET", "/users/7?token=hush")
    ask("POST", "/users", {"name": "ann", "password": "hush"})
    ask("GET", "/boom")
    ask("GET", "/no")
    ask("GET", "/nowhere")
    ask("DELETE", "/users/7")
    ask("GET", "/parts")
    ask("GET", "/later")
    finished.wait(10)
    ask("GET", "/inner/things/hat")
print(done)
