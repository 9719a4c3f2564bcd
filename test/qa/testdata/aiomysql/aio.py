import asyncio
import os

import aiomysql
import pymysql
from serve import serve


async def talk(say):
    where = dict(host="127.0.0.1", port=int(os.environ["QA_PORT"]), user="root", charset="utf8mb4")
    connection = await aiomysql.connect(**where)
    cursor = await connection.cursor()
    await cursor.execute("DROP DATABASE IF EXISTS market")
    say(await cursor.execute("CREATE DATABASE market"))
    await cursor.close()
    connection.close()
    async with aiomysql.create_pool(db="market", autocommit=True, **where) as pool:
        async with pool.acquire() as connection, connection.cursor() as cursor:
            await cursor.execute("CREATE TABLE users (id int, password text)")
            say(await cursor.executemany("INSERT INTO users (id, password) VALUES (%s, %s)", [(1, "hunter2"), (2, "hunter3")]))
            say(await cursor.executemany("UPDATE users SET password = %s WHERE id = %s", [("a", 1), ("b", 2)]))
            say(await cursor.execute(query="SELECT id FROM users WHERE password = %(secret)s", args={"secret": "a"}))
            say(await cursor.fetchall(), cursor.rowcount)
        async with pool.acquire() as connection:
            async with connection.cursor(aiomysql.DictCursor) as cursor:
                await cursor.execute("SELECT 1 AS one")
                say(await cursor.fetchone())
            async with connection.cursor(aiomysql.SSCursor) as cursor:
                await cursor.execute("SELECT id FROM users ORDER BY id")
                say([await cursor.fetchone(), await cursor.fetchone(), await cursor.fetchone()])
            async with connection.cursor() as cursor:
                await raises(say, cursor.execute("SELECT * FROM missing"))
            await raises(say, cursor.execute("SELECT 1"))  # which is closed
        say(await asyncio.gather(*(count(pool) for _ in range(2))))


async def count(pool):
    async with pool.acquire() as connection, connection.cursor() as cursor:
        await cursor.execute("SELECT COUNT(*) FROM users")
        return await cursor.fetchone()


async def raises(say, call):
    try:
        await call
    except pymysql.Error as error:
        say(type(error).__name__, str(error))


serve(lambda say: asyncio.run(talk(say)))
