import asyncio

import grpc.aio
from serve import serve
from service import Text, handlers, stub


async def write(request, context):
    await context.write(Text(written=1))


async def work(say):
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(handlers({"Write": ("unary_stream", write)}))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel("127.0.0.1:%d" % port) as channel:
        written = stub(channel, "unary_stream", "Write")(Text())
        say(await written.read())
        say(await written.read() == grpc.aio.EOF)
    await server.stop(None)


serve(lambda say: asyncio.run(work(say)))
