"""Starts tracing in this process: once, guarded, and without importing what the app does not.

The order is that of the original: loading line, engine, settings, hooks; the switch-off came
before, in the package itself, where it costs least.
Without an engine nothing is patched.
"""

import atexit
import os
import sys

from . import _log

_PACKAGE = __package__
_CONFIG_PREFIXES = ("LUMIGO_", "OTEL_", "AUTOWRAPT_", "ECS_", "AWS_", "_X_AMZN_")
_CONFIG_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_ENVIRON_VALUE = 4096
_ENVIRON_TOTAL = 48 * 1024
_SETTINGS_SECONDS = 1.0
_GOODBYE_SECONDS = 1.0

active = False  # whether spans are made
_begun = False
_version = None


def activate():
    """Start tracing unless it has been tried before. Never raises."""
    global _begun
    if _begun:
        return
    _begun = True
    try:
        _log.from_environment()
        _activate()
    except Exception as err:
        _log.warning("Tracing could not be started, this process runs untraced: %s: %s" % (type(err).__name__, err))


def version():
    """What the file VERSION says."""
    global _version
    if _version is None:
        _version = _read_version()
    return _version


def _read_version():
    try:
        with open(os.path.join(os.path.dirname(__file__), "VERSION")) as file:
            return file.read().strip()
    except OSError:
        return "unknown"


def injection_mode():
    named = _PACKAGE in os.environ.get("AUTOWRAPT_BOOTSTRAP", "").split(",")
    return "automatic injection" if named or hasattr(sys, "_lumigo_injected") else "import"


def _activate():
    global active
    _log.info("Loading the Lumigo OpenTelemetry distribution v%s (injection mode: %s)" % (version(), injection_mode()))

    from . import _handover, _imports, _tracing

    _handover.hello = greeting
    fields = _connect(_handover)
    if fields is None:
        return
    if "log_level" in fields:
        _log.set_level(fields["log_level"])
    for line in fields.get("log") or ():
        _log.write(*line)
    # Registered early, so that it runs after what the app registers.
    atexit.register(_goodbye)
    if fields.get("active") is False:
        return
    _tracing.configure(fields)
    _imports.private_directory = getattr(sys, "_lumigo_injected", False)
    _imports.wrap(os, "_exit", _leaving)
    active = True
    _imports.enable(fields.get("disabled") or (), {"logging"} if fields.get("traces") is False else None)


def _connect(handover):
    """The engine's settings; {} if it is slow to send them; None if there is no engine."""
    key, _, handover.path = os.environ.get("LUMIGO_ENGINE", "").partition("@")
    handover.key = key.rpartition(":")[2]
    if handover.path:
        fields = handover.connect(_SETTINGS_SECONDS)
        if fields is not None:
            return fields
    from . import _engine

    handover.path, handover.key = _engine.start()
    if not handover.path:
        return None
    fields = handover.connect(_SETTINGS_SECONDS)
    if fields is None:
        _log.warning("The Lumigo engine does not answer on '%s'; this process is not traced" % handover.path)
        handover.path = None
    return fields


def greeting(forked):
    """What this process tells the engine about itself."""
    from . import _handover

    info = sys.version_info
    number = "%d.%d.%d" % info[:3]
    if info.releaselevel != "final" or info.serial:
        number = "%d.%d.%d-%s.%d" % tuple(info)
    config, environ, total = {}, [], 0
    for name, value in list(os.environ.items()):
        if name.startswith(_CONFIG_PREFIXES) or name.upper() in _CONFIG_NAMES:
            config[name] = value
        if total < _ENVIRON_TOTAL and name != "LUMIGO_ENGINE":
            value = value[: min(_ENVIRON_VALUE, _ENVIRON_TOTAL - total)]
            total += len(name) + len(value)
            environ.append((name, value))
    config.pop("LUMIGO_ENGINE", None)
    return {
        "key": _handover.key,
        "pid": os.getpid(),
        "ppid": os.getppid(),
        "language": "python",
        "runtime": (sys.implementation.name, number, sys.version),
        "executable": sys.executable or "",
        "argv": _argv(),
        "mode": injection_mode(),
        "distro": version(),
        "forked": bool(forked),
        "config": config,
        "environ": environ,
    }


def _argv():
    argv = getattr(sys, "orig_argv", None)
    if argv is None:
        try:
            with open("/proc/self/cmdline", "rb") as file:
                argv = [os.fsdecode(arg) for arg in file.read(65536).split(b"\0")[:-1]]
        except OSError:
            argv = getattr(sys, "argv", [])
    return [str(arg)[:4096] for arg in argv[:256]]


def _goodbye():
    """Hand over the rest at exit, also of what was under way. An engine that `lumigo run` keeps alive does the sending
    after us; one that lives beside the app may die with the container, so it is waited for."""
    try:
        from . import _handover, _tracing

        _tracing.end_unfinished()
        _handover.goodbye(_GOODBYE_SECONDS, os.environ.get("LUMIGO_ENGINE", "").startswith("detached:"))
    except Exception:
        pass


def _leaving(leave):
    """os._exit skips atexit, and is how forked workers end."""

    def _exit(*args, **kwargs):
        _goodbye()
        return leave(*args, **kwargs)

    return _exit
