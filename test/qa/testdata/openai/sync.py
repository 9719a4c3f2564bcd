import gc

import openai
from models import models
from serve import serve

ASK = [{"role": "user", "content": 'Hello! {"password": "hush"}'}]


def work(say):
    with models() as url, openai.OpenAI(base_url=url + "/v1", api_key="sk-hush", max_retries=0) as client:
        chat = client.chat.completions
        answer = chat.create(model="gpt-4o", messages=ASK, temperature=0.5, max_tokens=100)
        say(type(answer).__name__, answer.choices[0].message.content, answer.usage.total_tokens)
        tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}]
        say(chat.create(model="gpt-4o", messages=ASK, tools=tools).choices[0].message.tool_calls[0].function.name)
        stream = chat.create(model="gpt-4o", messages=ASK, stream=True)
        say([part.choices[0].delta.content for part in stream if part.choices])
        for part in chat.create(model="gpt-4o", messages=ASK, stream=True):
            say(part.id)
            break
        gc.collect()  # else httpcore may have it closed while it makes another request, and wait for itself
        try:
            chat.create(model="broken", messages=ASK)
        except openai.BadRequestError as error:
            say(error.status_code, error.type)
        say(client.embeddings.create(model="text-embedding-3-small", input="hello", encoding_format="float").data[0].embedding)


serve(work)
