import asyncio
import os
import socket

import aiohttp
from peer import peer
from serve import serve


async def told(say, doing):
    try:
        async with doing as response:
            say(response.status, await response.text())
    except Exception as error:
        say(type(error).__name__)


async def talk(say):
    traced = []
    trace = aiohttp.TraceConfig()

    async def ended(session, context, params):
        traced.append(params.response.status)

    trace.on_request_end.append(ended)
    mine = {"X-Mine": "1"}
    with peer() as url:
        async with aiohttp.ClientSession(trace_configs=[trace], headers=mine) as session:
            session.get(url + "/never").close()
            async with session.get(url + "/json", params={"token": "hush"}) as response:
                say(type(response) is aiohttp.ClientResponse, response.status, await response.json())
                say(await response.text())
            say(mine)
            async with session.post(url + "/", json={"name": "ann", "password": "hush"}) as response:
                say(await response.json())

            async def parts():
                yield b"one "
                yield b"two"

            async with session.post(url + "/", data=parts()) as response:
                say(await response.text())
            async with session.get(url + "/redirect") as response:
                say([each.status for each in response.history], response.status)
            async with session.get(url + "/packed") as response:
                say(await response.json())
            response = await session.get(url + "/missing")
            say(response.status, await response.read())
            async with session.get(url + "/json") as response:
                say([len(part) async for part in response.content.iter_chunked(9)])
            say((await asyncio.gather(*[session.head(url + "/json")]))[0].status)
            async with session.get(url + "/json", headers={"traceparent": "00-%s-%s-01" % ("a" * 32, "b" * 16)}) as response:
                say(response.status)
            await told(say, session.get(url + "/missing", raise_for_status=True))
            await told(say, session.get(url + "/cut"))
            try:
                async with session.get(url + "/cut") as response:
                    async for part in response.content.iter_any():
                        say(part)
            except aiohttp.ClientError as error:
                say(type(error).__name__)
        say(traced)
    with socket.socket() as silent:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        silent.bind(("127.0.0.1", int(os.environ["QA_PORT"])))
        silent.listen(1)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.3)) as session:
            await told(say, session.get(url))
    async with aiohttp.ClientSession() as session:
        await told(say, session.get(url))


serve(lambda say: asyncio.run(talk(say)))
