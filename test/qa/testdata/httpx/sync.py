import httpx
from peer import peer
from serve import raises, serve


def work(say):
    with peer() as url, httpx.Client() as client:
        response = client.get(url + "/json?token=hush")
        say(response.status_code, response.json(), "traceparent" in response.request.headers)
        say(client.post(url + "/", json={"name": "ann", "password": "hush"}).json())
        say(client.post(url + "/", content=iter([b"one ", b"two"])).text)
        response = client.get(url + "/redirect", follow_redirects=True)
        say([each.status_code for each in response.history], response.json())
        say(client.get(url + "/packed").json())
        say(client.get(url + "/missing").status_code)
        with client.stream("GET", url + "/json") as response:
            say(response.is_stream_consumed, next(response.iter_raw(4)), response.is_closed)
        say(response.is_closed)
        say(client.get(url + "/json", headers={"traceparent": "00-%s-%s-01" % ("a" * 32, "b" * 16)}).status_code)
        raises(say, client.get, url + "/cut")
    raises(say, client.get, url)
    raises(say, httpx.get, url)
    say(httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(204))).get(url).status_code)


serve(work)
