"""MySQL Connector/Python, in Python and in C, with and without asyncio: a span for each statement, and one for each executemany."""

from .. import _dbapi


def install(module):
    asynchronous = ".aio." in module.__name__
    for name in ("MySQLCursor", "CMySQLCursor"):
        if hasattr(module, name):
            _dbapi.trace_cursor(getattr(module, name), _seam, asynchronous)
            prepared = getattr(module, name + "Prepared", None)
            if prepared is not None:
                _dbapi.trace_cursor(prepared, _seam, asynchronous, ("execute", "executemany"))


def _seam(cursor):
    try:
        connection = getattr(cursor, "_connection", None)
        if connection is None:
            connection = cursor._cnx  # as that in C had it until 8.0
        seam = getattr(connection, "_lumigo_seam", None)
        if seam is None:
            path = connection.unix_socket
            server = {"db.namespace": connection._database, "server.address": path or connection.server_host}
            if not path:
                server["server.port"] = connection.server_port
            seam = connection._lumigo_seam = _dbapi.Seam("mysql", server)
        return seam
    except Exception:  # it is closed
        return None
