import asyncio
import inspect
import types
import unittest

from hooks_support import HookCase


class Aiohttp(HookCase):
    def test_what_was_a_coroutine_function_is_one(self):
        class Connector:
            async def connect(self, req, traces=None, timeout=None):
                return req

        class Response:
            async def write(self, data):
                return len(data)

            async def start(self, connection):
                pass

            async def read(self):
                pass

            def release(self):
                pass

            def close(self):
                pass

        class Session:
            async def _request(self, method, url):
                pass

        client = types.ModuleType("aiohttp.client")
        client.ClientSession, client.BaseConnector, client.ClientResponse = Session, Connector, Response
        self.hook("aiohttp_client", client)
        server = types.ModuleType("aiohttp.web_response")
        server.StreamResponse = Response
        self.hook("aiohttp_server", server)
        for function in (Connector.connect, Response.write, Response.start, Response.read, Session._request):
            self.assertTrue(inspect.iscoroutinefunction(function), function)
        self.assertEqual(asyncio.run(Connector().connect("request", timeout=5)), "request")
        self.assertEqual(asyncio.run(Response().write(b"lamp")), 4)


if __name__ == "__main__":
    unittest.main()
