"""PyMySQL: a span for each statement, and one for each executemany."""

from .. import _dbapi, _imports, _tracing


def install(module):
    _imports.wrap(module.Cursor, "execute", _execute)
    _imports.wrap(module.Cursor, "executemany", _executemany)
    _imports.wrap(module.Cursor, "callproc", _callproc)


def _execute(original):
    def execute(self, *args, **named):
        return _dbapi.run(_seam(self), original.__get__(self), args, named)

    return execute


def _executemany(original):
    def executemany(self, *args, **named):
        return _dbapi.run(_seam(self), _alone(original, self), args, named, many=True)

    return executemany


def _callproc(original):
    def callproc(self, *args, **named):
        sql = "CALL %s" % (args[:1] or (named.get("procname"),))
        return _dbapi.run(_seam(self), _alone(original, self), args, named, sql=sql)

    return callproc


def _alone(original, cursor):
    """A method that calls execute for its rows, which are part of its own span."""

    def function(*args, **named):
        with _tracing.suppress():
            return original(cursor, *args, **named)

    return function


def _seam(cursor):
    try:
        connection = cursor.connection
        seam = getattr(connection, "_lumigo_seam", None)
        if seam is None:
            database = connection.db
            if isinstance(database, bytes):
                database = database.decode("utf-8", "replace")
            server = {"db.namespace": database, "server.address": connection.unix_socket or connection.host}
            if not connection.unix_socket:
                server["server.port"] = connection.port
            seam = connection._lumigo_seam = _dbapi.Seam("mysql", server)
        return seam
    except Exception:  # it is closed
        return None
