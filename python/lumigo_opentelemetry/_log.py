"""Our log lines, in the form of the original distro, without importing logging.

"#LUMIGO# - 2026-01-02 15:04:05,000 - LEVEL - text" on standard error, one write a line.
"""

import os
import sys
import time

LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "OFF": 100}
_ALIASES = {"WARN": "WARNING", "NONE": "OFF", "FATAL": "ERROR", "CRITICAL": "ERROR", "TRACE": "DEBUG"}

level = 20
_said = set()


def set_level(name):
    """Show lines of this level and above; an unknown name changes nothing."""
    global level
    name = str(name).strip().upper()
    level = LEVELS.get(_ALIASES.get(name, name), level)


def from_environment():
    if os.environ.get("LUMIGO_DEBUG", "").lower() == "true":
        set_level("DEBUG")
    else:
        set_level(os.environ.get("OTEL_LOG_LEVEL", ""))


def write(level_name, text):
    if LEVELS.get(level_name, 20) < level:
        return
    try:
        now = time.time()
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
        sys.stderr.write("#LUMIGO# - %s,%03d - %s - %s\n" % (stamp, int(now * 1000) % 1000, level_name, text))
        sys.stderr.flush()
    except Exception:
        pass  # no standard error, or one that the app has closed: nobody to tell


def debug(text):
    write("DEBUG", text)


def info(text):
    write("INFO", text)


def warning(text):
    write("WARNING", text)


def error(text):
    write("ERROR", text)


def once(level_name, text):
    """Write a line unless it has been written before; remembers a bounded number."""
    if text not in _said:
        if len(_said) < 256:
            _said.add(text)
        write(level_name, text)
