"""gunicorn: its WSGI workers, and its own ASGI worker. Uvicorn's worker class is traced by the uvicorn hook."""

from .. import _asgi, _imports, _wsgi
from .._http import trouble


def install(module):
    if module.__name__ == "gunicorn.workers.base":
        _imports.wrap(module.Worker, "load_wsgi", _wsgi_worker)
    else:
        _imports.wrap(module.ASGIWorker, "load_wsgi", _asgi_worker)


def _wsgi_worker(load_wsgi):
    def wrapper(self):
        load_wsgi(self)
        if hasattr(type(self), "handle_request"):  # else the application may well be an ASGI one
            try:
                self.wsgi = _wsgi.traced(self.wsgi)
            except Exception as error:
                trouble(error)

    return wrapper


def _asgi_worker(load_wsgi):
    def wrapper(self):
        load_wsgi(self)
        try:
            self.asgi = _asgi.traced(self.asgi)
        except Exception as error:
            trouble(error)

    return wrapper
