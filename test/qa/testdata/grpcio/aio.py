import asyncio

import grpc.aio
from serve import serve
from service import Text, handlers, stub


async def buy(request, context):
    if request.get("item") == "nothing":
        await context.abort(grpc.StatusCode.NOT_FOUND, "there is no such item")
    if request.get("item") == "bomb":
        raise ValueError("boom")
    await asyncio.sleep(0)
    return Text(bought=request["item"], password="hush")


async def offer(request, context):
    for n in range(3):
        yield Text(offer=n)


async def fill(requests, context):
    count = 0
    async for _ in requests:
        count += 1
    return Text(count=count)


async def talk(requests, context):
    async for request in requests:
        yield Text(echo=request["say"])


BEHAVIOURS = {
    "Buy": ("unary_unary", buy),
    "Offer": ("unary_stream", offer),
    "Fill": ("stream_unary", fill),
    "Talk": ("stream_stream", talk),
}


async def fails(say, call):
    try:
        await call
    except grpc.aio.AioRpcError as error:
        say(error.code().name, error.details())


async def work(say):
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(handlers(BEHAVIOURS))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel("127.0.0.1:%d" % port) as channel:
        await talk_to(say, channel)
    await server.stop(None)


async def talk_to(say, channel):
    buy = stub(channel, "unary_unary", "Buy")
    metadata = (("customer", "ann"),)
    say(await buy(Text(item="lamp"), metadata=metadata), metadata)
    call = buy(Text(item="desk"), timeout=30)
    say(await call, (await call.code()).name)
    say(await asyncio.gather(*[buy(Text(item=item)) for item in ("a",)]))
    await fails(say, buy(Text(item="nothing")))
    await fails(say, buy(Text(item="bomb")))
    offers = stub(channel, "unary_stream", "Offer")(Text(kind="all"))
    say([each async for each in offers], (await offers.code()).name)

    async def numbers():
        yield Text(n=0)
        yield Text(n=1)

    say(await stub(channel, "stream_unary", "Fill")(numbers()))

    async def requests():
        yield Text(say="a")
        yield Text(say="b")

    say([each async for each in stub(channel, "stream_stream", "Talk")(requests())])


serve(lambda say: asyncio.run(work(say)))
