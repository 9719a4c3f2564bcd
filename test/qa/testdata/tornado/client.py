import socket

from peer import peer
from serve import raises, serve
from tornado.httpclient import AsyncHTTPClient, HTTPClient, HTTPError, HTTPRequest
from tornado.ioloop import IOLoop


async def talk(say, url):
    client = AsyncHTTPClient()
    request = HTTPRequest(url + "/json?token=hush", headers={"X-Mine": "1"})
    for _ in range(2):
        response = await client.fetch(request)
        say(response.code, response.body, response.headers["Content-Type"])
    say("X-Mine" in request.headers, "traceparent" in request.headers)
    mine = {"Content-Type": "application/json"}
    response = await client.fetch(url + "/", method="POST", headers=mine, body=b'{"name": "ann", "password": "hush"}')
    say(response.body, mine)
    response = await client.fetch(url + "/redirect")
    say(response.effective_url == url + "/json", response.code)
    say((await client.fetch(url + "/packed")).body)
    say((await client.fetch(url + "/missing", raise_error=False)).code)
    parts = []
    await client.fetch(url + "/json", streaming_callback=parts.append)
    say(b"".join(parts))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        nobody = "http://127.0.0.1:%d/" % silent.getsockname()[1]
        for fetched in client.fetch(url + "/missing"), client.fetch(nobody, request_timeout=0.3):
            try:
                await fetched
            except HTTPError as error:
                say(error.code)
    response = await client.fetch(url + "/json", headers={"traceparent": "00-%s-%s-01" % ("a" * 32, "b" * 16)})
    say(response.code)


def work(say):
    with peer() as url:
        IOLoop().run_sync(lambda: talk(say, url))
        client = HTTPClient()
        say(client.fetch(url + "/json").code)
        raises(say, client.fetch, url + "/missing")
    try:
        client.fetch(url)
    except Exception as error:
        say(type(error).__name__)
    client.close()


serve(work)
