"""A service that knows nothing of tracing: / answers, and /relay asks / and passes the answer on."""

import os
from urllib.request import urlopen

from flask import Flask

app = Flask(__name__)


@app.get("/")
def hello():
    return {"hello": "from Python"}


@app.get("/relay")
def relay():
    with urlopen("http://127.0.0.1:%s/" % os.environ["PORT"]) as answer:
        return answer.read(), {"Content-Type": "application/json"}
