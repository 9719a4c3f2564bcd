import logging
import marshal
import unittest

from hooks_support import HookCase
from lumigo_opentelemetry import _handover, _tracing


class Loop:
    """Logs itself whenever it is asked for its text, which the handler here never does."""

    def __str__(self):
        logging.getLogger("tests.logs").error("%s", self)
        return "loop"


class Kept(logging.Handler):
    def emit(self, record):
        pass


class LoggingCase(HookCase):
    def setUp(self):
        super().setUp()
        _tracing.configure({"logs": True})
        self.before = dict(vars(logging.Logger)), dict(vars(logging.root))
        self.hook("logging", logging)
        self.logger = logging.getLogger("tests.logs")
        self.logger.setLevel(logging.DEBUG)
        self.logger.propagate = True
        self.handler = Kept()
        logging.root.addHandler(self.handler)
        self.addCleanup(logging.root.removeHandler, self.handler)

    def records(self):
        return [marshal.loads(data) for data in _handover.spans]

    def bodies(self):
        return [record[8] for record in self.records()]

    def test_a_record(self):
        self.logger.warning("order %d", 7, extra={"customer": 42})
        (record,) = self.records()
        self.assertEqual(record[:4], (4, None, None, 0))
        self.assertEqual(record[5:9], (13, "WARN", "tests.logs", "order 7"))
        self.assertEqual(record[9]["customer"], 42)
        self.assertEqual(record[9]["code.function.name"], "test_a_record")
        self.assertEqual((record[9]["otelTraceID"], record[9]["otelSpanID"], record[9]["otelTraceSampled"]), ("0", "0", False))

    def test_a_record_in_a_span(self):
        span = _tracing.start_span("work")
        token = _tracing.activate(span)
        self.logger.info("in it")
        _tracing.deactivate(token)
        (record,) = self.records()
        self.assertEqual(record[1:4], (span.trace_id, span.span_id, 1))
        self.assertEqual(record[9]["otelTraceID"], span.trace_id.hex())

    def test_levels(self):
        for level, number in ((5, 1), (10, 5), (13, 8), (20, 9), (30, 13), (35, 16), (40, 17), (50, 21), (70, 24)):
            self.logger.setLevel(1)
            self.logger.log(level, "")
            self.assertEqual(self.records()[-1][5], number)

    def test_what_the_configuration_stops_is_not_seen(self):
        self.logger.setLevel(logging.ERROR)
        self.logger.info("below the level")
        self.logger.setLevel(logging.DEBUG)
        self.logger.disabled = True
        self.logger.error("disabled")
        self.logger.disabled = False
        logging.disable(logging.CRITICAL)
        self.logger.error("all are disabled")
        logging.disable(logging.NOTSET)
        refuse = lambda record: False  # noqa: E731
        self.logger.addFilter(refuse)
        self.logger.error("filtered")
        self.logger.removeFilter(refuse)
        self.logger.propagate = False
        null = logging.NullHandler()
        self.logger.addHandler(null)
        self.logger.error("for nobody")
        self.assertEqual(self.records(), [])
        self.logger.removeHandler(null)
        self.logger.addHandler(self.handler)
        self.logger.error("for a handler of its own")
        self.logger.removeHandler(self.handler)
        self.assertEqual(self.bodies(), ["for a handler of its own"])

    def test_the_configuration_is_as_it_was(self):
        from lumigo_opentelemetry import _imports

        record = logging.LogRecord("n", 20, "p", 1, "%s", ("m",), None)
        whole = dict(vars(record))
        self.logger.handle(record)
        self.assertEqual(vars(record), whole)
        self.assertEqual(logging.root.handlers[-1], self.handler)
        self.assertEqual(self.logger.handlers, [])
        self.assertIs(logging.getLogRecordFactory(), logging.LogRecord)
        _imports.unwrap("logging")
        self.assertEqual(dict(vars(logging.Logger)), self.before[0])

    def test_values(self):
        self.logger.info({"order": 1, "items": [1, {2}]})
        self.logger.info(["a", object])
        self.logger.info(b"bytes")
        self.assertEqual(self.bodies(), [{"order": 1, "items": [1, [2]]}, ["a", str(object)], "b'bytes'"])

    def test_formats_that_do_not_fit(self):
        self.logger.info("%d", "no number")
        self.assertEqual(self.bodies(), ["%d"])

    def test_what_cannot_be_printed(self):
        class Silent:
            def __str__(self):
                raise ValueError

        self.logger.info(Silent())
        self.assertEqual(self.bodies(), ["<Silent that cannot be printed>"])

    def test_texts_that_log_themselves(self):
        self.logger.info("%s", Loop())
        self.assertEqual(self.bodies(), ["loop"])

    def test_exceptions(self):
        try:
            raise KeyError("lamp")
        except KeyError:
            self.logger.exception("failed")
        self.logger.error("none", exc_info=(None, None, None))
        self.logger.error("none", exc_info=True)
        first, second, third = self.records()
        self.assertEqual(first[9]["exception.type"], "KeyError")
        self.assertIn("test_exceptions", first[9]["exception.stacktrace"])
        self.assertNotIn("exception.type", second[9])
        self.assertNotIn("exception.type", third[9])

    def test_nothing_where_all_is_suppressed(self):
        with _tracing.suppress():
            self.logger.error("of a tracer's own")
        self.assertEqual(self.records(), [])

    def test_long_texts_are_cut(self):
        self.logger.info("x" * 100000)
        self.assertEqual(len(self.bodies()[0]), _tracing.settings.capture)


class Off(HookCase):
    def test_nothing_is_hooked_unless_it_is_asked_for(self):
        before = dict(vars(logging.Logger))
        self.hook("logging", logging)
        self.assertEqual(dict(vars(logging.Logger)), before)


if __name__ == "__main__":
    unittest.main()
