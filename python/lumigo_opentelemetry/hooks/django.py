"""Django: the route of a request, the exceptions that it answers with 500, and a span under servers without a seam."""

from .. import _asgi, _http, _imports, _wsgi
from .._http import serving, trouble


def install(module):
    name = module.__name__
    if name == "django.core.handlers.wsgi":
        _imports.wrap(module.WSGIHandler, "__call__", _wsgi_call)
    elif name == "django.core.handlers.asgi":
        _imports.wrap(module.ASGIHandler, "__call__", _asgi_call)
    elif name == "django.core.handlers.exception":
        _imports.wrap(module, "response_for_exception", _response_for_exception)
    elif hasattr(module.BaseHandler, "resolve_request"):
        _imports.wrap(module.BaseHandler, "resolve_request", _resolve_request)
    else:  # before Django 3.1
        _imports.wrap(module.BaseHandler, "_get_response", _resolve_request)


def _wsgi_call(original):
    def wrapper(self, environ, start_response):
        try:
            _http.framework("django")
        except Exception as error:
            trouble(error)
        return _wsgi.respond(original.__get__(self), environ, start_response)

    return wrapper


def _asgi_call(original):
    async def wrapper(self, scope, receive, send):
        try:
            _http.framework("django")
        except Exception as error:
            trouble(error)
        return await _asgi.respond(original.__get__(self), scope, receive, send)

    return wrapper


def _resolve_request(original):
    def wrapper(self, request):
        try:
            return original(self, request)
        finally:  # before Django 3.1, it is also what the view raises that comes by here
            _note_route(request)

    return wrapper


def _note_route(request):
    try:
        serves = serving()
        match = getattr(request, "resolver_match", None)
        if serves is None or match is None:
            return
        route = getattr(match, "route", None)  # which there is from Django 2.2 on, and may be a regular expression
        if route is not None:
            path, below = request.path, request.path_info
            template = _http.template(route)
            serves.route(template if path == below or not below else path[: -len(below)] + template)
    except Exception as error:
        trouble(error)


def _response_for_exception(original):
    def wrapper(request, exc):
        response = original(request, exc)
        try:
            serves = serving()
            if serves is not None and response.status_code >= 500:
                serves.fail(exc)
        except Exception as error:
            trouble(error)
        return response

    return wrapper
