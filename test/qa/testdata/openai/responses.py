import openai
from models import models
from serve import serve


def work(say):
    with models() as url, openai.OpenAI(base_url=url + "/v1", api_key="sk-hush", max_retries=0) as client:
        say(client.responses.create(model="gpt-4o", input="Hello!", instructions="Be kind.").output_text)
        for part in client.responses.create(model="gpt-4o", input="Hello!", stream=True):
            say(part.type)


serve(work)
