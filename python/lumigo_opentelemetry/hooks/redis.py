"""redis-py, with and without asyncio: a client span for each command, and one for each pipeline as it is executed."""

from .. import _calls, _imports, _tracing, _values

COMMANDS = 20  # shown of a pipeline
WORDS = 64  # shown of a command

_HEALTH = frozenset(("INFO", "INFO SERVER"))


def install(module):
    # Until 2.10, Redis and Pipeline were special cases of these.
    trace(module, getattr(module, "StrictRedis", module.Redis), getattr(module, "BasePipeline", module.Pipeline))


def trace(module, client, batch):
    traced = _calls.async_traced if ".asyncio" in module.__name__ else _calls.traced
    _imports.wrap(client, "execute_command", traced(_begin, answered))
    _imports.wrap(batch, "immediate_execute_command", traced(_begin, answered))
    _imports.wrap(batch, "execute", traced(_begin_pipeline, answered))


def _untraced(client):
    """Whether a client's commands are part of something that is traced as a whole: celery's hook marks its pools so."""
    return getattr(client.connection_pool, "_lumigo_untraced", False)


def _begin(client, args, named):
    span = None if _untraced(client) else command(args)
    if span is not None:
        _address(span.attributes, client)
    return span


def _begin_pipeline(client, args, named):
    span = None if _untraced(client) else pipeline([each[0] for each in client.command_stack])
    if span is not None:
        _address(span.attributes, client)
    return span


def command(words):
    """The span of a command about to run; None when it is not to be traced."""
    if _tracing.suppressed():
        return None
    name = _name(words[0])
    if name == "INFO" or name == "INFO SERVER":
        if _tracing.settings.redis_reduced and " ".join(map(_name, words)) in _HEALTH:
            return None
    return _start(name, _words(words))


def pipeline(commands):
    """The span of a pipeline about to be executed; None when there is nothing in it."""
    if not commands or _tracing.suppressed():
        return None
    span = _start("PIPELINE", [_words(words) for words in commands[:COMMANDS]])
    span.attributes["db.operation.batch.size"] = len(commands)
    return span


def _start(name, words):
    attributes = {"db.system.name": "redis", "db.operation.name": name, "db.query.text": words, "db.namespace": "0"}
    return _tracing.start_span(name, _tracing.CLIENT, attributes)


def _address(attributes, client):
    server = client.connection_pool.connection_kwargs.get
    attributes["db.namespace"] = str(server("db") or 0)
    path = server("path")
    if path is not None:
        attributes["server.address"] = path
        attributes["network.transport"] = "unix"
    else:
        attributes["server.address"] = server("host") or "localhost"
        attributes["server.port"] = server("port") or 6379


def _name(word):
    if isinstance(word, bytes):
        word = word.decode("utf-8", "replace")
    return str(word).upper()


def _words(args):
    return [_values.shown(arg) for arg in args[:WORDS]]


def answered(span, answer):
    if _tracing.settings.capture:
        span.attributes["db.response.body"] = _values.parsed(answer)
