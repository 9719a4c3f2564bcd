import os

import valkey
from serve import raises, serve


def work(say):
    client = valkey.Valkey(host="127.0.0.1", port=int(os.environ["QA_PORT"]), db=5)
    client.flushdb()
    say(client.set("greeting", "hello"), client.get("greeting"))
    say(client.set("user:password", "hunter2"))
    with client.pipeline() as pipeline:
        say(pipeline.get("greeting").incr("visits").execute())
    raises(say, client.lpush, "greeting", 1)
    with client.pipeline() as pipeline:
        pipeline.watch("visits")
        visits = int(pipeline.get("visits"))
        pipeline.multi()
        pipeline.set("visits", visits + 1)
        say(pipeline.execute())
    say(client.info("server")["tcp_port"] == int(os.environ["QA_PORT"]))
    client.close()


serve(work)
