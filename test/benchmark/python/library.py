"""Uses a library so many times, after others that do not count, and tells how many microseconds of CPU time one takes; or
how many steps of Python's tracing takes in it: the instructions of the interpreter, by function, and last of all together.

library.py plain|ours|upstream|instrument LIBRARY WARM COUNT [steps]

upstream sets its SDK up here; with the others, nothing is done in here about tracing.
"""

import gc
import os
import sys
from time import process_time

kind, library, warm, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
flush = lambda: None  # noqa: E731


def instrument(package, name):
    if kind == "upstream":
        module = __import__("opentelemetry.instrumentation." + package, fromlist=[name])
        getattr(module, name)().instrument()


if kind == "upstream":
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "upstream"))
    import setup_upstream

    flush = setup_upstream.provider().force_flush
if kind == "instrument":
    from opentelemetry import trace

    flush = trace.get_tracer_provider().force_flush


def environ():
    """That of a server."""
    from wsgiref.util import setup_testing_defaults

    made = {"PATH_INFO": "/orders/7", "REMOTE_ADDR": "127.0.0.1", "HTTP_USER_AGENT": "curl/8.5", "HTTP_ACCEPT": "*/*"}
    setup_testing_defaults(made)
    return made


def serve(app):
    """app, called as a server would call it."""

    def once():
        answer = app(environ(), lambda status, headers, error=None: None)
        for _ in answer:
            pass
        if hasattr(answer, "close"):
            answer.close()

    return once


def redis():
    import redis

    instrument("redis", "RedisInstrumentor")
    client = redis.Redis(port=int(os.environ["REDIS_PORT"]))
    client.set("apple", "7 left")
    return lambda: client.get("apple")


def psycopg2():
    import psycopg2

    instrument("psycopg2", "Psycopg2Instrumentor")
    cursor = psycopg2.connect(host="127.0.0.1", port=os.environ["POSTGRES_PORT"], user="postgres", dbname="postgres").cursor()

    def once():
        cursor.execute("SELECT relname FROM pg_class WHERE oid = %s", (1259,))
        cursor.fetchone()

    return once


def requests():
    import requests

    instrument("requests", "RequestsInstrumentor")
    session = requests.Session()
    return lambda: session.get(os.environ["STUB"] + "/stock/apple").json()


def botocore():
    import boto3

    instrument("botocore", "BotocoreInstrumentor")
    client = boto3.client(
        "dynamodb", endpoint_url=os.environ["STUB"], region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    return lambda: client.get_item(TableName="stock", Key={"item": {"S": "apple"}})


def flask():
    import flask

    instrument("flask", "FlaskInstrumentor")
    app = flask.Flask(__name__)
    app.route("/orders/<number>")(lambda number: {"number": number})
    return serve(app)


def django():
    import django
    from django.http import JsonResponse
    from django.urls import path

    instrument("django", "DjangoInstrumentor")
    django.setup()
    globals()["urlpatterns"] = [path("orders/<int:number>", lambda request, number: JsonResponse({"number": number}))]
    from django.core.wsgi import get_wsgi_application

    return serve(get_wsgi_application())


def fastapi():
    import asyncio

    import fastapi

    instrument("fastapi", "FastAPIInstrumentor")
    app = fastapi.FastAPI()

    @app.get("/orders/{number}")
    async def order(number: int):
        return {"number": number}

    loop = asyncio.new_event_loop()
    headers = [(b"host", b"127.0.0.1:8000"), (b"user-agent", b"curl/8.5"), (b"accept", b"*/*")]

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        pass

    def once():
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": "GET",
            "scheme": "http", "path": "/orders/7", "raw_path": b"/orders/7", "query_string": b"", "root_path": "",
            "headers": headers, "client": ("127.0.0.1", 50000), "server": ("127.0.0.1", 8000),
        }  # fmt: skip
        loop.run_until_complete(app(scope, receive, send))

    return once


once = globals()[library]()
for _ in range(warm):
    once()
flush()


def steps():
    from collections import Counter

    taken = Counter()

    def local(frame, event, argument):
        if event == "opcode":
            taken[frame.f_code] += 1
        return local

    def called(frame, event, argument):
        if "/lumigo_opentelemetry/" in frame.f_code.co_filename or "/opentelemetry/" in frame.f_code.co_filename:
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
            return local

    sys.settrace(called)
    for _ in range(count):
        once()
    sys.settrace(None)
    for code, number in taken.most_common():
        print("%7.1f %s:%d %s" % (number / count, os.path.basename(code.co_filename), code.co_firstlineno, code.co_name))
    return sum(taken.values()) / count


def microseconds():
    # A collection of everything is due once in tens of thousands of uses, takes as long as hundreds, and would fall into
    # these few or not by how much a program has imported.
    gc.collect()
    start = process_time()
    for _ in range(count):
        once()
    flush()
    return (process_time() - start) / count * 1e6


print(steps() if sys.argv[5:] == ["steps"] else microseconds())
