import os

import redis
from serve import raises, serve


def work(say):
    client = redis.StrictRedis(host="127.0.0.1", port=int(os.environ["QA_PORT"]), db=3)
    client.flushdb()
    say(client.set("greeting", "hello"))
    say(client.get("greeting"))
    say(client.get(b"bytes\xff\xfe"))
    say(client.set("user:password", "hunter2"))
    say(client.get("user:password"))
    client.hset("user", "name", "ann")
    say(client.hgetall("user"))
    with client.pipeline() as pipeline:
        say(pipeline.get("greeting").incr("visits").execute())
        say(pipeline.execute())
    raises(say, client.lpush, "greeting", 1)
    with client.pipeline() as pipeline:
        pipeline.watch("visits")
        visits = int(pipeline.get("visits"))
        pipeline.multi()
        pipeline.set("visits", visits + 1)
        say(pipeline.execute())
    say(sorted(client.scan_iter("vis*")))
    say(client.info("server")["tcp_port"] == int(os.environ["QA_PORT"]))


serve(work)
