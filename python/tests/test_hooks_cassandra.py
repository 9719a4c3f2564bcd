import types
import unittest
import weakref

from hooks_support import HookCase


class Future:
    """As the driver's: it keeps its callbacks."""

    _current_host = types.SimpleNamespace(endpoint=types.SimpleNamespace(address="cassandra", port=9042))

    def add_callbacks(self, callback, errback):
        self.callbacks = callback, errback


class Statements(HookCase):
    def setUp(self):
        super().setUp()

        class Session:
            keyspace = "shop"

            def execute_async(self, query, parameters=None):
                return Future()

        self.hook("cassandra", types.SimpleNamespace(Session=Session))
        self.session = Session()

    def test_a_statement(self):
        future = self.session.execute_async("SELECT * FROM users")
        self.assertEqual(self.spans(), [])
        future.callbacks[0]([])
        self.assertEqual((self.one().name, self.one().get("server.port")), ("SELECT users", 9042))

    def test_a_failure(self):
        future = self.session.execute_async("SELECT * FROM users")
        future.callbacks[1](KeyError())
        self.assertEqual(self.one().exceptions, ["KeyError"])

    def test_rows_live_no_longer_than_the_app_wants_them(self):
        future = self.session.execute_async("SELECT * FROM users")
        future.callbacks[0]([])
        known = weakref.ref(future)
        del future
        self.assertIsNone(known())


if __name__ == "__main__":
    unittest.main()
