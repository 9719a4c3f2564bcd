import asyncio
import sqlite3

import aiosqlite
from serve import serve


async def connect():
    """Before any request, as a pool does: the connection's thread begins with nobody's span."""
    return await aiosqlite.connect(":memory:")


async def talk(say):
    say(asyncio.iscoroutinefunction(connection._execute))
    never = connection.execute("SELECT never")
    say(hasattr(never, "__aenter__"))
    never.close()
    await connection.execute("CREATE TABLE users (id int, password text)")
    await connection.executemany("INSERT INTO users (id, password) VALUES (?, ?)", [(1, "hunter2"), (2, "hunter3")])
    await connection.commit()
    async with connection.execute("SELECT id FROM users WHERE password = ?", ("hunter2",)) as cursor:
        say([row async for row in cursor])
    cursor = await connection.cursor()
    await cursor.execute("SELECT count(*) FROM users")
    say(await cursor.fetchone())
    await cursor.close()
    try:
        await connection.execute("SELECT * FROM missing")
    except sqlite3.OperationalError as error:
        say(str(error))
    await connection.close()


loop = asyncio.new_event_loop()
connection = loop.run_until_complete(connect())
serve(lambda say: loop.run_until_complete(talk(say)))
