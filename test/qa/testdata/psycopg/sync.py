import os

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from serve import raises, serve


def copies(connection):
    with connection.cursor().copy("COPY numbers FROM STDIN") as copy:
        copy.write_row(("not", "numbers"))


def work(say):
    where = "host=127.0.0.1 port=%s user=postgres dbname=postgres" % os.environ["QA_PORT"]
    with psycopg.connect(where) as connection:
        cursor = connection.cursor()
        say(cursor.execute("CREATE TEMPORARY TABLE users (id int, password text)") is cursor)
        cursor.executemany("INSERT INTO users (id, password) VALUES (%s, %s)", [(1, "hunter2"), (2, "hunter3")])
        cursor.execute(query="SELECT id FROM users WHERE password = %(secret)s", params={"secret": "hunter2"})
        say(cursor.fetchall(), cursor.rowcount)
        say(connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("users"))).fetchone())
        say(connection.execute(b"SELECT 1").fetchone())
        with connection.cursor("named", row_factory=dict_row) as cursor:
            say(list(cursor.execute("SELECT id FROM users ORDER BY id")))
        with connection.cursor().copy("COPY users FROM STDIN") as copy:
            copy.write_row((3, None))
        with connection.cursor().copy("COPY (SELECT id FROM users WHERE id > 1) TO STDOUT") as copy:
            say([bytes(data) for data in copy])
        raises(say, copies, connection)
        connection.rollback()
        connection.execute("CREATE TEMPORARY TABLE numbers (n int)")
        stream = connection.cursor().stream("SELECT * FROM generate_series(1, %s)", (3,))
        say(next(stream))
        say(list(stream))
        other = psycopg.connect(where)
        for row in other.cursor().stream("SELECT * FROM generate_series(5, 9)"):
            say(row)
            break
        other.close()
        raises(say, connection.execute)
        raises(say, connection.execute, "SELECT * FROM missing")
        connection.rollback()
    raises(say, connection.execute, "SELECT 1")


serve(work)
