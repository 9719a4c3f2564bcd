"""FastAPI, where newer versions match the routes of included routers by themselves: the full route of a request."""

from .. import _imports
from .._http import serving, trouble


def install(module):
    if "handle" in vars(module.APIRoute):  # else Starlette's serves
        _imports.wrap(module.APIRoute, "handle", _handle)


def _handle(original):
    def wrapper(self, scope, receive, send):
        handling = original(self, scope, receive, send)
        try:
            request = serving()
            context = (scope.get("fastapi") or {}).get("effective_route_context")
            if request is not None and getattr(context, "original_route", None) is self:
                request.route(request.prefix + context.path)
        except Exception as error:
            trouble(error)
        return handling

    return wrapper
