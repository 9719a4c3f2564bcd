import asyncio

import httpx
from peer import peer
from serve import serve


async def talk(say):
    with peer() as url:
        async with httpx.AsyncClient() as client:
            never = client.get(url + "/never")
            never.close()
            response = await client.get(url + "/json")
            say(response.status_code, response.json(), "traceparent" in response.request.headers)
            say((await client.post(url + "/", json={"name": "ann", "password": "hush"})).json())
            response = await client.get(url + "/redirect", follow_redirects=True)
            say([each.status_code for each in response.history], response.json())
            async with client.stream("GET", url + "/packed") as response:
                say([part async for part in response.aiter_text()])
            try:
                await client.get(url + "/cut")
            except httpx.HTTPError as error:
                say(type(error).__name__, str(error))
    async with httpx.AsyncClient() as client:
        try:
            await client.get(url)
        except httpx.HTTPError as error:
            say(type(error).__name__, str(error))


serve(lambda say: asyncio.run(talk(say)))
