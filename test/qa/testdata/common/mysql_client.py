"""What is done with clients of MySQL by way of the DB-API."""

import os

from serve import raises


def work(driver, say, **options):
    """driver: the module, whose cursors are in driver.cursors."""
    where = dict(host="127.0.0.1", port=int(os.environ["QA_PORT"]), user="root", **options)
    connection = driver.connect(**where)
    cursor = connection.cursor()
    cursor.execute("DROP DATABASE IF EXISTS shop")
    say(cursor.execute("CREATE DATABASE shop"))
    connection.close()
    connection = driver.connect(db="shop", **where)
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE users (id int, password text)")
    say(cursor.executemany("INSERT INTO users (id, password) VALUES (%s, %s)", [(1, "hunter2"), (2, "hunter3")]))
    say(cursor.executemany("UPDATE users SET password = %s WHERE id = %s", [("a", 1), ("b", 2)]))
    say(cursor.execute(query="SELECT id FROM users WHERE password = %(secret)s", args={"secret": "a"}))
    say(cursor.fetchall(), cursor.rowcount)
    with connection.cursor(driver.cursors.DictCursor) as cursor:
        cursor.execute("SELECT 1 AS one")
        say(cursor.fetchone())
    cursor = connection.cursor(driver.cursors.SSCursor)
    cursor.execute("SELECT id FROM users ORDER BY id")
    say(list(cursor))
    cursor.close()
    raises(say, connection.cursor().execute, "SELECT * FROM missing")
    raises(say, connection.cursor().execute)
    connection.rollback()
    connection.close()
    raises(say, connection.cursor().execute, "SELECT 1")
