import types
import unittest

from hooks_support import HookCase


class Manager:
    """Not as contextlib makes them."""

    __slots__ = ()

    def __enter__(self):
        return "copy"

    def __exit__(self, *error):
        pass


class Cursor:
    def execute(self, query):
        return self

    executemany = execute

    def stream(self, query):
        yield 1

    def copy(self, query):
        return Manager()


class Psycopg(HookCase):
    def test_a_copy_of_another_shape_is_left_alone(self):
        classes = {name: type(name, (Cursor,), {}) for name in ("Cursor", "ServerCursor", "AsyncCursor", "AsyncServerCursor")}
        self.hook("psycopg", types.SimpleNamespace(**classes))
        for name in ("Cursor", "AsyncCursor"):
            with classes[name]().copy("COPY users TO STDOUT") as copy:
                self.assertEqual(copy, "copy")
            self.assertEqual([type(error) for _, error in self.faults], [AttributeError])
            self.faults.clear()


if __name__ == "__main__":
    unittest.main()
