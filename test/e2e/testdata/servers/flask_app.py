import common
from flask import Flask, Response, jsonify, request

app = Flask(__name__)


@app.route("/")
def index():
    return "hello"


@app.route("/orders/<number>")
def order(number):
    return jsonify(common.order(number))


@app.route("/wait/<number>")
def wait(number):
    return jsonify(common.wait(number))


@app.route("/stream/<int:count>")
def stream(count):
    return Response(("line %d\n" % n for n in range(count)), mimetype="text/plain")


@app.route("/echo", methods=["POST"])
def echo():
    return Response(request.get_data(), mimetype=request.mimetype)


@app.route("/boom")
def boom():
    raise ValueError("no luck")


@app.route("/crash")
def crash():
    common.crash()


@app.route("/hog")
def hog():
    common.hog()
