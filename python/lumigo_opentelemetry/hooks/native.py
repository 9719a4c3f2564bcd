"""Libraries that trace themselves once a tracer provider is configured, as the bridge to opentelemetry-api makes it seem.

Their requests have our span already, or the user opted out of them.
"""

from .. import _imports


def install(module):
    if module.__name__ == "anthropic._tracing":
        _imports.wrap(module, "get_tracer", _get_tracer)
    elif hasattr(module, "_unconfigured"):
        _imports.wrap(module, "_unconfigured", _unconfigured)


def _unconfigured(original):
    def wrapper(provider):
        return type(provider).__module__.startswith(__package__) or original(provider)

    return wrapper


def _get_tracer(original):
    """anthropic from 2.0 on makes a span of each call with what this returns, unless it is None."""

    def wrapper(*args, **named):
        tracer = original(*args, **named)
        if type(tracer).__module__.startswith(__package__):
            return None
        if tracer is not None:  # of a provider of the app's, to which we listen
            _imports.stand_aside("anthropic")
        return tracer

    return wrapper
