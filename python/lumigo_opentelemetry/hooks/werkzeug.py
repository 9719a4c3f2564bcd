"""werkzeug's development server."""

from .. import _wsgi


def install(module):
    _wsgi.wrap_attribute(module.BaseWSGIServer, "__init__", "app")
