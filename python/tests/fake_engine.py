"""The other end of docs/protocol.md, for tests: takes in frames, believes the kernel about
who sent them, and adds up what was made, delivered and dropped."""

import marshal
import mmap
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

PYTHON = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HELLO, SETTINGS, RECORDS, FLUSH, FLUSHED, GOODBYE, RING, WAKE = 1, 2, 3, 4, 5, 6, 7, 8
SO_PASSCRED = 16
SCM_RIGHTS = 1
SCM_CREDENTIALS = 2
KEY = "0123456789abcdef0123456789abcdef"

# The fields of a finished span, by name.
SPAN = (
    "record trace_id span_id parent_id flags trace_state name kind start end status message"
    " scope attributes events links dropped"
).split()


class Stream:
    """What one process has sent over one connection."""

    def __init__(self, pid):
        self.pid = pid
        self.hello = None
        self.spans = []
        self.started = []
        self.facts = []
        self.sequences = []
        self.dropped = 0
        self.made = None
        self.ring = None

    def take(self, body, count):
        for record in _values(body, count):
            (self.spans, self.started, self.facts)[record[0]].append(record)


class Ring:
    """The memory that a process shares."""

    DATA, HEAD, MADE, DROPPED, TAIL, STATE = 4096, 8, 9, 10, 16, 17

    def __init__(self, descriptor):
        size = os.fstat(descriptor).st_size
        self.memory = mmap.mmap(descriptor, size)
        os.close(descriptor)
        assert self.memory[:8] == b"lumigo\0\1"
        self.words = memoryview(self.memory).cast("Q")
        self.capacity = size - self.DATA
        self.words[self.STATE] = 2

    def head(self):
        return self.words[self.HEAD]

    def read(self, stream, head):
        """Everything up to head; whether that was anything."""
        tail = self.words[self.TAIL]
        if tail >= head or self.words[self.STATE] == 1:
            return False
        while tail < head:
            at = self.DATA + tail % self.capacity
            word = self.words[at >> 3]
            size = word & 0xFFFFFFFF
            count = word >> 32 & 0xFFFF
            if count:
                stream.take(self.memory[at + 8 : at + 8 + size], count)
            tail += size + 15 & -8
        assert tail == head, "an entry goes beyond the head"
        stream.dropped = max(stream.dropped, self.words[self.DROPPED])
        self.words[self.TAIL] = tail
        return True


class FakeEngine:
    """with FakeEngine() as engine: engine.run("code of an app"). Read engine.spans() after
    engine.settle(). paused=True leaves frames unread until resume()."""

    ring = 0  # bytes of the rings that processes are asked for

    def __init__(self, paused=False, answer_settings=True, **settings):
        self.settings = dict(active=True, log=[], log_level="INFO", ring=self.ring, **settings)
        self.answer_settings = answer_settings
        self.directory = tempfile.mkdtemp(prefix="lumigo-test-")
        self.path = os.path.join(self.directory, "engine.sock")
        self.streams = []
        self.paused = paused
        self._connections = {}
        self._stop = False
        self._idle = threading.Event()
        self._wake_r, self._wake_w = os.pipe()
        self._listener = None
        self._thread = None

    def __enter__(self):
        self.listen()
        return self

    def __exit__(self, *exc_info):
        self.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def listen(self):
        self._stop = False
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.setsockopt(socket.SOL_SOCKET, SO_PASSCRED, 1)
        self._listener.bind(self.path)
        self._listener.listen(64)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self):
        """Go away, as an engine that has crashed would."""
        self._stop = True
        self._wake()
        self._thread.join()
        self._listener.close()
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        if os.path.exists(self.path):
            os.unlink(self.path)

    def resume(self):
        self.paused = False
        self._wake()

    def _wake(self):
        os.write(self._wake_w, b"x")

    def _serve(self):
        while not self._stop:
            waiting = [self._listener, self._wake_r]
            rings = []
            if not self.paused:
                waiting += list(self._connections)
                # What is in a ring now comes after what was sent before there was one.
                rings = [(s, s.ring.head()) for s in self._live_streams() if s.ring]
            ready, _, _ = select.select(waiting, [], [], 0.05 if not rings else 0.002)
            if not ready:
                if not any([stream.ring.read(stream, head) for stream, head in rings]):
                    self._idle.set()
                continue
            self._idle.clear()
            for source in ready:
                if source is self._listener:
                    connection, _ = source.accept()
                    connection.setsockopt(socket.SOL_SOCKET, SO_PASSCRED, 1)
                    self._connections[connection] = {}
                elif source == self._wake_r:
                    os.read(source, 1)
                elif not self._read(source):
                    for stream in self._connections[source].values():
                        if stream.ring:
                            stream.ring.read(stream, stream.ring.head())
                            stream.ring.words[Ring.STATE] = 1
                    source.close()
                    del self._connections[source]

    def _live_streams(self):
        return [stream for streams in self._connections.values() for stream in streams.values()]

    def _read(self, connection):
        try:
            frame, ancillary, flags, _ = connection.recvmsg(1 << 18, 96)
        except ConnectionResetError:
            return True  # closed without reading our last answer; what it sent is still there
        except OSError:
            return False
        if not frame:
            return False
        assert not flags & socket.MSG_TRUNC and len(frame) <= 131072, "frame too long"
        pid = next(struct.unpack("iii", data)[0] for _, kind, data in ancillary if kind == SCM_CREDENTIALS)
        stream = self._connections[connection].get(pid)
        if stream is None:
            stream = self._connections[connection][pid] = Stream(pid)
            self.streams.append(stream)
        version, kind, count, sequence, dropped = struct.unpack("<BBHIQ", frame[:16])
        assert version == 1
        stream.sequences.append(sequence)
        if kind != RECORDS and stream.ring:
            stream.ring.read(stream, stream.ring.head())
        stream.dropped = max(stream.dropped, dropped)
        values = _values(frame[16:], count)
        if kind == HELLO:
            stream.hello = values[0]
            assert stream.hello["key"] == KEY, "wrong key"
            if self.answer_settings:
                self._answer(connection, SETTINGS, self.settings)
        elif kind == RECORDS:
            stream.take(frame[16:], count)
        elif kind == RING:
            stream.ring = Ring(next(struct.unpack("i", data)[0] for _, kind, data in ancillary if kind == SCM_RIGHTS))
        elif kind == FLUSH:
            self._answer(connection, FLUSHED, (values[0], True))
        elif kind == GOODBYE:
            stream.made = values[0][0]
        return True

    @staticmethod
    def _answer(connection, kind, value):
        try:
            connection.send(struct.pack("<BBHIQ", 1, kind, 1, 1, 0) + marshal.dumps(value, 2))
        except OSError:
            pass

    # --- for the tests ---

    def settle(self):
        """Until everything sent has been read: it finds nothing twice, the second time for sure
        after this was called."""
        for _ in range(2):
            self._idle.clear()
            self._idle.wait(10)

    def spans(self):
        return [dict(zip(SPAN, record)) for stream in self.streams for record in stream.spans]

    def environ(self, inject=False, **more):
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("LUMIGO_", "OTEL_", "PYTHON", "AUTOWRAPT"))}
        environ.update(LUMIGO_ENGINE="%s@%s" % (KEY, self.path))
        environ["PYTHONPATH"] = os.path.join(PYTHON, "sitecustomize") if inject else PYTHON
        environ.update(more)
        return {k: v for k, v in environ.items() if v is not None}

    def start(self, code, inject=False, python=None, options=(), **environ):
        return subprocess.Popen(
            [python or sys.executable] + list(options) + ["-c", code],
            env=self.environ(inject, **environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
        )

    def run(self, code, inject=False, **more):
        """Run an app to its end; returns (status, standard output, standard error)."""
        process = self.start(code, inject, **more)
        out, err = process.communicate(timeout=120)
        self.settle()
        return process.returncode, out, err


def _values(body, count):
    """The marshalled values that stand in body, one after the other."""
    import io

    stream = io.BytesIO(body)
    values = [marshal.load(stream) for _ in range(count)]
    assert stream.read() == b"", "frame longer than its records"
    return values


def until(condition, seconds=20):
    """Whether condition comes true within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
