"""aiosqlite: what a connection's thread does belongs to the span that is current where it was awaited. The spans are sqlite3's."""

from .. import _http, _imports, _tracing


def install(module):
    _imports.wrap(module.Connection, "_execute", _silent if _http.disabled("aiosqlite") else _carrying)


def _carrying(original):
    async def _execute(self, function, *args, **named):
        return await original(self, _tracing.carry(function), *args, **named)

    return _execute


def _silent(original):
    async def _execute(self, function, *args, **named):
        with _tracing.suppress():
            function = _tracing.carry(function)
        return await original(self, function, *args, **named)

    return _execute
