import asyncio

import openai
from models import models
from serve import serve

ASK = [{"role": "user", "content": "Hello!"}]


async def work(say):
    with models() as url:
        async with openai.AsyncOpenAI(base_url=url + "/v1", api_key="sk-hush", max_retries=0) as client:
            chat = client.chat.completions
            say((await chat.create(model="gpt-4o", messages=ASK)).choices[0].message.content)
            stream = await chat.create(model="gpt-4o", messages=ASK, stream=True)
            say([part.choices[0].delta.content async for part in stream if part.choices])
            try:
                await chat.create(model="broken", messages=ASK)
            except openai.BadRequestError as error:
                say(error.status_code)


serve(lambda say: asyncio.run(work(say)))
