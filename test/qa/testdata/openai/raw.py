import openai
from models import models
from serve import serve

ASK = [{"role": "user", "content": "Hello!"}]


def work(say):
    with models() as url, openai.OpenAI(base_url=url + "/v1", api_key="sk-hush", max_retries=0) as client:
        raw = client.chat.completions.with_raw_response.create(model="gpt-4o", messages=ASK)
        say(raw.http_response.status_code, raw.parse().choices[0].message.content)


serve(work)
