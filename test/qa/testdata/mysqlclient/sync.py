import mysql_client
import MySQLdb
import MySQLdb.cursors
from serve import serve

for error in MySQLdb.ProgrammingError, MySQLdb.OperationalError:
    error.__module__ = "MySQLdb"  # as they have it by themselves since 2.1.1

serve(lambda say: mysql_client.work(MySQLdb, say, passwd=""))
