import functools
import os
import signal
import unittest
import unittest.mock

import here
from lumigo_opentelemetry import _handover, _http, _imports, _tracing


class Late(Exception):
    pass


def handler(number, frame):
    raise Late


class Handlers:
    def method(self, number, frame):
        raise Late

    def __call__(self, number, frame):
        raise Late


def interrupted(*args):
    """As if the signal had arrived right here."""
    os.kill(os.getpid(), signal.SIGUSR1)
    for _ in range(1000):
        pass
    raise AssertionError("the handler has not run")


class FromHandlers(unittest.TestCase):
    """What a signal handler raises is the app's, wherever among our guards the signal arrives."""

    def setUp(self):
        here.reset()
        self.handle(handler)

    def handle(self, with_what):
        self.addCleanup(signal.signal, signal.SIGUSR1, signal.signal(signal.SIGUSR1, with_what))

    def test_kinds_of_handlers(self):
        objects = Handlers()
        for kind in (handler, objects.method, objects, functools.partial(objects.method), lambda number, frame: handler(number, frame)):
            self.handle(kind)
            with self.assertRaises(Late):
                _imports.guard(interrupted)()

    def test_in_a_hook(self):
        with self.assertRaises(Late):
            try:
                interrupted()
            except Exception as error:
                _http.trouble(error)

    def test_while_a_span_is_encoded(self):
        here.keep(self)
        span = _tracing.start_span("x")
        with unittest.mock.patch.object(_tracing, "dumps", interrupted), self.assertRaises(Late):
            span.end()

    def test_while_spans_are_handed_over(self):
        with unittest.mock.patch.object(_handover, "_drain", interrupted), self.assertRaises(Late):
            _tracing.start_span("x").end()
        del _handover.spans[:]
        self.assertEqual(_handover._turn, [True], "nobody could send any more")

    def test_what_fails_by_itself_stays_ours(self):
        def fails():
            raise Late

        self.assertIsNone(_imports.guard(fails)())


if __name__ == "__main__":
    unittest.main()
