"""Flask: the route of a request, the exceptions that it answers with 500, and a span under servers without a seam."""

from .. import _http, _imports, _wsgi
from .._http import serving, trouble


def install(module):
    if module.__name__ == "flask.app":
        _imports.wrap(module.Flask, "__call__", _call)
        _imports.wrap(module.Flask, "handle_exception", _handle_exception)
        return
    for name in ("RequestContext", "AppContext"):  # the former's work is the latter's in newer versions
        context = getattr(module, name, None)
        if "match_request" in vars(context or object):
            _imports.wrap(context, "match_request", _match_request)


def _call(original):
    def wrapper(self, environ, start_response):
        try:
            _http.framework("flask")
        except Exception as error:
            trouble(error)
        if _wsgi.responding(environ):
            return original(self, environ, start_response)
        return _wsgi.respond(original.__get__(self), environ, start_response)

    return wrapper


def _match_request(original):
    def wrapper(self):
        original(self)
        try:
            request = serving()
            rule = self.request.url_rule
            if request is not None and rule is not None and request.span.recording:
                request.route(self.request.environ.get("SCRIPT_NAME", "") + rule.rule)
        except Exception as error:
            trouble(error)

    return wrapper


def _handle_exception(original):
    def wrapper(self, e):
        try:
            request = serving()
            if request is not None:
                request.fail(e)
        except Exception as error:
            trouble(error)
        return original(self, e)

    return wrapper
