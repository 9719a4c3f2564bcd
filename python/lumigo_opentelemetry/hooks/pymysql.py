"""PyMySQL: a span for each statement, and one for each executemany."""

from .. import _dbapi


def install(module):
    _dbapi.trace_cursor(module.Cursor, seam_of)


def seam_of(cursor):
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
