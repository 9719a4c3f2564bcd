"""daphne, the server of Django Channels."""

from .. import _asgi, _imports
from .._http import trouble


def install(module):
    def make(original):
        def wrapper(self, *args, **named):
            original(self, *args, **named)
            try:
                self.application = _asgi.traced(self.application)
            except Exception as error:
                trouble(error)

        return wrapper

    _imports.wrap(module.Server, "__init__", make)
