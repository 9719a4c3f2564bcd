import anthropic
from models import models
from serve import serve

ASK = {"model": "claude-3-5-sonnet-latest", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello!"}]}


def work(say):
    with models() as url, anthropic.Anthropic(base_url=url, api_key="sk-hush", max_retries=0) as client:
        answer = client.messages.create(system="Be kind.", **ASK)
        say(type(answer).__name__, answer.content[0].text, answer.usage.output_tokens)
        stream = client.messages.create(stream=True, **ASK)
        say(type(stream).__name__, stream.response.is_stream_consumed)
        say([part.type for part in stream])
        try:
            client.messages.create(**dict(ASK, model="broken"))
        except anthropic.BadRequestError as error:
            say(error.status_code)


serve(work)
