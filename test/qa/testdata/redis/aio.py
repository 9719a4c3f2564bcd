import asyncio
import os

import redis.asyncio
from serve import serve


async def talk(say):
    client = redis.asyncio.Redis(host="127.0.0.1", port=int(os.environ["QA_PORT"]), db=4)
    await client.flushdb()
    say(asyncio.iscoroutinefunction(client.execute_command))
    never = client.set("never", "awaited")
    never.close()
    say(await client.set("greeting", "hello"))
    say(await asyncio.gather(client.get("greeting"), client.exists("never")))
    async with client.pipeline() as pipeline:
        say(await pipeline.get("greeting").incr("visits").execute())
    async with client.pipeline() as pipeline:
        await pipeline.watch("visits")
        visits = int(await pipeline.get("visits"))
        pipeline.multi()
        pipeline.set("visits", visits + 1)
        say(await pipeline.execute())
    try:
        await client.lpush("greeting", 1)
    except redis.ResponseError as error:
        say(str(error))
    await client.connection_pool.disconnect()


serve(lambda say: asyncio.run(talk(say)))
