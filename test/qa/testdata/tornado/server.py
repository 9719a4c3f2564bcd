import asyncio
import os
import threading

from ask import ask
from tornado import gen, web, websocket
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop

URL = "http://127.0.0.1:%s" % os.environ["QA_PORT"]


class User(web.RequestHandler):
    def get(self, id):
        self.write({"id": id, "password": "hush"})


class Users(web.RequestHandler):
    async def post(self):
        await asyncio.sleep(0)
        self.set_status(201)
        self.set_header("Content-Type", self.request.headers["Content-Type"])
        self.finish(self.request.body)


class Old(web.RequestHandler):
    @gen.coroutine
    def get(self, name=None):
        yield gen.sleep(0.001)
        response = yield AsyncHTTPClient().fetch(URL + "/users/8")
        self.write(name + " " + response.body.decode())


class Boom(web.RequestHandler):
    def get(self):
        raise ValueError("boom")


class No(web.RequestHandler):
    def get(self):
        raise web.HTTPError(403)


class Enough(web.RequestHandler):
    def get(self):
        self.write("enough")
        raise web.Finish()


class Parts(web.RequestHandler):
    async def get(self):
        self.set_header("Content-Type", "text/plain")
        for part in ("one ", "two"):
            self.write(part)
            await self.flush()


@web.stream_request_body
class Upload(web.RequestHandler):
    def prepare(self):
        self.size = 0

    def data_received(self, data):
        self.size += len(data)

    def put(self):
        self.write(str(self.size))


class Echo(websocket.WebSocketHandler):
    def on_message(self, message):
        self.write_message(message.upper())


class Talk(web.RequestHandler):
    async def get(self):
        socket = await websocket.websocket_connect(URL.replace("http", "ws") + "/echo")
        socket.write_message("hello")
        said = await socket.read_message()
        socket.close()
        await socket.read_message()  # so that the server has heard of it
        self.write(said)


routes = [
    (r"/users/([0-9]+)", User),
    (r"/users", Users),
    (r"/old/(?P<name>[a-z]+)", Old),
    (r"/boom", Boom),
    (r"/no", No),
    (r"/enough", Enough),
    (r"/parts", Parts),
    (r"/upload", Upload),
    (r"/echo", Echo),
    (r"/talk", Talk),
]

started = threading.Event()
loop = []


def run():
    asyncio.set_event_loop(asyncio.new_event_loop())
    server = HTTPServer(web.Application(routes, compress_response=True))
    server.listen(int(os.environ["QA_PORT"]), "127.0.0.1")
    loop.append(IOLoop.current())
    loop[0].add_callback(started.set)
    loop[0].start()
    server.stop()


thread = threading.Thread(target=run)
thread.start()
started.wait()
ask("GET", "/users/7?token=hush")
ask("POST", "/users", {"name": "ann", "password": "hush"})
ask("GET", "/old/hat")
ask("GET", "/boom")
ask("GET", "/no")
ask("GET", "/nowhere")
ask("PUT", "/users/7")
ask("GET", "/enough")
ask("GET", "/parts")
ask("GET", "/parts", Accept_Encoding="gzip")
ask("HEAD", "/users/7")
ask("PUT", "/upload", {"password": "hush"})
ask("GET", "/talk")
loop[0].add_callback(loop[0].stop)
thread.join()
