"""psycopg 3, with and without asyncio: a span for each statement, and one for each copy or stream until its end."""

from .. import _dbapi, _imports


def install(module):
    for name in ("Cursor", "ServerCursor"):
        cursor = getattr(module, name)
        _imports.wrap(cursor, "execute", _execute)
        _imports.wrap(cursor, "executemany", _executemany)
        cursor = getattr(module, "Async" + name)
        _imports.wrap(cursor, "execute", _async_execute)
        _imports.wrap(cursor, "executemany", _async_executemany)
    _imports.wrap(module.Cursor, "stream", _stream)
    _imports.wrap(module.Cursor, "copy", _copy)
    _imports.wrap(module.AsyncCursor, "stream", _async_stream)
    _imports.wrap(module.AsyncCursor, "copy", _async_copy)


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


def _stream(original):
    def stream(self, *args, **named):
        return (yield from _until_end(self, original(self, *args, **named), args, named))

    return stream


def _copy(original):
    def copy(self, *args, **named):
        manager = original(self, *args, **named)
        with _imports.guard:
            manager.gen = _until_end(self, manager.gen, args, named)
        return manager

    return copy


def _until_end(cursor, generator, args, named):
    """What a generator does, in a span that begins as it does."""
    span = _dbapi.begin(_seam(cursor), args, named, sql=_dbapi.composed(cursor, args, named))
    if span is None:
        return (yield from generator)
    try:
        return (yield from generator)
    except GeneratorExit:
        raise
    except BaseException as error:
        span.record_exception(error)
        raise
    finally:
        span.end()


def _async_stream(original):
    async def stream(self, *args, **named):
        generator = _async_until_end(self, original(self, *args, **named), args, named)
        try:
            async for row in generator:
                yield row
        finally:
            await generator.aclose()

    return stream


def _async_copy(original):
    def copy(self, *args, **named):
        manager = original(self, *args, **named)
        with _imports.guard:
            manager.gen = _async_until_end(self, manager.gen, args, named)
        return manager

    return copy


async def _async_until_end(cursor, generator, args, named):
    """The same for an asynchronous generator, which has no `yield from`: what is thrown in goes on to it."""
    span = _dbapi.begin(_seam(cursor), args, named, sql=_dbapi.composed(cursor, args, named))
    try:
        item = await generator.__anext__()
        while True:
            try:
                yield item
            except GeneratorExit:
                await generator.aclose()
                raise
            except BaseException as error:
                item = await generator.athrow(error)
            else:
                item = await generator.__anext__()
    except (StopAsyncIteration, GeneratorExit):
        return
    except BaseException as error:
        if span is not None:
            span.record_exception(error)
        raise
    finally:
        if span is not None:
            span.end()


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
