"""cheroot, the server of CherryPy."""

from .. import _imports, _wsgi
from .._http import trouble


def install(module):
    def make(respond):
        def wrapper(self):
            try:  # CherryPy sets the application long after the server is made
                server = self.req.server
                server.wsgi_app = _wsgi.traced(server.wsgi_app)
            except Exception as error:
                trouble(error)
            return respond(self)

        return wrapper

    _imports.wrap(module.Gateway, "respond", make)
