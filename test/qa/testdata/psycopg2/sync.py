import io
import os
import pickle

import psycopg2
import psycopg2.extensions
import psycopg2.extras
from psycopg2 import sql
from serve import raises, serve


class Connection(psycopg2.extensions.connection):
    def cursor(self, *args, **named):
        named.setdefault("cursor_factory", psycopg2.extras.DictCursor)
        return super().cursor(*args, **named)


def work(say):
    where = dict(host="127.0.0.1", port=int(os.environ["QA_PORT"]), user="postgres", dbname="postgres")
    connection = psycopg2.connect(**where)
    say(isinstance(connection, psycopg2.extensions.connection))
    psycopg2.extras.register_default_jsonb(connection)
    with connection, connection.cursor() as cursor:
        say(isinstance(cursor, psycopg2.extensions.cursor))
        cursor.execute("CREATE TEMPORARY TABLE users (id int, password text, data jsonb)")
        cursor.executemany("INSERT INTO users (id, password, data) VALUES (%s, %s, %s)", [(1, "hunter2", "[1]"), (2, "hunter3", "{}")])
        psycopg2.extras.execute_values(cursor, "INSERT INTO users (id) VALUES %s", [(3,), (4,)])
        cursor.execute(query="SELECT id, data FROM users WHERE password = %(secret)s", vars={"secret": "hunter2"})
        say(cursor.fetchall(), cursor.rowcount)
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("users")))
        say(list(cursor))
        cursor.copy_from(io.StringIO("5\n6\n"), "users", columns=["id"])
        output = io.StringIO()
        cursor.copy_to(output, table="users", columns=["id"])
        say(output.getvalue())
        cursor.callproc("upper", ["a"])
        say(cursor.fetchone())
    with connection.cursor("named") as cursor:
        cursor.execute("SELECT id FROM users ORDER BY id")
        say([row for row in cursor])
    with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
        cursor.execute("SELECT 1 AS one")
        say(dict(cursor.fetchone()))
    raises(say, connection.cursor().execute, "SELECT * FROM missing")
    raises(say, connection.cursor().execute)
    raises(say, pickle.dumps, psycopg2.Error("boom"))
    connection.close()
    raises(say, connection.cursor)
    psycopg2.connect(connection_factory=type(connection), **where).close()
    connection = psycopg2.connect(connection_factory=Connection, **where)
    cursor = connection.cursor()
    cursor.execute("SELECT 2 AS two")
    say(type(connection) is Connection or isinstance(connection, Connection), cursor.fetchone()["two"])
    connection.close()
    psycopg2.connect(connection_factory=type(connection), **where).close()


serve(work)
