import os

import MySQLdb
import MySQLdb.cursors
from serve import raises, serve

for error in MySQLdb.ProgrammingError, MySQLdb.OperationalError:
    error.__module__ = "MySQLdb"  # as they have it by themselves since 2.1.1


def work(say):
    where = dict(host="127.0.0.1", port=int(os.environ["QA_PORT"]), user="root", passwd="")
    connection = MySQLdb.connect(**where)
    cursor = connection.cursor()
    cursor.execute("DROP DATABASE IF EXISTS store")
    say(cursor.execute("CREATE DATABASE store"))
    connection.close()
    connection = MySQLdb.connect(db="store", **where)
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE users (id int, password text)")
    say(cursor.executemany("INSERT INTO users (id, password) VALUES (%s, %s)", [(1, "hunter2"), (2, "hunter3")]))
    say(cursor.executemany("UPDATE users SET password = %s WHERE id = %s", [("a", 1), ("b", 2)]))
    say(cursor.execute(query="SELECT id FROM users WHERE password = %(secret)s", args={"secret": "a"}))
    say(cursor.fetchall(), cursor.rowcount)
    with connection.cursor(MySQLdb.cursors.DictCursor) as cursor:
        cursor.execute("SELECT 1 AS one")
        say(cursor.fetchone())
    cursor = connection.cursor(MySQLdb.cursors.SSCursor)
    cursor.execute("SELECT id FROM users ORDER BY id")
    say(list(cursor))
    cursor.close()
    raises(say, connection.cursor().execute, "SELECT * FROM missing")
    raises(say, connection.cursor().execute)
    connection.rollback()
    connection.close()
    raises(say, connection.cursor().execute, "SELECT 1")


serve(work)
