import asyncio
import os

import asyncpg
from serve import serve


async def talk(say):
    connection = await asyncpg.connect(host="127.0.0.1", port=int(os.environ["QA_PORT"]), user="postgres", database="postgres")
    say(await connection.execute(query="SELECT 1"))
    say(await connection.fetch(query="SELECT 2 AS n"))
    say(await connection.fetchval(query="SELECT 3", column=0))
    await connection.close()


serve(lambda say: asyncio.run(talk(say)))
