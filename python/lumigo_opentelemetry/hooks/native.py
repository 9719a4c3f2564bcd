"""Libraries that trace themselves once a tracer provider is configured, as the bridge to opentelemetry-api makes it seem.

Their requests have our span already, or the user opted out of them.
"""

from .. import _imports


def install(module):
    if hasattr(module, "_unconfigured"):
        _imports.wrap(module, "_unconfigured", _unconfigured)


def _unconfigured(original):
    def wrapper(provider):
        return type(provider).__module__.startswith(__package__) or original(provider)

    return wrapper
