import elasticsearch
from elasticsearch import Elasticsearch
from search import search
from serve import serve, untraced

OLD = elasticsearch.__version__[0] < 8


def document(value):
    return {"body": value} if OLD else {"document": value}


def query(value):
    return {"body": {"query": value}} if OLD else {"query": value}


def work(say):
    say(client.indices.exists(index="books") == False)  # noqa: E712 it has a type of its own since 8.0
    client.indices.create(index="books")
    say(client.index(index="books", id="1", **document({"title": "Emma", "password": "hunter2"}))["result"])
    client.index(index="books", id="2", **document({"title": "Iliad", "password": "hunter3"}))
    client.indices.refresh(index="books")
    say(client.get(index="books", id="1")["_source"])
    say([hit["_id"] for hit in client.search(index="books", **query({"match": {"title": "Iliad"}}))["hits"]["hits"]])
    say(client.cluster.health()["status"])
    for call in (lambda: client.get(index="books", id="9"), lambda: client.search(index="missing", **query({"match": {"a": 1}}))):
        try:
            call()
        except elasticsearch.NotFoundError as error:
            say(type(error).__name__)
    client.indices.delete(index="books")
    try:
        Elasticsearch(["http://127.0.0.1:1"], max_retries=0).indices.delete(index="books")
    except elasticsearch.ConnectionError as error:
        say(type(error).__name__)


with search() as url:
    client = Elasticsearch([url])
    untraced(client.info)  # some versions ask first whether it is really Elasticsearch
    serve(work)
