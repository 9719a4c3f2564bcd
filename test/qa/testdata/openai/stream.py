import openai
from models import models
from serve import serve

ASK = [{"role": "user", "content": "Hello!"}]


def work(say):
    with models() as url, openai.OpenAI(base_url=url + "/v1", api_key="sk-hush", max_retries=0) as client:
        with client.chat.completions.create(model="gpt-4o", messages=ASK, stream=True) as stream:
            say(type(stream).__name__, isinstance(stream, openai.Stream), stream.response.is_stream_consumed)
            say([part.choices[0].delta.content for part in stream if part.choices], stream.response.is_stream_consumed)


serve(work)
