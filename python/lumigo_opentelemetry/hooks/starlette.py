"""Starlette: the route of a request, through mounted applications, and a span under servers without a seam."""

from .. import _asgi, _http, _imports
from .._http import serving, trouble


def install(module):
    if module.__name__ == "starlette.applications":
        _imports.wrap(module.Starlette, "__call__", _call)
    else:
        _imports.wrap(module.Route, "handle", _route)
        _imports.wrap(module.WebSocketRoute, "handle", _route)
        _imports.wrap(module.Mount, "handle", _mount)


def _call(original):
    async def wrapper(self, scope, receive, send):
        try:
            if scope["type"] != "lifespan":
                _http.framework("fastapi" if type(self).__module__.startswith("fastapi") else "starlette")
        except Exception as error:
            trouble(error)
        return await _asgi.respond(original.__get__(self), scope, receive, send)

    return wrapper


def _route(original):
    def wrapper(self, scope, receive, send):
        try:
            request = serving()
            if request is not None and request.span.recording:
                request.route(request.prefix + self.path)
        except Exception as error:
            trouble(error)
        return original(self, scope, receive, send)

    return wrapper


def _mount(original):
    def wrapper(self, scope, receive, send):
        try:
            request = serving()
            if request is not None:
                request.prefix += self.path
        except Exception as error:
            trouble(error)
        return original(self, scope, receive, send)

    return wrapper
