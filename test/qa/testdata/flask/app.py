import sqlite3

import flask
from ask import ask
from wsgi import serving

app = flask.Flask(__name__)
users = flask.Blueprint("users", __name__, url_prefix="/users")


@users.route("/<int:id>")
def user(id):
    return flask.jsonify(id=id, password="hush")


@users.route("", methods=["POST"])
def create():
    return flask.jsonify(flask.request.get_json()), 201


@app.route("/form", methods=["POST"])
def form():
    return ",".join(sorted(flask.request.form))


@app.route("/boom")
def boom():
    raise ValueError("boom")


@app.route("/no")
def no():
    flask.abort(403)


@app.route("/handled")
def handled():
    raise KeyError("handled")


@app.errorhandler(KeyError)
def answer(error):
    return "no key", 410


@app.route("/parts")
def parts():
    def body():
        for number in range(2):
            (doubled,) = sqlite3.connect(":memory:").execute("SELECT 2 * ?", (number,)).fetchone()
            yield str(doubled)

    return flask.Response(body(), mimetype="text/plain")


@app.before_request
def before():
    flask.g.started = True


@app.after_request
def after(response):
    response.headers["X-Started"] = str(flask.g.started)
    return response


app.register_blueprint(users)

with serving(app):
    ask("GET", "/users/7?token=hush")
    ask("POST", "/users", {"name": "ann", "password": "hush"})
    ask("POST", "/form", b"a=1&password=hush", Content_Type="application/x-www-form-urlencoded")
    ask("GET", "/boom")
    ask("GET", "/no")
    ask("GET", "/handled")
    ask("GET", "/nowhere")
    ask("DELETE", "/users/7")
    ask("GET", "/parts")
    ask("GET", "/static/none")

client = app.test_client()
print(client.get("/users/8").status_code)
