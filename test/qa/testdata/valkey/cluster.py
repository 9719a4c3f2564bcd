import os

from serve import raises, serve
from valkey.cluster import ValkeyCluster


def work(say):
    client = ValkeyCluster(host="127.0.0.1", port=int(os.environ["QA_PORT"]), cluster_error_retry_attempts=1)
    say(len(client.get_primaries()))
    client.flushall(target_nodes=ValkeyCluster.PRIMARIES)
    say(client.set("bar", "first node"), client.get("bar"))
    say(client.set("foo", "third node"), client.get("foo"))
    say(client.set("user:password", "hunter2"))
    pipeline = client.pipeline()
    say(pipeline.get("bar").get("foo").incr("visits").execute())
    raises(say, client.lpush, "bar", 1)
    client.close()


serve(work)
