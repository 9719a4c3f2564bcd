"""AWS Lambda's Python runtime: the handler that it is told of has a span for each invocation."""

from .. import _imports, _lambda
from .._http import trouble


def install(module):
    _imports.wrap(module, "_get_handler", _get_handler)


def _get_handler(original):
    def wrapper(*args, **named):
        handler = original(*args, **named)
        try:
            return _lambda.traced(handler) if callable(handler) else handler
        except Exception as error:
            trouble(error)
            return handler

    return wrapper
