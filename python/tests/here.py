"""Makes the package importable from a checkout, without tracing the tests themselves."""

import os
import sys

os.environ["LUMIGO_SWITCH_OFF"] = "true"
os.environ["OTEL_LOG_LEVEL"] = "error"
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import lumigo_opentelemetry  # noqa: E402, F401
from lumigo_opentelemetry import _handover, _log, _tracing  # noqa: E402


def reset(**settings):
    """Settings as if the engine had answered with these, and no spans waiting."""
    _tracing.settings.__init__()
    _tracing.configure(settings)
    _log.set_level("error")
    _log._said.clear()
    _tracing.unfinished.clear()
    del _handover.spans[:]
    del _handover.notes[:]


def keep(case):
    """Has what a test case hands over wait in the lists, where it looks at it, instead of leaving."""

    def hand_over(body, made, now):
        (_handover.spans if made else _handover.notes).append(body)

    for name, value in (("_drain", lambda: None), ("_hand_over", hand_over)):
        case.addCleanup(setattr, _tracing, name, getattr(_tracing, name))
        setattr(_tracing, name, value)


class Lines:
    """with Lines() as lines: collects what the distro logs, as (level, text)."""

    def __enter__(self):
        self._write, self._level = _log.write, _log.level
        _log.level = 0
        lines = []
        _log.write = lambda level, text: lines.append((level, text))
        return lines

    def __exit__(self, *exc_info):
        _log.write, _log.level = self._write, self._level
