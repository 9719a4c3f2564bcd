import asyncio

import anthropic
from models import models
from serve import serve

ASK = {"model": "claude-3-5-sonnet-latest", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello!"}]}


def work(say):
    with models() as url:
        with anthropic.Anthropic(base_url=url, api_key="sk-hush", max_retries=0) as client:
            with client.messages.stream(**ASK) as stream:
                say([text for text in stream.text_stream], stream.get_final_message().usage.output_tokens)
        asyncio.run(talk(say, url))


async def talk(say, url):
    async with anthropic.AsyncAnthropic(base_url=url, api_key="sk-hush", max_retries=0) as client:
        say((await client.messages.create(**ASK)).content[0].text)
        say([part.type async for part in await client.messages.create(stream=True, **ASK)])
        async with client.messages.stream(**ASK) as stream:
            say([text async for text in stream.text_stream])


serve(work)
