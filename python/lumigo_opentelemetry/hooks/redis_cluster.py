"""redis-py's clusters, with and without asyncio: a client span for each command to a node, and one for each pipeline.

How a client finds out about its cluster is no part of what the application does.
"""

from .. import _calls, _imports
from .redis import answered, command, pipeline


def install(module):
    trace(module, module.RedisCluster)


def trace(module, cluster):
    asynchronous = ".asyncio" in module.__name__
    if not asynchronous:  # with asyncio, nodes are not asked by clients that are traced
        _imports.wrap(module.NodesManager, "initialize", _calls.alone)
        _imports.wrap(module.CommandsParser, "__init__", _calls.alone)
        _imports.wrap(module.CommandsParser, "get_keys", _calls.alone)
    traced = _calls.async_traced if asynchronous else _calls.traced
    _imports.wrap(cluster, "_execute_command", traced(_begin, answered))
    _imports.wrap(module.ClusterPipeline, "execute", traced(_begin_pipeline, answered))


def _begin(client, args, named):
    node = args[0]
    span = command(args[1:])
    if span is not None:
        span.attributes["server.address"], span.attributes["server.port"] = node.host, node.port
    return span


def _begin_pipeline(client, args, named):
    strategy = getattr(client, "_execution_strategy", client)  # from 6.2 on
    for name in ("_command_queue", "_command_stack", "command_stack"):
        commands = getattr(strategy, name, None)
        if commands is not None:
            return pipeline([each.args for each in commands])
    return None
