import asyncio
import os
import sys

import anthropic
from models import models
from serve import serve

ASK = {"model": "claude-3-5-sonnet-latest", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello!"}]}
kept = []


def work(say):
    with models() as url:
        with anthropic.Anthropic(base_url=url, api_key="sk-hush", max_retries=0) as client:
            with client.messages.create(stream=True, **ASK) as stream:
                kept.append(stream)
                say(next(stream).type)
            with client.messages.stream(**ASK) as stream:
                kept.append(stream)
                say(next(iter(stream.text_stream)))
        asyncio.run(talk(say, url))


async def talk(say, url):
    async with anthropic.AsyncAnthropic(base_url=url, api_key="sk-hush", max_retries=0) as client:
        stream = await client.messages.create(stream=True, **ASK)
        kept.append(stream)
        say((await stream.__anext__()).type)
        await stream.close()
        async with client.messages.stream(**ASK) as stream:
            kept.append(stream)
            say(await stream.text_stream.__anext__())


serve(work)
sys.stdout.flush()
os._exit(0)  # so that nothing ends what has not ended
