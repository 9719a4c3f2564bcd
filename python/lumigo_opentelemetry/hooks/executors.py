"""concurrent.futures: what is submitted to a pool of threads belongs to the span that
submitted it, and so does what a loop runs in its executor."""

import sys

from .. import _imports, _tracing


def install(module):
    _imports.wrap(module.ThreadPoolExecutor, "submit", _submit)


def _interpreters(pool):
    """Whether it runs what it is given in other interpreters, as it can be from 3.14 on, where nothing of here is current."""
    module = sys.modules.get("concurrent.futures.interpreter")
    return module is not None and isinstance(pool, module.InterpreterPoolExecutor)


def _submit(submit):
    # CPython 3.7 and 3.8 name the first parameter self in *args, so that fn= may be a keyword.
    def wrapper(*args, **kwargs):
        if len(args) > 1 and not _interpreters(args[0]):
            with _imports.guard:
                args = (args[0], _tracing.carry(args[1], True)) + args[2:]
        return submit(*args, **kwargs)

    return wrapper
