"""The current span follows the work: into threads, pools, tasks and greenlets, and no other
context variable of the app does."""

import unittest

from fake_engine import FakeEngine

PRELUDE = """
import sys, threading
import lumigo_opentelemetry
from lumigo_opentelemetry import _tracing
span = _tracing.start_span("outer")
token = _tracing.activate(span)
def current(): return getattr(_tracing.current_span(), "name", None)
"""


class ContextTest(unittest.TestCase):
    def run_app(self, code, python=None):
        with FakeEngine() as engine:
            status, out, err = engine.run(PRELUDE + code)
            self.assertEqual(0, status, err)
            return out

    def test_threads(self):
        out = self.run_app(
            """
import contextvars
theirs = contextvars.ContextVar("theirs", default="unset"); theirs.set("set")
class Worker(threading.Thread):
    def run(self): print("subclass", current())
def work(): print("target", current(), theirs.get())
for thread in (threading.Thread(target=work), Worker(), threading.Timer(0, work)):
    thread.start(); thread.join()
    print("run" in vars(thread))
_tracing.deactivate(token)
thread = threading.Thread(target=work); thread.start(); thread.join()
"""
        )
        # Python itself carries all context variables into threads from 3.14 on, if told to.
        lines = out.replace("outer set", "outer unset").splitlines()
        self.assertEqual(
            ["target outer unset", "False", "subclass outer", "False", "target outer unset", "False", "target None unset"], lines
        )

    def test_threads_started_before_threading_was_hooked_are_no_different(self):
        with FakeEngine() as engine:
            status, out, err = engine.run(
                "import threading\n" + PRELUDE + "t = threading.Thread(target=lambda: print(current())); t.start(); t.join()"
            )
            self.assertEqual((0, "outer\n"), (status, out), err)

    def test_pools(self):
        out = self.run_app(
            """
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor(1)
print(pool.submit(current).result(), list(pool.map(lambda _: current(), [1])))
_tracing.deactivate(token)
print(pool.submit(current).result())
def fail(): raise KeyError("theirs")
try: pool.submit(fail).result()
except KeyError: print("raised")
try: pool.submit()
except TypeError: print("refused")
pool.submit(_tracing.activate, span).result() # as a consumer's poll() does
print(pool.submit(current).result())
"""
        )
        self.assertEqual("outer ['outer']\nNone\nraised\nrefused\nNone\n", out)

    def test_pools_of_interpreters(self):
        out = self.run_app(
            """
import concurrent.futures.thread, types
class Pool(concurrent.futures.thread.ThreadPoolExecutor): pass
sys.modules["concurrent.futures.interpreter"] = types.SimpleNamespace(InterpreterPoolExecutor=Pool)
with Pool(1) as pool: print(pool.submit(current).result())
"""
        )
        self.assertEqual("None\n", out)

    def test_tasks_and_executors_of_a_loop(self):
        out = self.run_app(
            """
import asyncio
async def task(name):
    inner = _tracing.start_span(name); t = _tracing.activate(inner)
    await asyncio.sleep(0.001)
    assert current() == name
    _tracing.deactivate(t)
    return current()
async def main():
    print(await asyncio.gather(task("a"), task("b")))
    print(await asyncio.get_event_loop().run_in_executor(None, current))
loop = asyncio.new_event_loop(); loop.run_until_complete(main())
"""
        )
        self.assertEqual("['outer', 'outer']\nouter\n", out)

    def test_generators_resumed_elsewhere(self):
        out = self.run_app(
            """
def stream():
    t = _tracing.activate(_tracing.start_span("inner"))
    try: yield current()
    finally: _tracing.deactivate(t)
generator = stream(); print(next(generator))
import contextvars
contextvars.copy_context().run(generator.close)
print(current())
"""
        )
        self.assertEqual("inner\ninner\n", out)

    def test_greenlets_have_each_their_own(self):
        try:
            import greenlet
        except ImportError:
            self.skipTest("NO greenlet HERE: that greenlets keep their contexts apart has not been tested")
        if not getattr(greenlet, "GREENLET_USE_CONTEXT_VARS", False):
            self.skipTest("this greenlet is too old to know of context variables")
        out = self.run_app(
            """
import greenlet
def work():
    t = _tracing.activate(_tracing.start_span("inner"))
    main.switch()
    print(current())
    _tracing.deactivate(t)
main = greenlet.getcurrent()
g = greenlet.greenlet(work); g.switch(); print(current()); g.switch()
"""
        )
        self.assertEqual("outer\ninner\n", out)

    def test_suppression_and_tags_travel_as_well(self):
        out = self.run_app(
            """
lumigo_opentelemetry.add_execution_tags({"k": "v"})
def work(): print(_tracing.suppressed(), _tracing.start_span("x").attributes)
def in_thread():
    t = threading.Thread(target=work); t.start(); t.join()
in_thread()
with _tracing.suppress(): in_thread()
"""
        )
        self.assertEqual("False {'lumigo.execution_tags.k': 'v'}\nTrue {}\n", out)


if __name__ == "__main__":
    unittest.main()
