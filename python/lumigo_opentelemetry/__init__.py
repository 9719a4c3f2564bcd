"""The Lumigo OpenTelemetry distro: importing this package traces the process.

Configured by environment variables alone. Most programs need no more than the import, or
nothing at all when started with `lumigo run`. For more there are add_execution_tags,
create_programmatic_error, lumigo_wrapped, lumigo_instrument_lambda and tracer_provider.
On an interpreter that is not supported, one warning is all that happens.
"""

# Python 2.7 reads this file too, _log.py and _chain.py, and goes no further.
import os
import sys

__all__ = (
    "add_execution_tags",
    "auto_load",
    "create_programmatic_error",
    "init",
    "logger",
    "logger_provider",
    "lumigo_instrument_lambda",
    "lumigo_wrapped",
    "tracer_provider",
)

logger_provider = None  # logs are not collected
_switched_off = False


def auto_load(_module=None):
    """What autowrapt calls; the work was done by importing this package."""
    if not hasattr(sys, "argv"):
        sys.argv = [""]  # bpo-32573: libraries that are imported early look at it


def init():
    """Start tracing, unless it has been started. Returns both providers."""
    _activate()
    return {"tracer_provider": __getattr__("tracer_provider"), "logger_provider": logger_provider}


def _activate():
    global _switched_off
    if os.environ.get("LUMIGO_SWITCH_OFF", "").lower() == "true":
        if not _switched_off:
            _switched_off = True
            from . import _log

            _log.from_environment()
            _log.info("Lumigo OpenTelemetry distribution disabled via the 'LUMIGO_SWITCH_OFF' environment variable")
    elif (3, 7) <= sys.version_info[:2] <= (3, 14):
        from . import _bootstrap

        _bootstrap.activate()
    else:
        from . import _log

        _log.once(
            "WARNING",
            "Unsupported Python version %d.%d; only Python 3.7 to 3.14 are supported." % tuple(sys.version_info[:2]),
        )


def __getattr__(name):
    """The rest of the API costs its import only to those who use it (PEP 562)."""
    if name in __all__:
        from . import _api

        value = getattr(_api, name)
        globals()[name] = value
        return value
    raise AttributeError("module %r has no attribute %r" % (__name__, name))


try:
    _activate()
except Exception:  # nothing of ours may stop the app
    sys.stderr.write("lumigo: error: this process is not traced: %s\n" % (sys.exc_info()[1],))
