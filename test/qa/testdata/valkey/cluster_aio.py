import asyncio
import os

import valkey
from serve import serve
from valkey.asyncio.cluster import ValkeyCluster


async def talk(say):
    client = ValkeyCluster(host="127.0.0.1", port=int(os.environ["QA_PORT"]), cluster_error_retry_attempts=1)
    await client.flushall(target_nodes=ValkeyCluster.PRIMARIES)
    say(asyncio.iscoroutinefunction(client._execute_command))
    say(await client.set("bar", "first node"), await client.get("bar"))
    say(await client.set("user:password", "hunter2"))
    pipeline = client.pipeline()
    say(await pipeline.get("bar").incr("visits").execute())
    try:
        await client.lpush("bar", 1)
    except valkey.ResponseError as error:
        say(str(error))
    await (client.aclose() if hasattr(client, "aclose") else client.close())


serve(lambda say: asyncio.run(talk(say)))
