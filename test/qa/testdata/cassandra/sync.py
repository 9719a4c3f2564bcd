import threading

from cassandra.cluster import Cluster
from cassandra.query import BatchStatement, SimpleStatement
from cql import node
from serve import raises, serve


def work(say):
    with node() as port:
        cluster = Cluster(["127.0.0.1"], port=port, protocol_version=4, schema_metadata_enabled=False, token_metadata_enabled=False)
        talk(say, cluster.connect("shop"))
        cluster.shutdown()


def talk(say, session):
    session.execute("CREATE TABLE users (id int PRIMARY KEY, password text)")
    session.execute("INSERT INTO users (id, password) VALUES (%s, %s)", (1, "hunter2"))
    statement = SimpleStatement("SELECT id FROM users WHERE password = %(secret)s")
    say([row.id for row in session.execute(query=statement, parameters={"secret": "hunter2"})])
    answered = threading.Event()
    future = session.execute_async("SELECT id FROM users")
    future.add_callback(lambda rows: answered.set())
    say(len(list(future.result())), answered.wait(10))
    prepared = session.prepare("SELECT id FROM users WHERE id = ?")
    say(len(list(session.execute(prepared, (1,)))), len(list(session.execute(prepared.bind((2,))))))
    batch = BatchStatement()
    batch.add("INSERT INTO users (id) VALUES (%s)", (3,))
    batch.add("INSERT INTO users (id) VALUES (%s)", (4,))
    session.execute(batch)
    raises(lambda name, text: say(name), session.execute, "SELECT id FROM missing")


serve(work)
