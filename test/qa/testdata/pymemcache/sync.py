import os
import threading

from pymemcache.client.base import Client, PooledClient
from pymemcache.client.hash import HashClient
from serve import raises, serve

SERVER = ("127.0.0.1", int(os.environ["QA_PORT"]))


def work(say):
    client = Client(SERVER)
    say(client.flush_all())
    say(client.set("greeting", "hello", noreply=False))
    say(client.get("greeting"), client.get("nothing", "default"))
    say(client.set(key=b"user:password", value="hunter2", noreply=False), client.get("user:password"))
    client.set_many({"a": "1", "b": "2"}, noreply=False)
    say(sorted(client.get_many(["a", "b", "c"]).items()))
    say(client.incr("a", 5), client.touch("a", 60, noreply=False))
    say(client.add("a", "9", noreply=False), client.delete("a", noreply=False))
    client.delete_many(["b", "c"], noreply=False)
    client["item"] = "here"
    say(client["item"])
    raises(lambda *error: say(error[0]), client.incr, "greeting", 1)
    raises(say, client.get, "not allowed")
    client.close()
    pooled = PooledClient(SERVER, max_pool_size=2)
    thread = threading.Thread(target=lambda: say(pooled.get("greeting")))
    thread.start()
    thread.join()
    ring = HashClient([SERVER])
    say(ring.set("ring", "gold", noreply=False), ring.get("ring"))


serve(work)
