import asyncio
import os

import pymongo
import pymongo.errors
from serve import serve


async def talk(say):
    client = pymongo.AsyncMongoClient("127.0.0.1", int(os.environ["QA_PORT"]))
    users = client.circle.people
    await client.drop_database("circle")
    say((await users.insert_one({"_id": 1, "name": "ann", "password": "hunter2"})).inserted_id)
    await users.insert_many([{"_id": 2}, {"_id": 3}])
    say([user["_id"] async for user in users.find(sort=[("_id", 1)], batch_size=2)])
    say(await asyncio.gather(users.find_one({"_id": 1}), users.count_documents({})))
    try:
        await users.insert_one({"_id": 1})
    except pymongo.errors.DuplicateKeyError as error:
        say(error.code)
    await client.close()


serve(lambda say: asyncio.run(talk(say)))
