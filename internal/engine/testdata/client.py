# A traced process, as small as it can be: what TestRealPythonClient runs.
import marshal
import os
import socket
import struct

HELLO, SETTINGS, RECORDS, FLUSH, FLUSHED, GOODBYE = range(1, 7)
state = {"sequence": 0, "socket": None}


def connect():
    state["socket"] = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    state["socket"].connect(os.environ["LUMIGO_ENGINE"].partition("@")[2])


def send(kind, values):
    state["sequence"] += 1
    head = struct.pack("<BBHIQ", 1, kind, len(values), state["sequence"], 0)
    state["socket"].send(head + b"".join(marshal.dumps(value, 2) for value in values))


def receive():
    return marshal.loads(state["socket"].recv(131072)[16:])


def hello(forked=False):
    send(HELLO, [{
        "key": os.environ["LUMIGO_ENGINE"].partition("@")[0], "pid": os.getpid(), "language": "python", "forked": forked,
        "runtime": ("cpython", "3", "3"),
        "config": {
            "LUMIGO_TRACER_TOKEN": "t_123456789012345678901",
            "LUMIGO_ENDPOINT": os.environ["TEST_ENDPOINT"],
            "LUMIGO_DEBUG_SPANDUMP": os.environ["TEST_DUMP"],
        },
        "environ": list(os.environ.items()),
    }])


def span(name, attributes=None, events=None):
    return (0, os.urandom(16), os.urandom(8), None, 1, None, name, 2, 1767312000000000000, 1767312000001000000,
            0, None, "lumigo_opentelemetry", attributes, events, None, None)
