"""hypercorn, serving ASGI and WSGI applications."""

from .. import _asgi, _imports, _wsgi
from .._http import trouble


def install(module):
    _imports.wrap(module.ASGIWrapper, "__init__", lambda original: _made(original, _asgi.traced))
    _imports.wrap(module.WSGIWrapper, "__init__", lambda original: _made(original, _wsgi.traced))


def _made(original, traced):
    def wrapper(self, *args, **named):
        original(self, *args, **named)
        try:
            self.app = traced(self.app)
        except Exception as error:
            trouble(error)

    return wrapper
