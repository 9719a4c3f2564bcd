import asyncio

from langchain_core.language_models import FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from models import models
from serve import serve

PROMPT = ChatPromptTemplate.from_messages([("human", "Greet {name}.")])


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    if city == "nowhere":
        raise KeyError(city)
    return "sunny in " + city


def work(say):
    chain = PROMPT | FakeListChatModel(responses=["Hello Ann!", "Hello Bob!"]) | StrOutputParser()
    say(chain.invoke({"name": "ann", "password": "hush"}))
    say(list(chain.stream({"name": "bob"})))
    say(weather.invoke({"city": "Rome"}))
    try:
        weather.invoke({"city": "nowhere"})
    except KeyError as error:
        say(error)
    say(RunnableLambda(lambda n: n + 1).batch([1]))
    with models() as url:
        model = ChatOpenAI(model="gpt-4o", base_url=url + "/v1", api_key="sk-hush", max_retries=0)
        say((PROMPT | model | StrOutputParser()).invoke({"name": "ann"}))
    say(asyncio.run(chain.ainvoke({"name": "ann"})))


serve(work)
