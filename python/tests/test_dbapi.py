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
