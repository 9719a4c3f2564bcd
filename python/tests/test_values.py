import tracemalloc
import unittest

import here
from lumigo_opentelemetry import _tracing, _values


class Mapping:
    """As a document that is decoded as it is read."""

    def keys(self):
        return ["password"]

    def __iter__(self):
        return iter(self.keys())

    def __getitem__(self, key):
        return "hunter2"

    def __str__(self):
        return "password: hunter2"


class Values(unittest.TestCase):
    def setUp(self):
        here.reset()

    def test_a_copy(self):
        value = {"a": [1, 2.5, None, True, "x", b"y"], 7: {"nested": ("t",)}}
        copy = _values.plain(value)
        self.assertEqual(copy, {"a": [1, 2.5, None, True, "x", b"y"], "7": {"nested": ["t"]}})
        value["a"].append("later")
        self.assertEqual(len(copy["a"]), 6)

    def test_what_is_not_plain_is_text(self):
        self.assertEqual(_values.plain([range(3), bytearray(b"z")]), ["range(0, 3)", b"z"])

    def test_names_of_secrets_stay_names(self):
        self.assertEqual(_values.plain(Mapping()), {"password": "hunter2"})
        deep = Mapping()
        for _ in range(30):
            deep = [deep]
        self.assertNotIn("hunter2", str(_values.plain(deep)))

    def test_costs_no_more_than_what_is_captured(self):
        limit = _tracing.settings.capture
        self.assertEqual(_values.plain("x" * limit * 2), "x" * limit)
        many = _values.plain(["x" * 100] * 10 * limit)
        self.assertTrue(limit <= sum(map(len, many)) < limit + 101, len(many))
        self.assertLess(len(_values.plain({n: n for n in range(10 * limit)})), limit)
        self.assertLess(len(_values.plain([[] for _ in range(10 * limit)])), limit)

    def test_large_values_are_not_copied(self):
        large = b"x" * 10000000
        for copy, value in (
            (_values.parsed, large), (_values.parsed, [large, "y"]), (_values.parsed, {"z": [7] * 1000000}),
            (_values.plain, bytearray(large)), (_values.shown, memoryview(large)),
        ):  # fmt: skip
            tracemalloc.start()
            copy(value)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            self.assertLess(peak, 1000000, type(value))

    def test_what_was_parsed_is_taken_as_it_is(self):
        for value in ({"a": [1, {"b": None}]}, b"x", ["y", 2.5]):
            self.assertIs(_values.parsed(value), value)

    def test_but_for_what_is_large_or_not_plain(self):
        limit = _tracing.settings.capture
        self.assertEqual(_values.parsed(b"x" * limit * 2), b"x" * limit)
        self.assertEqual(_values.parsed({"a": range(3)}), {"a": "range(0, 3)"})
        self.assertEqual(_values.parsed(Mapping()), {"password": "hunter2"})
        loop = []
        loop.append(loop)
        self.assertTrue(str(_values.parsed(loop)).startswith("[[[["))


if __name__ == "__main__":
    unittest.main()
