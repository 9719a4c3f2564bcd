import asyncio
import urllib.request

from langchain_core.language_models import FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from peer import peer
from serve import serve

MODEL = FakeListChatModel(responses=["Hello!"])
CHAIN = ChatPromptTemplate.from_messages([("human", "Greet {name}.")]) | MODEL | StrOutputParser()


async def leave(say, pieces, url):
    async for piece in pieces:
        say(piece if isinstance(piece, str) else piece.content)
        break
    del pieces
    await asyncio.sleep(0.1)  # until the loop has closed what has been left
    urllib.request.urlopen(url + "/json").close()


def work(say):
    with peer() as url:
        asyncio.run(leave(say, CHAIN.astream({"name": "ann"}), url))
        asyncio.run(leave(say, MODEL.astream("Hello!"), url))


serve(work)
