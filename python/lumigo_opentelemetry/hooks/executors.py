"""concurrent.futures: what is submitted to a pool of threads belongs to the span that
submitted it, and so does what a loop runs in its executor."""

from .. import _imports, _tracing


def install(module):
    _imports.wrap(module.ThreadPoolExecutor, "submit", _submit)


def _submit(submit):
    # CPython 3.7 and 3.8 name the first parameter self in *args, so that fn= may be a keyword.
    def wrapper(*args, **kwargs):
        if len(args) > 1:
            with _imports.guard:
                args = (args[0], _tracing.carry(args[1], True)) + args[2:]
        return submit(*args, **kwargs)

    return wrapper
