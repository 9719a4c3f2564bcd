import mysql_client
import pymysql
from serve import serve

serve(lambda say: mysql_client.work(pymysql, say, charset="utf8mb4"))
