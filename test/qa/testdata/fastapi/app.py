import asyncio
import sqlite3
import threading

import fastapi
from asgi import serving
from ask import ask
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import BaseModel

app = fastapi.FastAPI()
users = fastapi.APIRouter(prefix="/users")
inner = fastapi.FastAPI()
done = []
finished = threading.Event()


class User(BaseModel):
    name: str
    password: str


def select():
    return sqlite3.connect(":memory:").execute("SELECT 1").fetchone()[0]


def depends():
    return select()


@users.get("/{id}")
def user(id: int, one: int = fastapi.Depends(depends)):
    return {"id": id, "password": "hush", "one": one}


@users.post("", status_code=201)
async def create(user: User):
    return user


@app.get("/boom")
async def boom():
    raise ValueError("boom")


@app.get("/no")
async def no():
    raise fastapi.HTTPException(status_code=403)


@app.get("/parts")
async def parts():
    async def body():
        for _ in range(2):
            yield str(select())
            await asyncio.sleep(0)

    return StreamingResponse(body(), media_type="text/plain")


def work():
    done.append(select())
    finished.set()


@app.get("/later", response_class=PlainTextResponse)
async def later(tasks: fastapi.BackgroundTasks):
    tasks.add_task(work)
    return "later"


@app.middleware("http")
async def middleware(request, call_next):
    response = await call_next(request)
    response.headers["X-Middleware"] = "1"
    return response


@inner.get("/things/{name}")
async def thing(name: str):
    return name


@app.websocket("/echo")
async def echo(socket: fastapi.WebSocket):
    await socket.accept()
    await socket.close()


app.include_router(users)
app.mount("/inner", inner)

with serving(app):
    ask("GET", "/users/7?token=hush")
    ask("POST", "/users", {"name": "ann", "password": "hush"})
    ask("POST", "/users", {"name": "ann"})
    ask("GET", "/boom")
    ask("GET", "/no")
    ask("GET", "/nowhere")
    ask("DELETE", "/users/7")
    ask("GET", "/parts")
    ask("GET", "/later")
    finished.wait(10)
    ask("GET", "/inner/things/hat")
print(done)
