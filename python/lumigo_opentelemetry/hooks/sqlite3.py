"""sqlite3: a span for each statement.

Connections and cursors are subclasses of the application's own classes, so that they are still what it expects;
a factory that is no class is left alone.
"""

import sys

from .. import _dbapi, _imports
from .._http import trouble

_connections = {}
_cursors = {}


def install(module):
    for each in (module, sys.modules.get("sqlite3")):
        if each is not None:
            _imports.wrap(each, "connect", lambda original: _connect(original, module))


def _connect(original, module):
    def connect(*args, **named):
        try:
            args, named = _with_factory(module, args, named)
        except Exception as error:
            trouble(error)
        return original(*args, **named)

    return connect


def _with_factory(module, args, named):
    """The arguments of connect, with a traced factory. It is the sixth positional one."""
    factory = args[5] if len(args) > 5 else named.get("factory", module.Connection)
    if not (isinstance(factory, type) and issubclass(factory, module.Connection)):
        return args, named
    traced = _connections.get(factory)
    if traced is None:
        traced = _connections[factory] = _connection_class(factory, module)
    if len(args) > 5:
        return args[:5] + (traced,) + args[6:], named
    return args, dict(named, factory=traced)


def _name(database):
    if isinstance(database, bytes):
        return database.decode("utf-8", "replace")
    return str(database)


def _like(made, original):
    made.__name__ = original.__name__
    made.__qualname__ = original.__qualname__
    made.__module__ = original.__module__
    made.__doc__ = original.__doc__
    return made


def _connection_class(base, module):
    if getattr(base, "_lumigo_seam", None) is not None:
        return base

    class Connection(base):
        _lumigo_seam = None

        def __init__(self, *args, **named):
            database = args[0] if args else named.get("database", "")
            try:
                self._lumigo_seam = _dbapi.Seam("sqlite", {"db.namespace": _name(database)})
            except Exception as error:
                trouble(error)
            super().__init__(*args, **named)

        def cursor(self, *args, **named):
            # The connection's own execute methods come by here too.
            try:
                args, named = _with_cursor(module, args, named)
            except Exception as error:
                trouble(error)
            return super().cursor(*args, **named)

    return _like(Connection, base)


def _with_cursor(module, args, named):
    factory = args[0] if args else named.get("factory", module.Cursor)
    if not (isinstance(factory, type) and issubclass(factory, module.Cursor)):
        return args, named
    traced = _cursors.get(factory)
    if traced is None:
        traced = _cursors[factory] = _cursor_class(factory)
    if args:
        return (traced,) + args[1:], named
    return (), dict(named, factory=traced)


def _cursor_class(base):
    if getattr(base, "_lumigo_traced", False):
        return base

    class Cursor(base):
        _lumigo_traced = True

        def execute(self, *args):
            return _dbapi.run(getattr(self.connection, "_lumigo_seam", None), super().execute, args)

        def executemany(self, *args):
            return _dbapi.run(getattr(self.connection, "_lumigo_seam", None), super().executemany, args, many=True)

        def executescript(self, *args):
            return _dbapi.run(getattr(self.connection, "_lumigo_seam", None), super().executescript, args)

    return _like(Cursor, base)
