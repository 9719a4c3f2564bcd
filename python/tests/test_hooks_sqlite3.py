import pickle
import sqlite3
import unittest

from hooks_support import HookCase
from lumigo_opentelemetry import _dbapi, _tracing


class SQLiteCase(HookCase):
    def setUp(self):
        super().setUp()
        self.plain = sqlite3.connect(":memory:")
        self.hook("sqlite3", sqlite3.dbapi2)
        self.traced = sqlite3.connect(":memory:")
        for connection in (self.plain, self.traced):
            connection.execute("create table users (id integer, name text)")
            connection.executemany("insert into users values (?, ?)", [(1, "a"), (2, "b")])
            self.addCleanup(connection.close)
        del _tracing._spans[:]


class Cursor(sqlite3.Cursor):
    def execute(self, sql, parameters=()):
        return super().execute(sql.replace("%s", "?"), parameters)


class OldCursor(sqlite3.Cursor):
    def execute(self, sql, parameters=()):
        return sqlite3.Cursor.execute(self, sql, parameters)


class Connection(sqlite3.Connection):
    def cursor(self):
        return super().cursor(Cursor)


class Transparency(SQLiteCase):
    def test_the_same_as_without(self):
        def same(connection):
            yield connection.execute("select * from users").fetchall()
            yield list(connection.cursor().execute("select name from users where id = :id", {"id": 2}))
            yield connection.executemany("insert into users values (?, ?)", iter([(3, "c")])).rowcount
            yield connection.executescript("create table t (x); insert into t values (1);").fetchall()
            with connection:
                yield connection.execute("update users set name = 'z' where id = 1").rowcount
            connection.row_factory = sqlite3.Row
            yield connection.execute("select id from users").fetchone().keys()
            connection.row_factory = None
            yield connection.cursor(Cursor).execute("select %s", (5,)).fetchone()
            yield connection.cursor(factory=OldCursor).execute("select 6").fetchone()
            yield type(connection.cursor(lambda c: Cursor(c)))
            yield "\n".join(connection.iterdump())
            for wrong in (("select * from missing",), ("select ?", ()), (5,), ()):
                try:
                    connection.execute(*wrong)
                except Exception as error:
                    yield type(error), str(error)
            for unpicklable in (connection, connection.cursor()):
                try:
                    pickle.dumps(unpicklable)
                except TypeError:
                    yield "not to be pickled"

        for traced, plain in zip(same(self.traced), same(self.plain)):
            self.assertEqual(traced, plain)

    def test_types(self):
        self.assertIsInstance(self.traced, sqlite3.Connection)
        self.assertIsInstance(self.traced.cursor(), sqlite3.Cursor)
        self.assertEqual(type(self.traced).__name__, "Connection")
        cursor = self.traced.cursor()
        self.assertIs(cursor.execute("select 1"), cursor)
        self.assertIs(cursor.connection, self.traced)

    def test_a_factory_of_the_application(self):
        for connection in (
            sqlite3.connect(":memory:", factory=Connection),
            sqlite3.connect(":memory:", 5.0, 0, None, True, Connection),
        ):
            self.assertIsInstance(connection, Connection)
            self.assertEqual(connection.cursor().execute("select %s", (7,)).fetchone(), (7,))
            connection.close()
        self.assertEqual(len(self.spans()), 2)
        made = sqlite3.connect(":memory:", factory=lambda *args, **named: self.plain)
        self.assertIs(made, self.plain)

    def test_a_backup_goes_to_a_traced_connection_too(self):
        target = sqlite3.connect(":memory:")
        self.addCleanup(target.close)
        self.traced.commit()
        self.traced.backup(target)
        self.assertEqual(target.execute("select count(*) from users").fetchone(), (2,))


class Spans(SQLiteCase):
    def test_attributes(self):
        self.traced.execute("select * from users where name = ?", ("a",)).fetchall()
        span = self.one()
        self.assertEqual((span.name, span.kind), ("SELECT users", _tracing.CLIENT))
        self.assertEqual(
            span.attributes,
            {
                "db.system.name": "sqlite", "db.namespace": ":memory:", "db.operation.name": "SELECT",
                "db.collection.name": "users", "db.query.text": "select * from users where name = ?",
                "db.statement.parameters": ["a"],
            },
        )  # fmt: skip

    def test_one_span_a_statement_and_none_for_fetching(self):
        cursor = self.traced.cursor()
        cursor.execute("select * from users")
        cursor.fetchall()
        self.traced.execute("select 1").fetchone()
        self.traced.executemany("insert into users values (?, ?)", [(4, "d")])
        self.traced.executescript("select 1; select 2")
        self.traced.commit()
        self.traced.cursor(OldCursor).execute("select 3")
        self.assertEqual([span.name for span in self.spans()], ["SELECT users", "SELECT", "INSERT users", "SELECT", "SELECT"])

    def test_an_error(self):
        with self.assertRaises(sqlite3.OperationalError):
            self.traced.execute("select * from missing")
        span = self.one()
        self.assertEqual((span.exceptions, span.status), (["sqlite3.OperationalError"], 2))

    def test_suppressed(self):
        with _tracing.suppress():
            self.traced.execute("select 1")
        self.assertEqual(self.spans(), [])


class Statements(unittest.TestCase):
    def test_operation_and_table(self):
        for sql, expected in (
            ("select a, b from t where x = 1", ("SELECT", "t")),
            ('  SELECT * FROM "my_table"', ("SELECT", "my_table")),
            ("-- note\n/* more */ select 1", ("SELECT", None)),
            ("select * from a, b", ("SELECT", None)),
            ("select * from a join b on a.x = b.x", ("SELECT", None)),
            ("select * from (select 1)", ("SELECT", None)),
            ("insert or ignore into t(a) values (?)", ("INSERT", "t")),
            ("update or fail t set a = 1, b = 2", ("UPDATE", "t")),
            ("delete from main.t", ("DELETE", "main.t")),
            ("create table if not exists t (a)", ("CREATE", "t")),
            ("drop table t;", ("DROP", "t")),
            ("PRAGMA table_info(t)", ("PRAGMA", None)),
            ("BEGIN", ("BEGIN", None)),
            ("with x as (select 1) select * from x", ("WITH", None)),
            ("", (None, None)),
            ("?!", (None, None)),
        ):
            self.assertEqual(_dbapi.statement(sql), expected, sql)

    def test_parameters_are_few_and_short(self):
        self.assertEqual(_dbapi.parameters([None, 1, 1.5, True, b"abc", "x" * 999]), [None, 1, 1.5, True, "<3 bytes>", "x" * 256])
        self.assertEqual(len(_dbapi.parameters(tuple(range(99)))), 20)
        self.assertEqual(_dbapi.parameters({"a": b""}), {"a": "<0 bytes>"})
        self.assertIsNone(_dbapi.parameters(iter([1])))


class Proxies(HookCase):
    """For drivers whose connection is made in C."""

    def test_a_driver_behind_proxies(self):
        seam = _dbapi.Seam("other", {"server.address": "db", "server.port": None})
        connect = _dbapi.connector(lambda connection, args, named: seam)(sqlite3.connect)
        connection = connect(":memory:")
        self.assertIsInstance(connection, sqlite3.Connection)
        with connection as entered:
            self.assertIs(entered, connection)
            cursor = connection.cursor()
            self.assertIsInstance(cursor, sqlite3.Cursor)
            self.assertIs(cursor.execute("select 1 union select 2"), cursor)
            self.assertEqual([row for row in cursor], [(1,), (2,)])
            cursor.arraysize = 7
            self.assertEqual(cursor.arraysize, 7)
        connection.close()
        span = self.one()
        self.assertEqual((span.get("db.system.name"), span.get("server.address")), ("other", "db"))


if __name__ == "__main__":
    unittest.main()
