"""redis-py, with and without asyncio: a client span for each command, and one for each pipeline as it is executed."""

from .. import _calls, _imports, _tracing, _values

COMMANDS = 20  # shown of a pipeline
WORDS = 64  # shown of a command

_HEALTH = frozenset(("INFO", "INFO SERVER"))


def install(module):
    traced = _calls.async_traced if ".asyncio" in module.__name__ else _calls.traced
    # Until 2.10, Redis and Pipeline were special cases of these.
    client = getattr(module, "StrictRedis", module.Redis)
    batch = getattr(module, "BasePipeline", module.Pipeline)
    _imports.wrap(client, "execute_command", traced(_begin, _answered))
    _imports.wrap(batch, "immediate_execute_command", traced(_begin, _answered))
    _imports.wrap(batch, "execute", traced(_begin_pipeline, _answered))


def _begin(client, args, named):
    if _tracing.suppressed():
        return None
    name = _name(args[0])
    if name == "INFO" or name == "INFO SERVER":
        if _tracing.settings.redis_reduced and " ".join(map(_name, args)) in _HEALTH:
            return None
    return _start(client, name, _words(args))


def _begin_pipeline(pipeline, args, named):
    commands = pipeline.command_stack
    if not commands or _tracing.suppressed():
        return None
    span = _start(pipeline, "PIPELINE", [_words(command[0]) for command in commands[:COMMANDS]])
    span.attributes["db.operation.batch.size"] = len(commands)
    return span


def _start(client, name, words):
    server = client.connection_pool.connection_kwargs.get
    attributes = {"db.system.name": "redis", "db.operation.name": name, "db.query.text": words}
    database = server("db")
    attributes["db.namespace"] = str(database or 0)
    path = server("path")
    if path is not None:
        attributes["server.address"] = path
        attributes["network.transport"] = "unix"
    else:
        attributes["server.address"] = server("host") or "localhost"
        attributes["server.port"] = server("port") or 6379
    return _tracing.start_span(name, _tracing.CLIENT, attributes)


def _name(word):
    if isinstance(word, bytes):
        word = word.decode("utf-8", "replace")
    return str(word).upper()


def _words(args):
    return [_values.shown(arg) for arg in args[:WORDS]]


def _answered(span, answer):
    if _tracing.settings.capture:
        span.attributes["db.response.body"] = _values.plain(answer)
