import asyncio
import io
import os

import asyncpg
from serve import serve


async def talk(say):
    where = dict(host="127.0.0.1", port=int(os.environ["QA_PORT"]), user="postgres", database="postgres")
    connection = await asyncpg.connect(**where)
    say(asyncio.iscoroutinefunction(connection.execute))
    never = connection.execute("SELECT never")
    never.close()
    say(await connection.execute("CREATE TEMPORARY TABLE users (id int, password text)"))
    say(await connection.execute("INSERT INTO users (id, password) VALUES ($1, $2)", 1, "hunter2"))
    await connection.executemany("INSERT INTO users (id, password) VALUES ($1, $2)", [(2, "hunter3"), (3, None)])
    say(await connection.fetch("SELECT id FROM users ORDER BY id"))
    say(await connection.fetchval("SELECT id FROM users WHERE password = $1", "hunter2", column=0))
    say(await connection.fetchrow("SELECT * FROM users WHERE id = $1", 3))
    say(await connection.copy_records_to_table("users", records=[(4, "a"), (5, "b")]))
    output = io.BytesIO()
    say(await connection.copy_from_query("SELECT id FROM users WHERE id > 3", output=output), output.getvalue())
    statement = await connection.prepare("SELECT id FROM users WHERE id > $1")
    say(await statement.fetch(3), await statement.fetchval(4))
    async with connection.transaction():
        say([row["id"] async for row in connection.cursor("SELECT id FROM users WHERE id < $1", 4, prefetch=2)])
        cursor = await connection.cursor("SELECT count(*) FROM users")
        say(await cursor.fetchrow())
    try:
        await connection.fetch("SELECT * FROM missing")
    except asyncpg.PostgresError as error:
        say(type(error).__name__, str(error))
    await connection.close()
    async with asyncpg.create_pool(min_size=1, max_size=1, **where) as pool:
        say(await pool.fetchval("SELECT 2"))
        async with pool.acquire() as connection:
            say(await connection.fetchval("SELECT 3"))


serve(lambda say: asyncio.run(talk(say)))
