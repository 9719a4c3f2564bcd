import asyncio

import elasticsearch
from elasticsearch import AsyncElasticsearch
from search import search
from serve import serve, untraced


async def talk(say):
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


loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
with search() as url:
    client = AsyncElasticsearch([url])
    untraced(lambda: loop.run_until_complete(client.info()))  # some versions ask first whether it is really Elasticsearch
    serve(lambda say: loop.run_until_complete(talk(say)))
