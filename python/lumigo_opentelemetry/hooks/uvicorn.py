"""uvicorn, also as a worker of gunicorn."""

from .. import _asgi, _imports
from .._http import trouble


def install(module):
    def make(load):
        def wrapper(self):
            result = load(self)
            try:  # by now it is an ASGI application, whatever interface it was written for
                self.loaded_app = _asgi.traced(self.loaded_app)
            except Exception as error:
                trouble(error)
            return result

        return wrapper

    _imports.wrap(module.Config, "load", make)
