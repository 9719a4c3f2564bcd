"""Memory shared with the engine: the ring itself, and everything that must be true of handing
over by socket once more, with a ring."""

import os
import signal
import subprocess
import sys
import unittest

import here  # noqa: F401
import test_handover
from fake_engine import FakeEngine, until

try:
    from lumigo_opentelemetry import _ring

    mark = _ring.fork_mark()
    _ring.Ring(65536, lambda: True).shared()
    missing = None if mark else "no fork mark"
except Exception as err:  # Python 3.7, an old kernel
    missing = "no shared memory here: %s" % err

CAPACITY = 65536
ONE = 1 << 48 | 1 << 32


@unittest.skipIf(missing, missing)
class RingTest(unittest.TestCase):
    def setUp(self):
        self.woken = 0
        self.ring = _ring.Ring(CAPACITY, self.wake)
        from fake_engine import Ring

        self.taken = []
        self.reader = Ring(os.dup(self.ring.descriptor))
        self.ring.shared()

    def wake(self):
        self.woken += 1
        return True

    def write(self, body):
        return self.ring.write(ONE, body)

    def read(self):
        self.reader.read(self, self.reader.head())

    # as a stream of the fake engine
    dropped = 0

    def take(self, body, count):
        self.taken.append(bytes(body))

    def test_what_is_written_is_read_through_many_rounds(self):
        """Sizes that do and do not fit before the end of the ring."""
        written = []
        for number in range(3000):
            body = bytes([number % 251]) * (number * 37 % 3000)
            if not self.write(body):
                self.read()
                self.assertTrue(self.write(body))
            written.append(body)
        self.read()
        self.assertEqual(written, self.taken)

    def test_entries_that_end_where_the_ring_ends(self):
        """There is nothing to skip then."""
        for number in range(4 * CAPACITY // 1024):
            self.assertTrue(self.write(b"%04d" % number * 254))
            if number % 16 == 15:
                self.read()
        self.assertEqual([b"%04d" % number * 254 for number in range(4 * CAPACITY // 1024)], self.taken)

    def test_bodies_as_large_as_the_ring_takes(self):
        """Half of it, wherever the last one ended."""
        for size in (0, 1, 7, 8, 9, 1000, CAPACITY // 2 - 8, CAPACITY // 2 - 8, CAPACITY // 2 - 8):
            self.assertTrue(self.write(b"x" * size), size)
            self.read()
        self.assertFalse(self.write(b"x" * (CAPACITY - 7)))
        self.assertEqual(9, len(self.taken))

    def test_full_is_full_until_something_is_read(self):
        body = b"x" * 1000
        fitted = 0
        while self.write(body):
            fitted += 1
        self.assertEqual(CAPACITY // 1008, fitted)
        self.assertFalse(self.write(body))
        self.read()
        self.assertTrue(self.write(body))

    def test_the_engine_is_woken_before_the_ring_is_full(self):
        body = b"x" * 1000
        for _ in range(CAPACITY // 2 // 1008):
            self.write(body)
        self.assertEqual(0, self.woken)
        self.write(body)
        self.assertEqual(1, self.woken)
        for _ in range(5):
            self.write(body)
        self.assertEqual(1, self.woken, "once is enough for a while")

    def test_an_engine_that_sleeps_is_woken_once(self):
        self.write(b"a")
        self.reader.words[self.reader.STATE] = 3
        for _ in range(3):
            self.write(b"b")
        self.assertEqual(1, self.woken)
        self.reader.words[self.reader.STATE] = 4  # awake
        self.write(b"c")
        self.reader.words[self.reader.STATE] = 5  # asleep again
        self.write(b"d")
        self.assertEqual(2, self.woken)

    def test_what_nobody_has_read_is_taken_back(self):
        self.write(b"read")
        self.read()
        for number in range(70):
            self.write(b"x" * 900)
            if number == 40:
                self.read()
        left = self.ring.abandon()
        self.assertEqual([[b"x" * 900, 1, 1]] * 29, left)

    def test_without_x86_writes_are_put_in_order(self):
        """The fence is taken for its effect on memory; here only that it does no harm."""
        from _thread import allocate_lock

        self.ring._fence = allocate_lock()
        self.ring._fence.acquire()
        for _ in range(10):
            self.assertTrue(self.write(b"x"))
        self.read()
        self.assertEqual([b"x"] * 10, self.taken)

    def test_a_fork_wipes_the_mark(self):
        mark = _ring.fork_mark()
        self.assertEqual(1, mark[0])
        pid = os.fork()
        if pid == 0:
            os._exit(mark[0])
        self.assertEqual(0, os.waitpid(pid, 0)[1])
        self.assertEqual(1, mark[0])


class WithRing:
    """Every app of these tests shares memory after its first frames."""

    def setUp(self):
        FakeEngine.ring = 4 * CAPACITY
        self._prelude = test_handover.PRELUDE
        test_handover.PRELUDE += "_handover._RING_AFTER = _handover._ring_due = 0\n"

    def tearDown(self):
        FakeEngine.ring = 0
        test_handover.PRELUDE = self._prelude


@unittest.skipIf(missing, missing)
class Accounting(WithRing, test_handover.Accounting):
    def test_a_ring_is_used(self):
        with FakeEngine() as engine:
            out = self.run_app(
                engine,
                """
while _handover._ring is None: span("before"); time.sleep(0.001)
frames = _handover._sequence
for _ in range(5000): span(text='x' * 100)
print(_handover._sequence - frames)
""",
            )
            self.assert_exact(engine)
            self.assertGreater(engine.streams[0].ring.head(), 4 * CAPACITY)
            self.assertLess(int(out), 500, "only to wake the engine")

    def test_an_engine_that_stops_reading(self):
        """The ring fills, then the backlog; what is dropped is counted."""
        with FakeEngine() as engine:
            process = engine.start(
                test_handover.PRELUDE
                + """
span(); span(); span()
while _handover._ring is None: span(); time.sleep(0.001)
print(flush=True); sys.stdin.readline()
for i in range(30000): span("x", number=i)
print(_handover._ring is not None, _handover._dropped > 0, flush=True)
sys.stdin.readline()
"""
            )
            process.stdout.readline()
            engine.settle()
            before = len(engine.spans())
            engine.paused = True
            engine.settle()
            process.stdin.write("\n")
            process.stdin.flush()
            self.assertEqual("True True\n", process.stdout.readline())
            engine.resume()
            process.communicate("\n", timeout=60)
            engine.settle()
            self.assert_exact(engine, made=before + 30000)
            numbers = [span["attributes"]["number"] for span in engine.spans()[before:]]
            self.assertEqual(list(range(len(numbers))), numbers, "the newest are dropped, in order")

    def test_what_a_killed_process_has_written_arrives(self):
        with FakeEngine() as engine:
            process = engine.start(
                test_handover.PRELUDE
                + """
while _handover._ring is None: span("before"); time.sleep(0.001)
for i in range(100): span("x")
os.kill(os.getpid(), signal.SIGKILL)
"""
            )
            process.communicate(timeout=60)
            self.assertEqual(-signal.SIGKILL, process.returncode)
            self.assertTrue(until(lambda: [s["name"] for s in engine.spans()].count("x") == 100))


@unittest.skipIf(missing, missing)
class Connection(WithRing, test_handover.Connection):
    def test_spans_that_a_crashed_engine_has_not_read_go_to_the_next(self):
        with FakeEngine() as engine:
            process = engine.start(
                test_handover.PRELUDE
                + """
while _handover._ring is None: span("before"); time.sleep(0.001)
print(flush=True); sys.stdin.readline()
for i in range(20): span("unread")
print(flush=True); sys.stdin.readline()
_handover._check_due = 0  # a second has passed
span("noticed")
assert _handover._ring is None and _handover._socket is None
_handover._next_attempt = 0
span("after")
"""
            )
            process.stdout.readline()
            engine.settle()
            engine.paused = True
            engine.settle()
            process.stdin.write("\n")
            process.stdin.flush()
            process.stdout.readline()
            engine.close()
            engine.paused = False
            engine.listen()
            _, err = process.communicate("\n", timeout=60)
            engine.settle()
            self.assertEqual(0, process.returncode, err)
            names = [span["name"] for span in engine.spans()]
            self.assertEqual(["unread"] * 20 + ["noticed", "after"], [n for n in names if n != "before"])
            self.assertEqual(len(names), engine.streams[-1].made)

    def test_an_engine_that_wants_no_more_of_the_ring(self):
        """It says so in the ring, and the process goes on by socket with what was not read."""
        with FakeEngine() as engine:
            self.run_app(
                engine,
                """
while _handover._ring is None: span("before"); time.sleep(0.001)
_handover._ring._words[17] = 1
for _ in range(3): span("after")
assert _handover._ring is None and _handover._socket is not None
""",
            )
            self.assert_exact(engine)
            self.assertEqual(3, [span["name"] for span in engine.spans()].count("after"))

    def test_the_apps_descriptors_are_left_alone(self):
        """A daemon closes everything and opens files of its own; neither it nor its children
        find them closed by us."""
        with FakeEngine() as engine:
            out = self.run_app(
                engine,
                """
while _handover._ring is None: span("before"); time.sleep(0.001)
os.closerange(3, 4096)
own = [os.open("/dev/null", os.O_RDONLY) for _ in range(20)]
for _ in range(3):
    span("after")
    pid = os.fork()
    if pid == 0:
        span("child")
        import gc; gc.collect()
        for number in own: os.fstat(number)
        os._exit(0)
    print(os.waitpid(pid, 0)[1])
for number in own: os.fstat(number)
""",
            )
            self.assertEqual("0\n" * 3, out)


@unittest.skipIf(missing, missing)
class Flush(WithRing, test_handover.Flush):
    pass


@unittest.skipIf(missing, missing)
class Exits(WithRing, test_handover.Exits):
    pass


class WithoutRing(unittest.TestCase):
    def test_where_there_is_no_such_memory_the_socket_does(self):
        """As in Python 3.7, in old kernels, and where a sandbox forbids it."""
        try:
            FakeEngine.ring = 4 * CAPACITY
            for how in ("del os.memfd_create", "import mmap; mmap.mmap = None", "os.posix_fallocate = None", "sys.modules['mmap'] = None"):
                with self.subTest(how), FakeEngine() as engine:
                    code = "try: %s\nexcept AttributeError: pass\n" % how
                    status, _, err = engine.run(test_handover.PRELUDE + code + "for _ in range(100): span()")
                    self.assertEqual(0, status, err)
                    self.assertEqual(100, len(engine.spans()))
                    self.assertIsNone(engine.streams[0].ring)
        finally:
            FakeEngine.ring = 0

    def test_start_up_does_not_pay_for_it(self):
        with FakeEngine() as engine:
            out = subprocess.run(
                [sys.executable, "-c", test_handover.PRELUDE + "span(); print('mmap' in sys.modules)"],
                env=engine.environ(),
                stderr=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                universal_newlines=True,
            ).stdout
            self.assertEqual("False\n", out)


if __name__ == "__main__":
    unittest.main()
