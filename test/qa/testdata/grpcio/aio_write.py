import asyncio

import grpc.aio
from serve import serve
from service import Text, handlers, stub


async def fill(requests, context):
    count = 0
    async for _ in requests:
        count += 1
    return Text(count=count)


async def work(say):
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(handlers({"Fill": ("stream_unary", fill)}))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel("127.0.0.1:%d" % port) as channel:
        call = stub(channel, "stream_unary", "Fill")()
        for n in range(2):
            await asyncio.wait_for(call.write(Text(n=n)), 10)
        await call.done_writing()
        say(await call)
    await server.stop(None)


serve(lambda say: asyncio.run(work(say)))
