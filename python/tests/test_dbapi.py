import asyncio
import unittest

from hooks_support import HookCase
from lumigo_opentelemetry import _dbapi

SEAM = _dbapi.Seam("other", {})


class Composed:
    def __init__(self, text):
        self.text = text

    def as_string(self, cursor):
        return self.text % cursor


class Arguments(HookCase):
    """Drivers call their arguments differently, and applications call them by name."""

    def test_statement_and_parameters_by_name(self):
        for named in (
            {"query": "SELECT 1", "params": [1]},
            {"query": "SELECT 1", "vars": [1]},
            {"query": "SELECT 1", "args": [1]},
            {"sql": "SELECT 1", "parameters": [1]},
            {"operation": "SELECT 1", "params": [1]},
        ):
            with self.subTest(named):
                self.assertEqual(_dbapi.run(SEAM, lambda **got: got, (), named), named)
                span = self.spans()[-1]
                self.assertEqual((span.get("db.query.text"), span.get("db.statement.parameters")), ("SELECT 1", [1]))

    def test_a_statement_of_bytes(self):
        for statement in (b"SELECT 1", bytearray(b"SELECT 1")):
            _dbapi.run(SEAM, lambda sql: sql, (statement,), {})
            self.assertEqual(self.spans()[-1].get("db.query.text"), "SELECT 1")

    def test_no_statement_is_the_driver_s_to_complain_of(self):
        def execute(query):
            return query

        with self.assertRaises(TypeError):
            _dbapi.run(SEAM, execute, (), {})
        self.assertEqual(self.spans(), [])

    def test_a_statement_that_was_composed(self):
        self.assertEqual(_dbapi.composed("users", (Composed("SELECT %s"),), {}), "SELECT users")
        self.assertEqual(_dbapi.composed("users", (), {"query": Composed("SELECT %s")}), "SELECT users")
        self.assertIsNone(_dbapi.composed("users", ("SELECT %s",), {}))
        self.assertIsNone(_dbapi.composed("users", (Composed("too few"),), {}), "as_string failed")


class Methods(HookCase):
    """Of a driver's class of cursors, traced."""

    def test_rows_are_part_of_their_executemany(self):
        class Cursor:
            def execute(self, query, args=None):
                return args

            def executemany(self, query, args):
                return [self.execute(query, row) for row in args]

            def callproc(self, procname, args=()):
                return self.execute("SELECT 1")

        _dbapi.trace_cursor(Cursor, lambda cursor: SEAM)
        cursor = Cursor()
        self.assertEqual(cursor.executemany("INSERT INTO users VALUES (%s)", [(1,), (2,)]), [(1,), (2,)])
        self.assertEqual(cursor.execute("SELECT %s", (3,)), (3,))
        cursor.callproc("twice")
        self.assertEqual([span.name for span in self.spans()], ["INSERT users", "SELECT", "CALL"])
        self.assertEqual(self.spans()[0].get("db.operation.batch.size"), 2)

    def test_the_same_of_coroutines(self):
        class Cursor:
            async def execute(self, query, args=None):
                return args

            async def executemany(self, query, args):
                return [await self.execute(query, row) for row in args]

        _dbapi.trace_cursor(Cursor, lambda cursor: SEAM, asynchronous=True, methods=("execute", "executemany"))
        self.assertTrue(asyncio.iscoroutinefunction(Cursor.execute))
        self.assertEqual(asyncio.run(Cursor().executemany("INSERT INTO users VALUES (%s)", [(1,)])), [(1,)])
        self.assertEqual([span.name for span in self.spans()], ["INSERT users"])

    def test_what_composes_statements_knows_their_tables(self):
        self.addCleanup(_dbapi.summarise, None)
        _dbapi.summarise("SELECT orders users")
        _dbapi.start(SEAM, "BEGIN").end()
        self.assertEqual((self.one().name, self.one().get("db.query.summary")), ("BEGIN", None))
        _dbapi.run(SEAM, lambda sql: sql, ("SELECT * FROM orders JOIN users",), {})
        _dbapi.summarise(None)
        _dbapi.run(SEAM, lambda sql: sql, ("SELECT * FROM orders JOIN users",), {})
        _, named, plain = self.spans()
        self.assertEqual((named.name, named.get("db.query.summary")), ("SELECT orders users", "SELECT orders users"))
        self.assertEqual((plain.name, plain.get("db.query.summary")), ("SELECT", None))


class Coroutines(HookCase):
    def run_async(self, function, *args):
        return asyncio.run(_dbapi.run_async(SEAM, function, args, {}))

    def test_a_span_lasts_until_the_answer(self):
        async def execute(sql, values):
            self.assertEqual(self.spans(), [])
            return sql, values

        self.assertEqual(self.run_async(execute, "SELECT 1", (2,)), ("SELECT 1", (2,)))
        self.assertEqual(self.one().name, "SELECT")

    def test_an_error_passes(self):
        async def execute(sql):
            raise ValueError("v")

        with self.assertRaises(ValueError):
            self.run_async(execute, "SELECT 1")
        self.assertEqual(self.one().exceptions, ["ValueError"])


if __name__ == "__main__":
    unittest.main()
