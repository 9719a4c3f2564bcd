import types
import unittest

from hooks_support import HookCase
from lumigo_opentelemetry.hooks import redis


class Channel:
    def _get_pool(self, asynchronous=False):
        return types.SimpleNamespace(asynchronous=asynchronous)


class SentinelChannel(Channel):
    def _get_pool(self, asynchronous=False):
        return types.SimpleNamespace(sentinel=asynchronous)


class RedisAsBroker(HookCase):
    """Task queues in Redis: what a worker asks it all the time is not traced, nor what a message travels by."""

    def test_commands_of_the_transport_are_left_out_and_no_others(self):
        self.hook("celery", types.SimpleNamespace(Channel=Channel, SentinelChannel=SentinelChannel))
        for channel in (Channel(), SentinelChannel()):
            pool = channel._get_pool(asynchronous=True)
            self.assertTrue(redis._untraced(types.SimpleNamespace(connection_pool=pool)))
            self.assertIn(True, (getattr(pool, "asynchronous", None), getattr(pool, "sentinel", None)))
        self.assertFalse(redis._untraced(types.SimpleNamespace(connection_pool=types.SimpleNamespace())))


if __name__ == "__main__":
    unittest.main()
