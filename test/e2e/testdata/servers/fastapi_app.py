import common
from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

app = FastAPI()


@app.get("/")
async def index():
    return "hello"


@app.get("/orders/{number}")
async def order(number: str):
    return await run_in_threadpool(common.order, number)


@app.get("/wait/{number}")
def wait(number: str):
    return common.wait(number)


@app.get("/stream/{count}")
async def stream(count: int):
    return StreamingResponse(("line %d\n" % n for n in range(count)), media_type="text/plain")


@app.post("/echo")
async def echo(request: Request):
    return Response(await request.body(), media_type=request.headers.get("content-type"))


@app.get("/boom")
async def boom():
    raise ValueError("no luck")
