"""Exceptions that the app's signal handlers raise, such as those of celery's soft time limits, may come upon a hook at
work. They are the app's, and pass. Imported once something has been raised."""

import _signal


def let_pass(error):
    """Raises an exception again that a signal handler has raised, out of the guard that it was caught by."""
    handlers = _codes()
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code in handlers:
            raise error
        trace = trace.tb_next


def _codes():
    codes = set()
    for number in range(1, _signal.NSIG):
        try:
            handler = _signal.getsignal(number)
        except ValueError:
            continue
        while hasattr(handler, "func"):  # a functools.partial
            handler = handler.func
        code = getattr(handler, "__code__", None)
        if code is None and callable(handler):
            code = getattr(type(handler).__call__, "__code__", None)
        if code is not None:
            codes.add(code)
    return codes
