"""Nothing is lost in silence: what each process made is delivered or counted as dropped,
through threads, signals, forks, a slow engine, an engine that goes away, and every exit."""

import os
import signal
import sys
import time
import unittest
import unittest.mock

import here  # noqa: F401
from fake_engine import FakeEngine, until
from lumigo_opentelemetry import _handover

PRELUDE = """
import os, signal, sys, threading, time
import lumigo_opentelemetry
from lumigo_opentelemetry import _handover, _tracing
def span(name="x", **attributes):
    _tracing.start_span(name, _tracing.INTERNAL, attributes, None).end()
"""


class HandoverTest(unittest.TestCase):
    first = ""  # code that every app begins with

    def run_app(self, engine, code, **more):
        status, out, err = engine.run(PRELUDE + self.first + code, **more)
        self.assertEqual(0, status, err)
        return out

    def assert_exact(self, engine, made=None):
        """Each process said goodbye, and its spans add up; none came twice."""
        total = 0
        for stream in engine.streams:
            self.assertIsNotNone(stream.made, "process %d did not say goodbye" % stream.pid)
            self.assertEqual(stream.made, len(stream.spans) + stream.dropped)
            self.assertEqual(list(range(1, len(stream.sequences) + 1)), stream.sequences)
            total += stream.made
        ids = [span["span_id"] for span in engine.spans()]
        self.assertEqual(len(ids), len(set(ids)), "ids repeat")
        if made is not None:
            self.assertEqual(made, total)


class Meanwhile(unittest.TestCase):
    def test_a_span_that_ends_while_another_is_handed_over(self):
        written = []

        class Ring:
            def write(self, counts, body):
                written.append(body)
                if body == b"first":
                    _handover.hand_over(b"second", 1, time.time_ns())  # as in a signal handler
                return True

        with unittest.mock.patch.multiple(_handover, _ring=Ring(), mark=b"\1", _made=0, _check_due=1 << 64, _backlog=[]):
            _handover.hand_over(b"first", 1, time.time_ns())
        self.assertEqual(([b"first", b"second"], []), (written, _handover.spans))


class Accounting(HandoverTest):
    def test_threads_signals_and_forks(self):
        """8 threads, a signal handler that makes spans as well, and 20 forks meanwhile."""
        with FakeEngine() as engine:
            out = self.run_app(
                engine,
                """
handled = []
def handler(*_):
    span("signal"); handled.append(1)  # atomic: a handler may interrupt a handler
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
threads = [threading.Thread(target=lambda: [span("thread") for _ in range(1000)]) for _ in range(8)]
for t in threads: t.start()
for _ in range(20):
    pid = os.fork()
    if pid == 0:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for _ in range(50): span("child")
        os._exit(0)
    while True:
        try:
            os.waitpid(pid, 0); break
        except InterruptedError: pass
for t in threads: t.join()
signal.setitimer(signal.ITIMER_REAL, 0)
print(len(handled))
""",
            )
            self.assert_exact(engine)
            parent = max(engine.streams, key=lambda stream: stream.made)
            self.assertEqual(8000 + int(out), parent.made)
            self.assertEqual(21, len(engine.streams))
            for child in engine.streams:
                if child is not parent:
                    self.assertTrue(child.hello["forked"])
                    self.assertLessEqual(50, child.made)  # a signal may come before the timer is off

    def test_forks_that_python_is_not_told_of(self):
        """uWSGI forks in C: no at-fork hook runs, and ids would collide."""
        with FakeEngine() as engine:
            self.run_app(
                engine,
                """
import ctypes
fork = ctypes.PyDLL(None).fork  # unlike os.fork, runs no hooks
span("before")
for _ in range(4):
    if fork() == 0:
        for _ in range(10): span("child")
        os._exit(0)
    os.wait()
span("after")
""",
            )
            self.assert_exact(engine, made=42)
            self.assertEqual(5, len(engine.streams))

    def test_threads_that_begin_anew_at_once(self):
        """uWSGI's workers have threads, which may all have their first request at the same time."""
        with FakeEngine() as engine:
            self.run_app(
                engine,
                """
import ctypes
fork = ctypes.PyDLL(None).fork
disconnect = _handover._disconnect
_handover._disconnect = lambda: (time.sleep(0.05), disconnect())  # as when it waits for the interpreter
def work():
    for _ in range(10): span("child")
span("before")
for _ in range(2):
    if fork() == 0:
        threads = [threading.Thread(target=work) for _ in range(8)]
        for t in threads: t.start()
        for t in threads: t.join()
        os._exit(0)
    os.wait()
""",
            )
            self.assert_exact(engine, made=161)

    def test_a_span_open_at_the_fork_is_the_parents(self):
        with FakeEngine() as engine:
            self.run_app(
                engine,
                """
outer = _tracing.start_span("outer")
token = _tracing.activate(outer)
pid = os.fork()
_tracing.start_span("inner").end()
outer.end()
if pid == 0: os._exit(0)
os.waitpid(pid, 0)
""",
            )
            names = sorted(span["name"] for span in engine.spans())
            self.assertEqual(["inner", "inner", "outer"], names)
            self.assertEqual(1, len({span["trace_id"] for span in engine.spans()}))

    def test_a_slow_engine_fills_the_backlog_then_drops_are_counted(self):
        with FakeEngine(paused=True, answer_settings=False) as engine:
            process = engine.start(
                PRELUDE
                + """
t = time.monotonic()
for i in range(30000): span("x", number=i)
longest = time.monotonic() - t
print(_handover._dropped > 0, _handover._backlog_bytes <= _handover.BACKLOG_BYTES, flush=True)
sys.stdin.readline()
"""
            )
            self.assertEqual("True True\n", process.stdout.readline())
            engine.resume()
            process.communicate("\n", timeout=60)
            engine.settle()
            self.assert_exact(engine, made=30000)
            numbers = [span["attributes"]["number"] for span in engine.spans()]
            self.assertEqual(list(range(len(numbers))), numbers, "the newest are dropped, in order")

    def test_an_engine_that_never_reads_delays_the_exit_by_a_second_at_most(self):
        with FakeEngine(paused=True, answer_settings=False) as engine:
            process = engine.start(
                PRELUDE + "for i in range(20000): span()\nprint(flush=True); t = time.monotonic()\n"
                "import atexit; real = _handover.goodbye\n"
                "def timed(*a): t = time.monotonic(); real(*a); print(time.monotonic() - t)\n"
                "_handover.goodbye = timed"
            )
            out, err = process.communicate(timeout=60)
            self.assertEqual(0, process.returncode)
            self.assertLess(float(out.split()[-1]), 3)
            self.assertRegex(err, r"WARNING - \d+ spans could not be handed to the engine and are lost")


class Connection(HandoverTest):
    def test_it_reconnects_when_the_engine_is_back(self):
        with FakeEngine() as engine:
            process = engine.start(
                PRELUDE
                + """
span("before"); print(flush=True); sys.stdin.readline()
span("while away"); print(flush=True); sys.stdin.readline()
deadline = time.monotonic() + 30
while _handover._socket is None and time.monotonic() < deadline:
    span("knocking"); time.sleep(0.05)
span("after")
"""
            )
            process.stdout.readline()
            engine.settle()
            engine.close()
            process.stdin.write("\n")
            process.stdin.flush()
            process.stdout.readline()
            engine.listen()
            _, err = process.communicate("\n", timeout=60)
            engine.settle()
            self.assertEqual(0, process.returncode, err)
            names = [span["name"] for span in engine.spans()]
            self.assertEqual("before", names[0])
            self.assertEqual("while away", names[1], "the backlog comes first")
            self.assertEqual("after", names[-1])
            self.assertEqual(2, len(engine.streams))
            self.assertEqual(len(names), engine.streams[-1].made)

    def test_it_knocks_once_a_second_at_most(self):
        with FakeEngine() as engine:
            process = engine.start(
                PRELUDE
                + """
span(); print(flush=True); sys.stdin.readline()
attempts = 0
real = _handover._open
def counted(*a):
    global attempts
    attempts += 1
    return real(*a)
_handover._open = counted
start = time.monotonic()
while time.monotonic() - start < 1.5: span()
print(attempts, flush=True)
"""
            )
            process.stdout.readline()
            engine.close()
            out, err = process.communicate("\n", timeout=60)
            self.assertIn(out.strip(), ("1", "2"), err)
            engine.listen()

    def test_drops_reach_the_next_engine_once(self):
        with FakeEngine() as engine:
            process = engine.start(
                PRELUDE
                + """
span("before"); print(flush=True); sys.stdin.readline()
for _ in range(20000): span("lost or kept")
print(_handover._dropped, flush=True); sys.stdin.readline()
_handover._next_attempt = 0
span("after")
assert lumigo_opentelemetry.tracer_provider.force_flush(5000)
_handover._disconnect(); _handover._next_attempt = 0
span("on a third connection")
"""
            )
            process.stdout.readline()
            engine.settle()
            engine.close()
            process.stdin.write("\n")
            process.stdin.flush()
            dropped = int(process.stdout.readline())
            self.assertLess(0, dropped)
            engine.listen()
            _, err = process.communicate("\n", timeout=60)
            engine.settle()
            self.assertEqual(0, process.returncode, err)
            self.assertEqual(dropped, sum(stream.dropped for stream in engine.streams))
            self.assertEqual(20003, dropped + len(engine.spans()))

    def test_a_descriptor_that_the_app_closed_is_not_written_to(self):
        with FakeEngine() as engine:
            out = self.run_app(
                engine,
                """
import socket
span("before")
number = _handover._descriptor
os.close(number)
theirs, other = socket.socketpair()
os.dup2(theirs.fileno(), number)
span("in between")
_handover._next_attempt = 0
span("after")
other.setblocking(False)
try: print("received", other.recv(100))
except BlockingIOError: print("untouched")
os.fstat(number)
print(number >= 900)
""",
            )
            self.assertEqual("untouched\nTrue\n", out)
            self.assertEqual(["before", "in between", "after"], [span["name"] for span in engine.spans()])

    def test_a_program_that_closes_everything(self):
        """As daemons do. We come back with a new connection."""
        with FakeEngine() as engine:
            self.run_app(engine, "span('before'); os.closerange(3, 4096); _handover._next_attempt = 0; span('after')")
            self.assertEqual(["before", "after"], [span["name"] for span in engine.spans()])

    def test_few_descriptors_are_enough(self):
        with FakeEngine() as engine:
            self.run_app(
                engine,
                """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
_handover._disconnect(); _handover._next_attempt = 0
span()
assert _handover._descriptor < 64
""",
            )
            self.assertEqual(1, len(engine.spans()))

    def test_sigpipe_does_not_kill_the_app(self):
        with FakeEngine() as engine:
            process = engine.start(
                PRELUDE
                + "signal.signal(signal.SIGPIPE, signal.SIG_DFL)\nspan(); print(flush=True); sys.stdin.readline()\n"
                "span(); span(); print('alive')"
            )
            process.stdout.readline()
            engine.close()
            out, err = process.communicate("\n", timeout=60)
            self.assertEqual((0, "alive\n"), (process.returncode, out), err)
            engine.listen()


class Flush(HandoverTest):
    def test_force_flush_waits_for_the_engine(self):
        with FakeEngine() as engine:
            out = self.run_app(engine, "span(); print(lumigo_opentelemetry.tracer_provider.force_flush(5000))")
            self.assertEqual("True\n", out)

    def test_force_flush_gives_up_at_its_deadline(self):
        with FakeEngine(paused=True, answer_settings=False) as engine:
            process = engine.start(
                PRELUDE + "span(); t = time.monotonic()\n"
                "print(lumigo_opentelemetry.tracer_provider.force_flush(200), time.monotonic() - t < 5)"
            )
            out, err = process.communicate(timeout=60)
            self.assertEqual("False True\n", out, err)

    def test_force_flush_in_a_signal_handler_that_interrupts_a_sender(self):
        with FakeEngine() as engine:
            out = self.run_app(
                engine,
                """
results = []
real = _handover._send
def interrupted(*a):
    if not results:
        results.append(None)
        results.append(_handover.flush(1e6))  # would never end
    return real(*a)
_handover._send = interrupted
span()
print(results)
""",
            )
            self.assertEqual("[None, False]\n", out)
            self.assertEqual(1, len(engine.spans()))

    def test_threads_flush_side_by_side(self):
        with FakeEngine() as engine:
            out = self.run_app(
                engine,
                """
results = []
def work():
    for _ in range(20):
        span()
        results.append(_handover.flush(20))
threads = [threading.Thread(target=work) for _ in range(4)]
for t in threads: t.start()
for t in threads: t.join()
print(len(results), all(results))
""",
            )
            self.assertEqual("80 True\n", out)


class Exits(HandoverTest):
    def test_the_ways_a_process_may_end(self):
        below_a_request = "root = _tracing.start_span('root')\n_tracing.start_span('waits', parent=root).end()\n"
        under_way = "_tracing.unfinished.add(_tracing.start_span('under way', parent=None))\n"
        rows = [
            ("at the end of the program", "", 0),
            ("sys.exit", "sys.exit(3)", 3),
            ("an exception", "raise ValueError", 1),
            ("os._exit", "os._exit(4)", 4),
            ("in another thread's absence", "threading.Thread(target=span, daemon=True).start()", 0),
        ]
        for name, code, expected in rows:
            with self.subTest(name), FakeEngine() as engine:
                # The second span shares the frame of a request that never ends.
                status, _, err = engine.run(PRELUDE + "span()\n" + below_a_request + under_way + code)
                self.assertEqual(expected, status, err)
                names = [span["name"] for span in engine.spans()]
                self.assertIn("waits", names)
                self.assertIn("under way", names)
                self.assert_exact(engine)

    def test_multiprocessing_children_say_goodbye(self):
        for method in ("fork", "spawn", "forkserver"):
            with self.subTest(method), FakeEngine() as engine:
                path = os.path.join(engine.directory, "app.py")
                with open(path, "w") as file:
                    file.write(
                        "import multiprocessing, os\n"
                        "from lumigo_opentelemetry import _tracing\n"
                        "def work(n):\n"
                        "    root = _tracing.start_span('root')\n"
                        "    _tracing.start_span('work', parent=root).end()\n"
                        "if __name__ == '__main__':\n"
                        "    context = multiprocessing.get_context(%r)\n"
                        "    workers = [context.Process(target=work, args=(i,)) for i in range(3)]\n"
                        "    for w in workers: w.start()\n"
                        "    for w in workers: w.join()\n" % method
                    )
                status, _, err = engine.run("import runpy; runpy.run_path(%r, run_name='__main__')" % path, inject=True)
                if method == "fork":
                    self.assertEqual(0, status, err)
                else:  # the children import the main module by its path
                    import subprocess

                    engine.streams = []
                    result = subprocess.run([sys.executable, path], env=engine.environ(inject=True), stderr=subprocess.PIPE)
                    self.assertEqual(0, result.returncode, result.stderr)
                    engine.settle()
                self.assertEqual(["work"] * 3, [span["name"] for span in engine.spans()])
                for stream in engine.streams:
                    if stream.spans:
                        self.assertEqual(1, stream.made)

    def test_a_request_cut_short_by_a_kill_was_announced(self):
        with FakeEngine() as engine:
            process = engine.start(PRELUDE + "_tracing.start_span('GET /', _tracing.SERVER)\nprint(flush=True)\ntime.sleep(60)")
            process.stdout.readline()
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=60)
            self.assertTrue(until(lambda: engine.streams and engine.streams[0].started))
            self.assertIsNone(engine.streams[0].made)
            self.assertEqual("GET /", engine.streams[0].started[0][6])

    def test_children_share_the_frame_of_their_request(self):
        with FakeEngine() as engine:
            self.run_app(
                engine,
                """
request = _tracing.start_span("request", _tracing.SERVER)
before = _handover._sequence
now = request.start_ns
for i in range(5): _tracing.start_span("child", parent=request, start=now).end(now)
request.end(now)
print(_handover._sequence - before)
""",
            )
            self.assertEqual(6, len(engine.spans()))

    def test_a_child_span_does_not_wait_behind_a_long_request(self):
        with FakeEngine() as engine:
            process = engine.start(
                PRELUDE
                + """
request = _tracing.start_span("request", _tracing.SERVER)
_handover.last_sent -= 10 ** 9  # it has gone on for a second
_tracing.start_span("child", parent=request).end()
print(flush=True); sys.stdin.readline()
"""
            )
            process.stdout.readline()
            self.assertTrue(until(lambda: engine.spans()))
            process.communicate("\n", timeout=60)


if __name__ == "__main__":
    unittest.main()
