import asyncio
import os

import motor.motor_asyncio
import pymongo.errors
from serve import serve


async def talk(say):
    client = motor.motor_asyncio.AsyncIOMotorClient("127.0.0.1", int(os.environ["QA_PORT"]))
    await client.drop_database("harbour")
    boats = client.harbour.boats
    say((await boats.insert_one({"_id": 1, "name": "ann", "password": "hunter2"})).inserted_id)
    await boats.insert_many([{"_id": 2}, {"_id": 3}])
    say([boat["_id"] async for boat in boats.find(sort=[("_id", 1)], batch_size=2)])
    say(await boats.find().sort("_id", 1).to_list(10))
    say(await boats.find_one({"password": "hunter2"}))
    say((await boats.update_one({"_id": 2}, {"$set": {"name": "bob"}})).modified_count)
    say((await client.admin.command("ping"))["ok"])
    try:
        await boats.insert_one({"_id": 1})
    except pymongo.errors.DuplicateKeyError as error:
        say(error.code)
    client.close()


serve(lambda say: asyncio.run(talk(say)))
