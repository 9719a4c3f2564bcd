import os

import pymysql
from serve import raises, serve


def work(say):
    where = dict(host="127.0.0.1", port=int(os.environ["QA_PORT"]), user="root", charset="utf8mb4")
    connection = pymysql.connect(**where)
    cursor = connection.cursor()
    cursor.execute("DROP DATABASE IF EXISTS shop")
    say(cursor.execute("CREATE DATABASE shop"))
    connection.close()
    connection = pymysql.connect(database="shop", **where)
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE users (id int, password text)")
    say(cursor.executemany("INSERT INTO users (id, password) VALUES (%s, %s)", [(1, "hunter2"), (2, "hunter3")]))
    say(cursor.executemany("UPDATE users SET password = %s WHERE id = %s", [("a", 1), ("b", 2)]))
    say(cursor.execute(query="SELECT id FROM users WHERE password = %(secret)s", args={"secret": "a"}))
    say(cursor.fetchall(), cursor.rowcount)
    with connection.cursor(pymysql.cursors.DictCursor) as cursor:
        cursor.execute("SELECT 1 AS one")
        say(cursor.fetchone())
    cursor = connection.cursor(pymysql.cursors.SSCursor)
    cursor.execute("SELECT id FROM users ORDER BY id")
    say(list(cursor))
    cursor.close()
    raises(say, connection.cursor().execute, "SELECT * FROM missing")
    raises(say, connection.cursor().execute)
    connection.rollback()
    connection.close()
    raises(say, connection.cursor().execute, "SELECT 1")


serve(work)
