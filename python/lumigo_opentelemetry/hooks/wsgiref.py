"""wsgiref, and the servers built on it (Django's runserver, prometheus_client)."""

from .. import _imports, _wsgi


def install(module):
    def make(run):
        def wrapper(self, application):
            return run(self, _wsgi.traced(application))

        return wrapper

    _imports.wrap(module.BaseHandler, "run", make)
