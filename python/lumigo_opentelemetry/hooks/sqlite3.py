"""sqlite3: a span for each statement.

Connections and cursors are subclasses of the application's own classes, so that they are still what it expects;
a factory that is no class is left alone.
"""

import sys

from .. import _dbapi, _imports
from .._http import trouble


def install(module):
    classes = _Classes(module)
    for each in (module, sys.modules.get("sqlite3")):
        if hasattr(each, "connect"):  # the package takes dbapi2's when it goes on loading
            _imports.wrap(each, "connect", lambda original: _connect(original, classes))


def _connect(original, classes):
    def connect(*args, **named):
        try:
            args, named = classes.of_connection(args, named)
        except Exception as error:
            trouble(error)
        return original(*args, **named)

    return connect


def _name(database):
    return database.decode("utf-8", "replace") if isinstance(database, bytes) else str(database)


class _Classes:
    """The traced subclass of each class that the application uses."""

    def __init__(self, module):
        self.plain_connection = module.Connection
        self.plain_cursor = module.Cursor
        self.connections = {}
        self.cursors = {}
        self.base = self.base_connection()

    def of_connection(self, args, named):
        """The arguments of connect, with a traced factory in the place of theirs, the sixth."""
        factory = args[5] if len(args) > 5 else named.get("factory", self.plain_connection)
        if not (isinstance(factory, type) and issubclass(factory, self.plain_connection)):
            return args, named
        traced = self.connections.get(factory)
        if traced is None:
            traced = self.connections[factory] = self.connection_class(factory)
        if len(args) > 5:
            return args[:5] + (traced,) + args[6:], named
        return args, dict(named, factory=traced)

    def of_cursor(self, args, named):
        """The same for the arguments of Connection.cursor."""
        factory = args[0] if args else named.get("factory", self.plain_cursor)
        if not (isinstance(factory, type) and issubclass(factory, self.plain_cursor)):
            return args, named
        traced = self.cursors.get(factory)
        if traced is None:
            traced = self.cursors[factory] = _cursor_class(factory)
        return ((traced,) + args[1:], named) if args else (args, dict(named, factory=traced))

    def connection_class(self, factory):
        if factory is self.plain_connection:
            return self.base
        if issubclass(factory, self.base):
            return factory
        # The application's methods come first, and meet ours where they call sqlite3's.
        return _dbapi.like(type("Connection", (factory, self.base), {}), factory)

    def base_connection(self):
        classes = self

        class Connection(self.plain_connection):
            _lumigo_seam = None

            def __init__(self, *args, **named):
                super().__init__(*args, **named)
                try:
                    database = args[0] if args else named["database"]
                    self._lumigo_seam = _dbapi.Seam("sqlite", {"db.namespace": _name(database)})
                except Exception as error:
                    trouble(error)

            def cursor(self, *args, **named):
                try:
                    args, named = classes.of_cursor(args, named)
                except Exception as error:
                    trouble(error)
                return super().cursor(*args, **named)

            # Until 3.10 these ask the connection for a cursor, as an application's subclass may have it; from 3.11 on
            # they make sqlite3's own.
            if sys.version_info >= (3, 11):

                def execute(self, *args):
                    return Connection.cursor(self).execute(*args)

                def executemany(self, *args):
                    return Connection.cursor(self).executemany(*args)

                def executescript(self, *args):
                    return Connection.cursor(self).executescript(*args)

        return _dbapi.like(Connection, self.plain_connection)


def _cursor_class(base):
    # Our methods come first: an application's may well call sqlite3.Cursor's by name.
    if getattr(base, "_lumigo_traced", False):
        return base

    class Cursor(base):
        _lumigo_traced = True

        def execute(self, *args, **named):
            return _dbapi.run(_seam(self), super().execute, args, named)

        def executemany(self, *args, **named):
            return _dbapi.run(_seam(self), super().executemany, args, named, many=True)

        def executescript(self, *args, **named):
            return _dbapi.run(_seam(self), super().executescript, args, named)

    return _dbapi.like(Cursor, base)


def _seam(cursor):
    try:
        return cursor.connection._lumigo_seam
    except AttributeError:  # its __init__ was not called, or its connection is not one of ours
        return None
