from elasticsearch import Elasticsearch, helpers
from search import search
from serve import serve


def work(say):
    with search() as url:
        client = Elasticsearch([url])
        client.indices.create(index="books")
        books = [{"_index": "books", "_id": n, "title": "Iliad", "password": "hunter3"} for n in "23"]
        say(helpers.bulk(client, books, index="books"))
        client.indices.delete(index="books")


serve(work)
