"""Run by every Python that has its directory on PYTHONPATH, which `lumigo run` and the injector
see to, before the app: traces it, then gives way to the app's own sitecustomize. Short, because
it is compiled at each start where Python may not write .pyc files; and understood by Python 2.7,
which inherits PYTHONPATH like any other.
"""

import os
import sys

if not hasattr(sys, "_lumigo_injected"):
    # Without links: an upgrade turns them, and a process stays with the version it began with.
    _root = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    _keep = sys.dont_write_bytecode
    try:
        # Our own directory: nobody is bothered by .pyc files there, and without them
        # compiling would be most of our cost.
        sys._lumigo_injected = os.stat(_root).st_uid == os.geteuid()
        if sys._lumigo_injected:
            sys.dont_write_bytecode = False
        sys.path.insert(0, _root)
        try:
            import lumigo_opentelemetry._chain as _chain
        finally:
            sys.path.remove(_root)
            sys.dont_write_bytecode = _keep
    except Exception:
        sys.stderr.write("lumigo: error: tracing could not be started: %s\n" % (sys.exc_info()[1],))
    else:
        _chain.give_way(os.path.dirname(__file__))
