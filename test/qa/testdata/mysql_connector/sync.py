import os

import mysql.connector
from serve import raises, serve

WHERE = dict(host="127.0.0.1", port=int(os.environ["QA_PORT"]), user="root", charset="utf8mb4", collation="utf8mb4_general_ci")


def work(say):
    for pure in (True, not mysql.connector.HAVE_CEXT):  # the extension wants an OpenSSL that not every machine has
        talk(say, pure)


def talk(say, pure):
    connection = mysql.connector.connect(use_pure=pure, **WHERE)
    cursor = connection.cursor()
    cursor.execute("DROP DATABASE IF EXISTS market")
    cursor.execute("CREATE DATABASE market")
    connection.close()
    connection = mysql.connector.connect(use_pure=pure, database="market", **WHERE)
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE users (id int, password text)")
    cursor.executemany("INSERT INTO users (id, password) VALUES (%s, %s)", [(1, "hunter2"), (2, "hunter3")])
    say(cursor.rowcount)
    cursor.executemany(operation="UPDATE users SET password = %s WHERE id = %s", seq_params=[("a", 1), ("b", 2)])
    cursor.execute(operation="SELECT id FROM users WHERE password = %(secret)s", params={"secret": "a"})
    say(cursor.fetchall(), cursor.rowcount)
    with_names = connection.cursor(dictionary=True)
    with_names.execute("SELECT 1 AS one")
    say(with_names.fetchone())
    prepared = connection.cursor(prepared=True)
    prepared.execute("SELECT id FROM users WHERE id > %s", (1,))
    say(prepared.fetchall())
    prepared.close()
    cursor.execute("CREATE PROCEDURE twice(IN n int) SELECT n * 2")
    cursor.callproc("twice", (21,))
    say([result.fetchall() for result in cursor.stored_results()])
    raises(say, connection.cursor().execute, "SELECT * FROM missing")
    connection.rollback()
    connection.close()


serve(work)
