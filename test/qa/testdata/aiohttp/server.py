import asyncio
import gzip
import os
import threading

import aiohttp
from aiohttp import web
from ask import ask

routes = web.RouteTableDef()


@routes.get("/users/{id}")
async def user(request):
    return web.json_response({"id": request.match_info["id"], "password": "hush"})


@routes.post("/users")
async def create(request):
    return web.json_response(await request.json(), status=201)


@routes.put("/upload")
async def upload(request):
    return web.Response(text=" ".join([str(len(part)) async for part in request.content.iter_chunked(9)]))


@routes.view("/form")
class Form(web.View):
    async def post(self):
        form = await self.request.post()
        return web.Response(text=",".join(sorted(form)))


@routes.get("/boom")
async def boom(request):
    raise ValueError("boom")


@routes.get("/late")
async def late(request):
    raise asyncio.TimeoutError


@routes.get("/no")
async def no(request):
    raise web.HTTPForbidden(text="no")


@routes.get("/packed")
async def packed(request):
    response = web.json_response({"left": 7})
    response.enable_compression(web.ContentCoding.gzip)
    return response


@routes.get("/parts")
async def parts(request):
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    await response.prepare(request)
    for part in (b"one ", b"two"):
        await response.write(part)
        await asyncio.sleep(0)
    await response.write_eof()
    return response


@routes.get("/file")
async def file(request):
    return web.FileResponse(__file__, headers={"Content-Type": "application/python"})


@routes.get("/echo")
async def echo(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data.upper())
    return socket


@routes.get("/talk")
async def talk(request):
    """A websocket of aiohttp's own client, and a span of an inner request."""
    url = "http://127.0.0.1:%s" % os.environ["QA_PORT"]
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url + "/echo") as socket:
            await socket.send_str("hello")
            said = (await socket.receive()).data
        async with session.get(url + "/users/7") as response:
            return web.Response(text=said + " " + await response.text())


@web.middleware
async def middleware(request, handler):
    response = await handler(request)
    response.headers["X-Middleware"] = "1"
    return response


async def main(ready):
    app = web.Application(middlewares=[middleware])
    app.add_routes(routes)
    inner = web.Application()
    inner.router.add_get("/things/{name:[a-z]+}", user_of_things)
    app.add_subapp("/inner", inner)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ["QA_PORT"])).start()
    stop = asyncio.Event()
    ready(asyncio.get_event_loop(), stop)
    await stop.wait()
    await runner.cleanup()


async def user_of_things(request):
    return web.Response(text=request.match_info["name"])


def ask_all():
    ask("GET", "/users/7?token=hush")
    ask("POST", "/users", {"name": "ann", "password": "hush"})
    ask("POST", "/form", b"a=1&password=hush", Content_Type="application/x-www-form-urlencoded")
    ask("PUT", "/upload", gzip.compress(b'{"password": "hush"}'), Content_Type="text/json", Content_Encoding="gzip")
    ask("GET", "/inner/things/hat")
    ask("GET", "/boom")
    ask("GET", "/late")
    ask("GET", "/no")
    ask("GET", "/nowhere")
    ask("PUT", "/users/7")
    ask("GET", "/packed", Accept_Encoding="gzip")
    ask("GET", "/parts")
    ask("GET", "/file", Range="bytes=0-6")
    ask("GET", "/talk")


started = threading.Event()
server = []


def ready(*what):
    server.extend(what)
    started.set()


thread = threading.Thread(target=lambda: asyncio.run(main(ready)))
thread.start()
started.wait()
ask_all()
server[0].call_soon_threadsafe(server[1].set)
thread.join()
