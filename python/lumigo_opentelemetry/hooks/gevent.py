"""gevent's own WSGI server."""

from .. import _imports, _wsgi
from .._http import trouble


def install(module):
    def make(run_application):
        def wrapper(self):
            try:
                self.application = _wsgi.traced(self.application)
            except Exception as error:
                trouble(error)
            return run_application(self)

        return wrapper

    _imports.wrap(module.WSGIHandler, "run_application", make)
