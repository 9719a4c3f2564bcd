import asyncio
import os

import mysql.connector
from mysql.connector.aio import connect
from serve import serve


async def talk(say):
    where = dict(host="127.0.0.1", port=int(os.environ["QA_PORT"]), user="root", ssl_disabled=True)
    connection = await connect(charset="utf8mb4", collation="utf8mb4_general_ci", **where)
    cursor = await connection.cursor()
    say(asyncio.iscoroutinefunction(cursor.execute))
    await cursor.execute("DROP DATABASE IF EXISTS fair")
    await cursor.execute("CREATE DATABASE fair")
    await cursor.execute("CREATE TABLE fair.users (id int, password text)")
    await cursor.executemany("INSERT INTO fair.users (id, password) VALUES (%s, %s)", [(1, "hunter2"), (2, "hunter3")])
    await cursor.execute("SELECT id FROM fair.users WHERE password = %s", ("hunter2",))
    say(await cursor.fetchall())
    try:
        await cursor.execute("SELECT * FROM fair.missing")
    except mysql.connector.Error as error:
        say(type(error).__name__)
    await connection.close()


serve(lambda say: asyncio.run(talk(say)))
