"""pymemcache: a span for each command of a client, whatever pool or hash ring the client is part of."""

from .. import _calls, _imports, _tracing, _values

COMMANDS = 20  # shown of a command for many keys

_PLAIN = frozenset((str, bytes, int, float, bool))

# What a command's first two parameters are called.
_PARAMETERS = {
    "set": ("key", "value"), "add": ("key", "value"), "replace": ("key", "value"), "append": ("key", "value"),
    "prepend": ("key", "value"), "cas": ("key", "value"), "incr": ("key", "value"), "decr": ("key", "value"),
    "get": ("key",), "gets": ("key",), "delete": ("key",), "touch": ("key", "expire"),
    "set_many": ("values",), "set_multi": ("values",), "get_many": ("keys",), "get_multi": ("keys",),
    "gets_many": ("keys",), "delete_many": ("keys",), "delete_multi": ("keys",), "flush_all": (), "stats": (),
}  # fmt: skip


def install(module):
    for name, parameters in _PARAMETERS.items():
        if hasattr(module.Client, name):
            _imports.wrap(module.Client, name, _traced(name, parameters))


def _traced(name, parameters):
    def begin(client, args, named):
        if _tracing.suppressed():
            return None
        values = [args[n] if n < len(args) else named.get(parameter) for n, parameter in enumerate(parameters)]
        attributes = {"db.system.name": "memcached", "db.operation.name": name}
        _address(attributes, client.server)
        if parameters == ("values",):
            attributes["db.query.text"] = [["set", *map(_word, item)] for item in list(values[0].items())[:COMMANDS]]
            attributes["db.operation.batch.size"] = len(values[0])
        elif parameters == ("keys",) and isinstance(values[0], (list, tuple, set, frozenset)):
            attributes["db.query.text"] = [name, *[_word(key) for key, _ in zip(values[0], range(COMMANDS))]]
            attributes["db.operation.batch.size"] = len(values[0])
        elif parameters == ("keys",):  # an iterator, which is the client's to consume
            attributes["db.query.text"] = [name]
        else:
            attributes["db.query.text"] = [name, *map(_word, values)]
        return _tracing.start_span(name, _tracing.CLIENT, attributes)

    make = _calls.traced(begin, _answered)
    return lambda original: make(_calls.alone(original))


def _word(value):
    """A word of a command. What the client has yet to serialize is not shown, for it would hide names of secrets."""
    return _values.shown(value) if type(value) in _PLAIN else "<%s>" % type(value).__name__


def _address(attributes, server):
    if isinstance(server, (tuple, list)):
        attributes["server.address"], attributes["server.port"] = server[0], server[1]
    else:
        attributes["server.address"] = server[len("unix:"):] if server.startswith("unix:") else server
        attributes["network.transport"] = "unix"


def _answered(span, answer):
    if _tracing.settings.capture:
        span.attributes["db.response.body"] = _values.plain(answer)
