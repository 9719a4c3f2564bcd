import asyncio
import os

import valkey.asyncio
from serve import serve


async def talk(say):
    client = valkey.asyncio.Valkey(host="127.0.0.1", port=int(os.environ["QA_PORT"]), db=6)
    await client.flushdb()
    say(await client.set("greeting", "hello"))
    say(await asyncio.gather(client.get("greeting"), client.exists("never")))
    async with client.pipeline() as pipeline:
        say(await pipeline.get("greeting").incr("visits").execute())
    try:
        await client.lpush("greeting", 1)
    except valkey.ResponseError as error:
        say(str(error))
    await client.connection_pool.disconnect()


serve(lambda say: asyncio.run(talk(say)))
