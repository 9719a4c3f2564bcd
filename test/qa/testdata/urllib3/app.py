import os
import socket

import urllib3
from peer import peer
from serve import serve


def work(say):
    with peer() as url, urllib3.PoolManager() as pool:
        response = pool.request("GET", url + "/json?token=hush", headers={"X-Mine": "1"})
        say(response.status, response.data)
        body = b'{"name": "ann", "password": "hush"}'
        say(pool.request("POST", url + "/", body=body, headers={"Content-Type": "application/json"}).data)
        chunks = pool.urlopen("POST", url + "/", body=iter([b"one ", b"two"]), chunked=True)
        say(chunks.data)
        say(pool.request("POST", url + "/", fields={"a": "1", "password": "hush"}, encode_multipart=False).data)
        say(pool.request("GET", url + "/redirect").data)
        say(pool.request("GET", url + "/redirect", redirect=False).status)
        say(pool.request("GET", url + "/packed").data)
        say(pool.request("GET", url + "/missing").status)
        response = pool.request("GET", url + "/json", preload_content=False)
        say(response.read(9), b"".join(response.stream(9)))
        response.release_conn()
        pool.request("GET", url + "/json", preload_content=False).close()
        try:
            say(pool.request("GET", url + "/cut", retries=False).data)
        except urllib3.exceptions.HTTPError as error:
            say(type(error).__name__)
    for scheme in ("http", "https"):
        try:
            urllib3.PoolManager().request("GET", scheme + url[4:] + "/gone", retries=urllib3.Retry(1, backoff_factor=0))
        except urllib3.exceptions.HTTPError as error:
            say(type(error).__name__)
    with socket.socket() as silent:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        silent.bind(("127.0.0.1", int(os.environ["QA_PORT"])))
        silent.listen(1)
        pool = urllib3.HTTPConnectionPool("127.0.0.1", int(os.environ["QA_PORT"]), timeout=0.2, retries=False)
        try:
            pool.request("GET", "/")
        except urllib3.exceptions.HTTPError as error:
            say(type(error).__name__)
        pool = urllib3.HTTPSConnectionPool("127.0.0.1", int(os.environ["QA_PORT"]), timeout=0.2, retries=False)
        try:
            pool.request("PUT", "/handshake?token=hush")
        except urllib3.exceptions.HTTPError:
            say("no handshake")


serve(work)
