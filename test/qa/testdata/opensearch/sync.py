import opensearchpy
from opensearchpy import OpenSearch, helpers
from search import search
from serve import serve

def work(say):
    with search() as url:
        client = OpenSearch([url])
        say(client.indices.exists(index="books"))
        client.indices.create(index="books")
        say(client.index(index="books", id="1", body={"title": "Emma", "password": "hunter2"})["result"])
        say(helpers.bulk(client, [{"_index": "books", "_id": n, "title": "Iliad", "password": "hunter3"} for n in "23"], index="books"))
        client.indices.refresh(index="books")
        say(client.get(index="books", id="1")["_source"])
        say([hit["_id"] for hit in client.search(index="books", body={"query": {"match": {"title": "Iliad"}}})["hits"]["hits"]])
        say(client.cluster.health()["status"])
        for call, arguments in ((client.get, {"index": "books", "id": "9"}), (client.search, {"index": "missing", "body": {}})):
            try:
                call(**arguments)
            except opensearchpy.NotFoundError as error:
                say(type(error).__name__)
        client.indices.delete(index="books")
    try:
        OpenSearch([url], max_retries=0).indices.delete(index="books")
    except opensearchpy.ConnectionError as error:
        say(type(error).__name__)


serve(work)
