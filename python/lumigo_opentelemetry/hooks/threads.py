"""threading: what a thread does belongs to the span that started it."""

from .. import _imports, _tracing

# Their threads serve whoever comes; each piece of work brings its own context.
_POOLS = ("concurrent.futures.thread", "multiprocessing.pool")


def install(module):
    _imports.wrap(module.Thread, "start", _start)


def _start(start):
    def wrapper(self, *args, **kwargs):
        with _imports.guard:
            _attach(self)
        return start(self, *args, **kwargs)

    return wrapper


def _attach(thread):
    if getattr(getattr(thread, "_target", None), "__module__", None) in _POOLS:
        return
    if "run" in vars(thread):
        return  # the app has put its own there
    run = thread.run
    carried = _tracing.carry(run)
    if carried is run:
        return

    def run_once():
        vars(thread).pop("run", None)  # a reference cycle otherwise, and visible
        return carried()

    thread.run = run_once
