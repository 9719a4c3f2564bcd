"""A Flask app on waitress that passes orders on.  request.py plain|ours|upstream THREADS"""

import os
import sys
import time

kind, threads = sys.argv[1], int(sys.argv[2])
flush = lambda: None  # noqa: E731

if kind == "upstream":
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "upstream"))
    for side in ("SERVER", "CLIENT"):
        for way in ("REQUEST", "RESPONSE"):
            os.environ["OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_%s_%s" % (side, way)] = ".*"
    import setup_upstream
    from opentelemetry.instrumentation.flask import FlaskInstrumentor
    from opentelemetry.instrumentation.requests import RequestsInstrumentor

    flush = setup_upstream.provider().force_flush
    FlaskInstrumentor().instrument()
    RequestsInstrumentor().instrument()

import requests  # noqa: E402
from flask import Flask, jsonify, request  # noqa: E402
from waitress.server import create_server  # noqa: E402

app = Flask(__name__)
session = requests.Session()
stub = os.environ["STUB"]


@app.route("/orders/<item>", methods=["POST"])
def order(item):
    answer = session.post(stub + "/stock/" + item, json=request.get_json())
    return jsonify(item=item, left=answer.json()["left"])


@app.route("/cpu")
def cpu():
    """CPU time used so far, in seconds, with everything sent that is to be sent."""
    flush()
    return repr(time.process_time())


server = create_server(app, host="127.0.0.1", port=0, threads=threads, channel_timeout=3600)
print(server.effective_port, flush=True)
server.run()
