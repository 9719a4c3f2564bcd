import types
import unittest

from hooks_support import HookCase
from lumigo_opentelemetry import _tracing


class Listeners:
    """As pymongo.monitoring's."""

    def __init__(self, listeners):
        self.command = [each for each in listeners or () if isinstance(each, Listener)]


class Listener:
    pass


def event(name="find", request=1, **more):
    return types.SimpleNamespace(
        command_name=name, command={name: "users", "lsid": 5}, database_name="shop", request_id=request,
        connection_id=("mongo", 27017), reply={"ok": 1}, **more
    )  # fmt: skip


class Monitoring(HookCase):
    def setUp(self):
        super().setUp()
        module = types.SimpleNamespace(CommandListener=Listener, _EventListeners=Listeners)
        self.hook("pymongo", module)
        self.theirs = Listener()
        self.assertIs(Listeners([self.theirs]).command[0], self.theirs)
        (self.ours,) = Listeners(None).command

    def test_listeners_of_another_client_have_it_already(self):
        self.assertEqual(Listeners([self.ours, self.theirs]).command, [self.ours, self.theirs])

    def test_a_command(self):
        self.ours.started(event())
        self.assertEqual(self.spans(), [])
        self.ours.succeeded(event())
        (span,) = self.spans()
        self.assertEqual((span.name, span.get("db.request.body")), ("find users", {"find": "users"}))
        self.assertEqual((span.get("server.address"), span.get("server.port")), ("mongo", 27017))

    def test_a_socket_in_the_file_system(self):
        started = event()
        started.connection_id = ("/run/mongo", None)
        self.ours.started(started)
        self.ours.succeeded(started)
        (span,) = self.spans()
        self.assertEqual((span.get("server.address"), span.get("network.transport")), ("/run/mongo", "unix"))

    def test_failures(self):
        for failure, kind in (
            ({"code": 59, "codeName": "CommandNotFound", "errmsg": "no"}, "CommandNotFound"),
            ({"code": 7, "errmsg": "no"}, "7"),
            ({"errtype": "AutoReconnect", "errmsg": "no"}, "AutoReconnect"),
            ({}, "_OTHER"),
        ):
            self.ours.started(event())
            self.ours.failed(event(failure=failure))
            span = self.spans()[-1]
            self.assertEqual((span.get("error.type"), span.status), (kind, _tracing.ERROR))

    def test_housekeeping(self):
        for name in ("isMaster", "hello", "ping", "endSessions"):
            self.ours.started(event(name))
            self.ours.succeeded(event(name))
        self.assertEqual(self.spans(), [])
        _tracing.settings.mongo_reduced = False
        self.ours.started(event("ping"))
        self.ours.succeeded(event("ping"))
        self.assertEqual([span.name for span in self.spans()], ["ping users"])

    def test_commands_whose_end_is_never_told(self):
        for request in range(1200):
            self.ours.started(event(request=request))
        self.assertEqual(len(self.ours.running), 1000)
        self.ours.succeeded(event(request=0))
        self.assertEqual(len(self.spans()), 200)

    def test_what_is_suppressed(self):
        with _tracing.suppress():
            self.ours.started(event())
        self.ours.succeeded(event())
        self.assertEqual(self.spans(), [])


if __name__ == "__main__":
    unittest.main()
