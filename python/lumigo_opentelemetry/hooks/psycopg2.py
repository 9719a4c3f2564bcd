"""psycopg2: a span for each statement.

As with sqlite3, connections and cursors are subclasses of the application's own classes, because the driver's functions
in C want to see its own; a factory that is no class is left alone.
"""

from .. import _dbapi, _imports
from .._http import trouble


def install(module):
    classes = _Classes(module.extensions)
    _imports.wrap(module, "connect", lambda original: _connect(original, classes))


def _connect(original, classes):
    def connect(*args, **named):
        try:
            args, named = _with_factory(args, named, "connection_factory", classes.of_connection)
        except Exception as error:
            trouble(error)
        return original(*args, **named)

    return connect


def _with_factory(args, named, name, traced):
    """The arguments with a traced class in the place of the factory, the second."""
    if len(args) > 1:
        return args[:1] + (traced(args[1]),) + args[2:], named
    return args, dict(named, **{name: traced(named.get(name))})


class _Classes:
    """The traced subclass of each class that the application uses."""

    def __init__(self, extensions):
        self.plain_connection = extensions.connection
        self.plain_cursor = extensions.cursor
        self.made = {}
        self.base = self.base_connection()

    def of_connection(self, factory):
        if factory is None or factory is self.plain_connection:
            return self.base
        if not (isinstance(factory, type) and issubclass(factory, self.plain_connection)) or issubclass(factory, self.base):
            return factory
        if factory not in self.made:
            # The application's methods come first, and meet ours where they call the driver's.
            self.made[factory] = _dbapi.like(type("connection", (factory, self.base), {}), factory)
        return self.made[factory]

    def of_cursor(self, factory):
        if factory is None:
            factory = self.plain_cursor
        if not (isinstance(factory, type) and issubclass(factory, self.plain_cursor)):
            return factory
        if getattr(factory, "_lumigo_traced", False):
            return factory
        if factory not in self.made:
            self.made[factory] = _cursor_class(factory)
        return self.made[factory]

    def base_connection(self):
        classes = self

        class Connection(self.plain_connection):
            _lumigo_seam = None

            def cursor(self, *args, **named):
                try:
                    args, named = _with_factory(args, named, "cursor_factory", self._lumigo_cursor)
                except Exception as error:
                    trouble(error)
                return super().cursor(*args, **named)

            def _lumigo_cursor(self, factory):
                return classes.of_cursor(self.cursor_factory if factory is None else factory)

        return _dbapi.like(Connection, self.plain_connection)


def _cursor_class(base):
    class Cursor(base):
        _lumigo_traced = True

        def execute(self, *args, **named):
            return _dbapi.run(_seam(self), super().execute, args, named, sql=_dbapi.composed(self, args, named))

        def executemany(self, *args, **named):
            return _dbapi.run(_seam(self), super().executemany, args, named, many=True, sql=_dbapi.composed(self, args, named))

        def callproc(self, *args, **named):
            return _dbapi.run(_seam(self), super().callproc, args, named, sql="CALL %s" % (args[:1] or ("",)))

        def copy_expert(self, *args, **named):
            return _dbapi.run(_seam(self), super().copy_expert, args, named, sql=_dbapi.composed(self, args, named))

        def copy_from(self, *args, **named):
            return _dbapi.run(_seam(self), super().copy_from, args, named, sql="COPY %s FROM STDIN" % _table(args, named))

        def copy_to(self, *args, **named):
            return _dbapi.run(_seam(self), super().copy_to, args, named, sql="COPY %s TO STDOUT" % _table(args, named))

    return _dbapi.like(Cursor, base)


def _table(args, named):
    return args[1] if len(args) > 1 else named.get("table")


def _seam(cursor):
    try:
        connection = cursor.connection
        seam = connection._lumigo_seam
        if seam is None:
            seam = connection._lumigo_seam = _dbapi.Seam("postgresql", _server(connection))
        return seam
    except Exception:  # not connected, or not a connection of ours
        return None


def _server(connection):
    parameters = connection.get_dsn_parameters()
    info = getattr(connection, "info", None)  # from 2.8 on; it knows which of several hosts it is
    host = info.host if info is not None else parameters.get("host")
    port = info.port if info is not None else int(parameters.get("port") or 5432)
    return {"db.namespace": parameters.get("dbname"), "server.address": host, "server.port": port}
