"""psycopg 3, with and without asyncio: a span for each statement."""

from .. import _dbapi, _imports


def install(module):
    for name in ("Cursor", "ServerCursor"):
        cursor = getattr(module, name)
        _imports.wrap(cursor, "execute", _execute)
        _imports.wrap(cursor, "executemany", _executemany)
        cursor = getattr(module, "Async" + name)
        _imports.wrap(cursor, "execute", _async_execute)
        _imports.wrap(cursor, "executemany", _async_executemany)


def _execute(original):
    def execute(self, *args, **named):
        return _dbapi.run(_seam(self), original.__get__(self), args, named, sql=_dbapi.composed(self, args, named))

    return execute


def _executemany(original):
    def executemany(self, *args, **named):
        return _dbapi.run(_seam(self), original.__get__(self), args, named, many=True, sql=_dbapi.composed(self, args, named))

    return executemany


def _async_execute(original):
    async def execute(self, *args, **named):
        return await _dbapi.run_async(_seam(self), original.__get__(self), args, named, sql=_dbapi.composed(self, args, named))

    return execute


def _async_executemany(original):
    async def executemany(self, *args, **named):
        function, sql = original.__get__(self), _dbapi.composed(self, args, named)
        return await _dbapi.run_async(_seam(self), function, args, named, many=True, sql=sql)

    return executemany


def _seam(cursor):
    try:
        connection = cursor.connection
        seam = getattr(connection, "_lumigo_seam", None)
        if seam is None:
            info = connection.info
            server = {"db.namespace": info.dbname, "server.address": info.host, "server.port": info.port}
            seam = connection._lumigo_seam = _dbapi.Seam("postgresql", server)
        return seam
    except Exception:  # it is closed
        return None
