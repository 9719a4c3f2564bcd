"""uWSGI: an application that is a bare function, or an object of whatever framework.

uWSGI calls applications from C, so what they are is its seam: an object is traced where its class is called, as Flask
and Django are. A bare function is replaced in its module when `--module` imports that; one that `--wsgi-file` loads,
which no import hook sees, is given another body once the worker has forked. (With `--lazy-apps` the latter happens
before the file is loaded, and what is in there stays untraced.)
"""

import sys
from types import FunctionType

from .. import _imports, _wsgi
from .._http import trouble

_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: a class that was made at run time

_uwsgi = None


def watch():
    """Waits for uWSGI's module, which appears without an import once the interpreter runs."""
    sys.meta_path.insert(0, _Watch())


class _Watch:
    """Asked for every module that is imported, the application's among them; by then the options are there."""

    def find_spec(self, name, path=None, target=None):
        module = sys.modules.get("uwsgi")
        if hasattr(module, "opt"):
            sys.meta_path.remove(self)
            _imports.enable()
        return None


def install(module):
    global _uwsgi
    if module.__name__ == "uwsgi":
        _uwsgi = module
        previous = getattr(module, "post_fork_hook", None)
        module.post_fork_hook = _forked if previous is None else lambda: (previous(), _forked())
        target = _option("module") or _option("wsgi")
        if target:
            _imports.HOOKS.setdefault(target.partition(":")[0], "uwsgi")
    elif module.__name__ == "uwsgidecorators":
        module.postfork_chain.append(_forked)  # it has just taken the place of ours
    else:
        name = _callable(_option("module") or _option("wsgi"))
        app = getattr(module, name, None)
        if type(app) is FunctionType:
            setattr(module, name, _wsgi.traced(app))
        else:
            _trace_class(app)


def _option(name):
    options = getattr(_uwsgi, "opt", None) or {}
    value = options.get(name) or options.get(name.encode())
    if isinstance(value, (list, tuple)):
        value = value[0]
    return value.decode() if isinstance(value, bytes) else value


def _callable(target):
    return (target or "").partition(":")[2] or _option("callable") or "application"


def _forked():
    try:
        module = _option("module") or _option("wsgi")
        if module:
            names = [module.partition(":")[0]]
        else:
            names = [name for name in sys.modules if name.startswith("uwsgi_file_")]
        for name in names:
            app = getattr(sys.modules.get(name), _callable(module), None)
            if type(app) is FunctionType:
                _replace_body(app)
            else:
                _trace_class(app)
    except Exception as error:
        trouble(error)


def _trace_class(app):
    """Makes the class of the object that uWSGI holds trace its calls; those written in C cannot be changed."""
    if app is not None and type(app).__flags__ & _HEAP_TYPE and callable(app):
        _imports.wrap(type(app), "__call__", _call)


def _call(original):
    def wrapper(self, *args, **named):
        if len(args) == 2 and isinstance(args[0], dict):  # else it is no request
            return _wsgi.respond(original.__get__(self), *args)
        return original(self, *args, **named)

    return wrapper


def _replace_body(app):
    """Makes the function that uWSGI holds call a traced copy of itself."""
    if app.__code__.co_freevars or app.__code__ is _body.__code__:
        return
    copy = FunctionType(app.__code__, app.__globals__, app.__name__, app.__defaults__)
    copy.__kwdefaults__ = app.__kwdefaults__
    copy.__dict__.update(app.__dict__)
    app.__kwdefaults__ = {"lumigo": _wsgi.traced(copy)}
    app.__defaults__ = None
    app.__code__ = _body.__code__


def _body(environ, start_response, *, lumigo):
    return lumigo(environ, start_response)
