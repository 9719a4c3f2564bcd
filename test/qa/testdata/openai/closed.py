import asyncio
import os
import sys

import openai
from models import models
from serve import serve

ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello!"}], "stream": True}
kept = []


def work(say):
    with models() as url, openai.OpenAI(base_url=url + "/v1", api_key="sk-hush", max_retries=0) as client:
        with client.chat.completions.create(**ASK) as stream:
            kept.append(stream)
            say(next(stream).choices[0].delta.role, next(stream).choices[0].delta.content)
        asyncio.run(talk(say, url))


async def talk(say, url):
    async with openai.AsyncOpenAI(base_url=url + "/v1", api_key="sk-hush", max_retries=0) as client:
        stream = await client.chat.completions.create(**ASK)
        kept.append(stream)
        say((await stream.__anext__()).choices[0].delta.role)
        await stream.close()


serve(work)
sys.stdout.flush()
os._exit(0)  # so that nothing ends what has not ended
