import asyncio

import opensearchpy
from opensearchpy import AsyncOpenSearch
from search import search
from serve import serve


async def talk(say, url):
    client = AsyncOpenSearch([url])
    say(asyncio.iscoroutinefunction(client.transport.perform_request))
    await client.indices.create(index="films")
    say((await client.index(index="films", id="1", body={"title": "M", "password": "hunter2"}))["result"])
    say(await asyncio.gather(*[found(client, key) for key in ("1", "2")]))
    await client.indices.delete(index="films")
    await client.close()


async def found(client, key):
    try:
        return (await client.get(index="films", id=key))["_source"]["title"]
    except opensearchpy.NotFoundError as error:
        return type(error).__name__


def work(say):
    with search() as url:
        asyncio.run(talk(say, url))


serve(work)
