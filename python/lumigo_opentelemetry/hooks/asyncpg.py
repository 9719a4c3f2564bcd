"""asyncpg: a span for each statement, prepared or not, for each copy, and for each cursor as it is opened."""

from .. import _calls, _dbapi, _imports, _tracing

_seams = {}


def install(module):
    connection = module.connection.Connection
    for name in ("execute", "fetch", "fetchval", "fetchrow"):
        _imports.wrap(connection, name, _calls.async_traced(_statement))
    for name in ("_copy_in", "_copy_out"):
        _imports.wrap(connection, name, _calls.async_traced(_copy))
    _imports.wrap(connection, "copy_records_to_table", _calls.async_traced(_copy_records))
    _imports.wrap(connection, "reset", _silent)
    prepared = module.prepared_stmt.PreparedStatement
    for name in ("fetch", "fetchval", "fetchrow"):
        _imports.wrap(prepared, name, _calls.async_traced(_prepared))
    for name in ("executemany", "fetchmany"):  # some are younger than others
        if hasattr(prepared, name):
            _imports.wrap(prepared, name, _calls.async_traced(_prepared_many))
        if hasattr(connection, name):
            _imports.wrap(connection, name, _calls.async_traced(_statements))
    for name in ("_bind", "_bind_exec"):
        _imports.wrap(module.cursor.BaseCursor, name, _calls.async_traced(_cursor))


def _statement(connection, args, named):
    return _start(connection, args[0] if args else named.get("query"), args[1:])


def _statements(connection, args, named):
    sql = args[0] if args else named.get("command", named.get("query"))
    return _start(connection, sql, args[1] if len(args) > 1 else named.get("args"), many=True)


def _copy(connection, args, named):
    return _start(connection, args[0])


def _copy_records(connection, args, named):
    table, schema = args[0] if args else named.get("table_name"), named.get("schema_name")
    return _start(connection, "COPY %s FROM STDIN" % ("%s.%s" % (schema, table) if schema else table))


def _prepared(statement, args, named):
    return _start(statement._connection, statement._query, args)


def _prepared_many(statement, args, named):
    return _start(statement._connection, statement._query, args[0] if args else named.get("args"), many=True)


def _cursor(cursor, args, named):
    return _start(cursor._connection, cursor._query, cursor._args)


def _start(connection, sql, values=None, many=False):
    if sql is None:
        return None  # asyncpg says so itself
    return _dbapi.start(_seam(connection), sql, values, many)


def _silent(original):
    """A connection that goes back to its pool is cleaned by a statement of asyncpg's own."""

    async def reset(self, *args, **named):
        with _tracing.suppress():
            return await original(self, *args, **named)

    return reset


def _seam(connection):
    address, database = connection._addr, connection._params.database
    seam = _seams.get((address, database))
    if seam is None:
        host, port = address if isinstance(address, tuple) else (address, None)
        server = {"db.namespace": database, "server.address": host, "server.port": port}
        seam = _seams[address, database] = _dbapi.Seam("postgresql", server)
    return seam
