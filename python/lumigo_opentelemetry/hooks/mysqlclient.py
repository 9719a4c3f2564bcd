"""mysqlclient: a span for each statement, and one for each executemany."""

from .. import _dbapi, _imports


def install(module):
    if module.__name__ == "MySQLdb.cursors":
        _dbapi.trace_cursor(module.BaseCursor, _seam)
    else:
        _imports.wrap(module.Connection, "__init__", _connect)


def _connect(original):
    """Connections do not say where they lead to."""

    def __init__(self, *args, **named):
        original(self, *args, **named)
        with _imports.guard:
            self._lumigo_seam = _dbapi.Seam("mysql", _server(*args, **named))

    return __init__


def _server(host=None, user=None, passwd=None, db=None, port=None, unix_socket=None, **others):
    server = {"db.namespace": others.get("database", db), "server.address": unix_socket or host or "localhost"}
    if not unix_socket:
        server["server.port"] = port or 3306
    return server


def _seam(cursor):
    return getattr(cursor.connection, "_lumigo_seam", None)
