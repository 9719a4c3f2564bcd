import asyncio
import os

import psycopg
from serve import serve


async def talk(say):
    where = "host=127.0.0.1 port=%s user=postgres dbname=postgres" % os.environ["QA_PORT"]
    async with await psycopg.AsyncConnection.connect(where) as connection:
        cursor = connection.cursor()
        say(asyncio.iscoroutinefunction(cursor.execute))
        cursor.execute("SELECT never").close()
        say(await cursor.execute("CREATE TEMPORARY TABLE users (id int, password text)") is cursor)
        await cursor.executemany("INSERT INTO users (id, password) VALUES (%s, %s)", [(1, "hunter2"), (2, "hunter3")])
        await cursor.execute("SELECT id FROM users WHERE password = %s", ("hunter2",))
        say(await cursor.fetchall())
        async with connection.cursor("named") as cursor:
            await cursor.execute("SELECT id FROM users ORDER BY id")
            say([row async for row in cursor])
        async with connection.cursor().copy("COPY users FROM STDIN") as copy:
            await copy.write_row((3, None))
        try:
            async with connection.cursor().copy("COPY users FROM STDIN"):
                raise KeyError("the application's own")
        except Exception:  # until 3.0 it became the server's
            say("copied nothing")
        say(connection.info.transaction_status)
        await connection.rollback()
        say([row async for row in connection.cursor().stream("SELECT * FROM generate_series(1, %s)", (3,))])
        try:
            await connection.execute("SELECT * FROM missing")
        except psycopg.Error as error:
            say(type(error).__name__, str(error))
            await connection.rollback()


serve(lambda say: asyncio.run(talk(say)))
