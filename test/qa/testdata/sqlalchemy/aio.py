import asyncio
import os

from serve import serve, untraced
from sqlalchemy import Column, Integer, MetaData, String, Table, select
from sqlalchemy.ext.asyncio import create_async_engine

users = Table("users", MetaData(), Column("id", Integer, primary_key=True), Column("password", String(20)))
orders = Table("orders", MetaData(), Column("id", Integer, primary_key=True), Column("user_id", Integer))


engine = create_async_engine("postgresql+asyncpg://postgres@127.0.0.1:%s/postgres" % os.environ["QA_PORT"])
loop = asyncio.new_event_loop()


async def connect():
    async with engine.connect():
        pass


async def talk(say):
    async with engine.connect() as connection:
        await connection.run_sync(users.create)
        await connection.run_sync(orders.create)
        await connection.execute(users.insert(), [{"id": 1, "password": "hunter2"}, {"id": 2, "password": "hunter3"}])
        await connection.execute(orders.insert().values(id=3, user_id=1))
        say((await connection.execute(select(users.c.id).where(users.c.password == "hunter2"))).scalar())
        say((await connection.execute(select(orders.c.id).select_from(orders.join(users, users.c.id == orders.c.user_id)))).all())
        await connection.rollback()
    await engine.dispose()


untraced(lambda: loop.run_until_complete(connect()))
serve(lambda say: loop.run_until_complete(talk(say)))
