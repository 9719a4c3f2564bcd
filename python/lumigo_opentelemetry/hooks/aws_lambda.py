"""AWS Lambda's Python runtime: the handler that it is told of has a span for each invocation."""

from .. import _imports, _lambda
from .._http import trouble


def install(module):
    name = "get_handler" if hasattr(module, "get_handler") else "_get_handler"  # public in 4.1 alone
    _imports.wrap(module, name, _get_handler)


def _get_handler(original):
    def wrapper(*args, **named):
        handler = original(*args, **named)
        try:
            return _lambda.traced(handler) if callable(handler) else handler
        except Exception as error:
            trouble(error)
            return handler

    return wrapper
