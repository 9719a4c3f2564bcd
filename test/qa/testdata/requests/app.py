import os
import socket
import threading

import requests
from peer import peer
from serve import raises, serve


def work(say):
    mine = {"X-Mine": "1"}
    with peer() as url, requests.Session() as session:
        response = session.get(url + "/json", params={"token": "hush"}, headers=mine)
        say(response.status_code, response.json(), mine, "traceparent" in response.request.headers)
        say(session.post(url + "/", json={"name": "ann", "password": "hush"}).json())
        say(session.post(url + "/", data=iter([b"one ", b"two"]), headers={"Content-Type": "text/plain"}).text)
        say(session.post(url + "/", files={"file": ("name.txt", "hush")}).status_code)
        response = session.get(url + "/redirect")
        say([each.status_code for each in response.history], response.json())
        say(session.get(url + "/packed").json())
        say(session.get(url + "/missing").status_code)
        with session.get(url + "/json", stream=True) as response:
            say(list(response.iter_content(16)))
        say(session.get(url + "/json", headers={"traceparent": "00-%s-%s-01" % ("a" * 32, "b" * 16)}).status_code)
        try:
            session.get(url + "/cut")
            say("whole")
        except requests.RequestException as error:
            say(type(error).__name__)
        raises(say, requests.get(url + "/missing").raise_for_status)
        said = []
        thread = threading.Thread(target=lambda: said.append(requests.get(url + "/json").status_code))
        thread.start()
        thread.join()
        say(said)
    try:
        requests.get(url)
    except requests.RequestException as error:
        say(type(error).__name__)
    with socket.socket() as silent:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        silent.bind(("127.0.0.1", int(os.environ["QA_PORT"])))
        silent.listen(1)
        try:
            requests.get(url, timeout=0.2)
        except requests.RequestException as error:
            say(type(error).__name__)


serve(work)
