import multiprocessing
import os
import threading

import pymongo
import pymongo.errors
from serve import raises, serve


def connect():
    return pymongo.MongoClient("127.0.0.1", int(os.environ["QA_PORT"]))


def forked():
    connect().shop.visits.insert_one({"_id": "forked"})


def work(say):
    client = connect()
    users = client.shop.users
    client.drop_database("shop")
    say(client.admin.command("ping")["ok"])
    say(users.insert_one({"_id": 1, "name": "ann", "login": {"password": "hunter2"}}).inserted_id)
    say(users.insert_many([{"_id": n, "name": "bob", "tags": ["a", n]} for n in range(2, 7)]).inserted_ids)
    say([user["_id"] for user in users.find({"name": "bob"}, sort=[("_id", 1)], batch_size=2)])
    say(users.find_one({"login.password": "hunter2"}))
    say(users.update_one({"_id": 1}, {"$set": {"name": "eve"}}).modified_count)
    say(users.count_documents({}))
    say(list(users.aggregate([{"$match": {"_id": {"$lt": 3}}}, {"$sort": {"_id": 1}}, {"$project": {"name": 1}}])))
    say(users.find_one_and_delete({"_id": 6})["name"])
    say(users.bulk_write([pymongo.InsertOne({"_id": 7}), pymongo.DeleteOne({"_id": 5}), pymongo.DeleteOne({"_id": 4})]).deleted_count)
    raises(lambda *error: say(error[0]), users.insert_one, {"_id": 1})
    raises(lambda *error: say(error[0]), client.shop.command, "nonsense")
    thread = threading.Thread(target=lambda: say(users.find_one({"_id": 2})["name"]))
    thread.start()
    thread.join()
    fork = multiprocessing.get_context("fork").Process(target=forked)
    fork.start()
    fork.join()
    say(client.shop.visits.delete_many({}).deleted_count)


serve(work)
