"""valkey-py, which is redis-py under another name: the same spans, and the same system, whose protocol it speaks."""

from . import redis, redis_cluster


def install(module):
    if module.__name__.endswith(".cluster"):
        redis_cluster.trace(module, module.ValkeyCluster)
    else:
        redis.trace(module, module.Valkey, module.Pipeline)
