"""For interpreters that the distro does not support: shows that paths and modules are as they should be."""

import sys
import sqlite3

print("version %d.%d" % sys.version_info[:2])
print("argv %r" % (sys.argv[1:],))
print("ours on the path: %r" % [p for p in sys.path if "lumigo" in p])
print("sum %d" % sqlite3.connect(":memory:").execute("SELECT 1 + 1").fetchone()[0])
