import asyncio

import elasticsearch
from elasticsearch import AsyncElasticsearch
from search import search
from serve import serve


async def talk(say, url):
    client = AsyncElasticsearch([url])
    say(asyncio.iscoroutinefunction(client.transport.perform_request))
    await client.indices.create(index="films")
    name = "body" if elasticsearch.__version__[0] < 8 else "document"
    say((await client.index(index="films", id="1", **{name: {"title": "M", "password": "hunter2"}}))["result"])
    say(await asyncio.gather(*[found(client, key) for key in ("1", "2")]))
    await client.indices.delete(index="films")
    await client.close()


async def found(client, key):
    try:
        return (await client.get(index="films", id=key))["_source"]["title"]
    except elasticsearch.NotFoundError as error:
        return type(error).__name__


def work(say):
    with search() as url:
        asyncio.run(talk(say, url))


serve(work)
