# Writes what this interpreter's marshal makes of each case: name, tab, hex.
#
#     for v in 3.7 3.8 …; do python$v golden.py > python$v.txt; done
import binascii
import marshal

CASES = [
    ("none", None),
    ("true", True),
    ("false", False),
    ("zero", 0),
    ("minus one", -1),
    ("largest 32-bit int", 2147483647),
    ("smallest 32-bit int", -2147483648),
    ("beyond 32 bits", 2147483648),
    ("below 32 bits", -2147483649),
    ("nanoseconds of a day in 2026", 1767312000123456789),
    ("largest 64-bit int", 9223372036854775807),
    ("smallest 64-bit int", -9223372036854775808),
    ("beyond 64 bits", 18446744073709551615),
    ("below 64 bits", -18446744073709551616),
    ("thousands of bits", 1 << 5000),
    ("pi", 3.141592653589793),
    ("infinity", float("inf")),
    ("empty str", ""),
    ("ascii", "GET /orders"),
    ("interned", "http.request.method"),
    ("latin", "caf\u00e9"),
    ("emoji", "\U0001f600"),
    ("lone surrogate", "a\udc80b"),
    ("two surrogates", "\ud83d\ude00"),
    ("bytes", b"\x00\xffabc"),
    ("empty tuple", ()),
    ("tuple", (1, "two", b"3", None)),
    ("list", [1.5, True, []]),
    ("dict", {"a": 1, "b": {"c": (None,)}, 3: b""}),
    ("empty dict", {}),
    ("set", {7}),
    ("frozenset", frozenset([7])),
    ("repeated", ("again", "again", "again")),
    ("record", (0, b"\x01" * 16, b"\x02" * 8, None, 1, None, "GET /", 2, 1767312000123456789,
                1767312000123999999, 0, None, "lumigo_opentelemetry", {"http.route": "/"}, None, None, None)),
]

for name, value in CASES:
    print("%s\t%s" % (name, binascii.hexlify(marshal.dumps(value, 2)).decode("ascii")))
