"""Hands finished spans to the engine, over a Unix socket whose messages are atomic.

Spans are appended to a list; whoever gets the lock, without waiting for it, sends what is
there. So a signal handler, a greenlet or another thread that arrives in between only
appends, and the holder looks again before it leaves. A full socket fills a backlog of
bounded size; when that is full too, the newest spans are dropped and counted, and the
count travels with the next frame. Only flush and goodbye ever wait, and not for long.
The protocol is described in docs/protocol.md.
"""

import os
import time
from _struct import Struct
from _thread import allocate_lock, get_ident
from marshal import dumps, loads

from . import _log

HELLO, SETTINGS, RECORDS, FLUSH, FLUSHED, GOODBYE = 1, 2, 3, 4, 5, 6
MAX_FRAME = 131072
MAX_RECORD = MAX_FRAME - 16
BACKLOG_BYTES = 1 << 20
_COALESCED = 65536  # the backlog leaves in frames of about this size
_HIGH_DESCRIPTOR = 512  # out of the way of programs that close and count the low ones
_RETRY_SECONDS = 1.0

_header = Struct("<BBHIQ").pack
_parse_header = Struct("<BBHIQ").unpack_from

spans = []  # encoded finished spans, appended to by anybody
notes = []  # encoded records of other kinds; sent first
last_sent = 0  # time_ns of the last frame

path = key = None
hello = None  # makes the HELLO record: hello(forked) -> dict
is_fork = False

_pid = os.getpid()
_lock = allocate_lock()
_holder = None
_socket = None
_inode = None
_descriptor = -1
_sequence = 0
_made = 0  # spans this process finished
_dropped = 0  # spans dropped since this connection began, or never reported on an earlier one
_reported = 0  # of these, how many a frame has carried
_backlog = []  # (body, records, spans)
_backlog_bytes = 0
_next_attempt = 0.0
_flush_id = 0
_flushed = set()


# --- connection -------------------------------------------------------------------------


def connect(timeout=None):
    """Connect and greet. With a timeout in seconds, wait that long for the engine's SETTINGS
    and return them; {} when they do not come, None when there is no engine."""
    if not path or not _lock.acquire(False):
        return None
    try:
        if not _open(timeout):
            return None
        if timeout is None:
            return {}
        return _receive_settings(timeout)
    finally:
        _lock.release()


def _open(timeout=None):
    global _socket, _inode, _descriptor, _sequence, _dropped, _reported, _next_attempt
    import _socket as native

    _next_attempt = time.monotonic() + _RETRY_SECONDS
    connection = None
    try:
        connection = native.socket(native.AF_UNIX, native.SOCK_SEQPACKET)
        connection = _raised(connection, native)
        connection.settimeout(timeout or 0)
        connection.connect(path)
        connection.settimeout(0)
        try:
            connection.setsockopt(native.SOL_SOCKET, native.SO_SNDBUF, BACKLOG_BYTES)
        except OSError:
            pass
        _sequence = 0
        _dropped -= _reported
        _reported = 0
        _descriptor = connection.fileno()
        _inode = os.fstat(_descriptor).st_ino
        _socket = connection
        greeting = hello(is_fork)
        body = dumps(greeting, 2)
        if len(body) > MAX_RECORD:
            greeting["environ"] = []
            body = tamed(greeting)
        return _send(HELLO, 1, body)
    except (OSError, ValueError):
        _socket = None
        if connection is not None:
            connection.close()
        return False


def _raised(connection, native):
    """The same socket under a high descriptor number: a program that closes what it does
    not know, and then opens its own, would otherwise be handed our number."""
    try:
        from fcntl import F_DUPFD_CLOEXEC, fcntl

        high = fcntl(connection.fileno(), F_DUPFD_CLOEXEC, _HIGH_DESCRIPTOR)
    except (ImportError, OSError):
        return connection  # the limit on descriptors is lower than that
    raised = native.socket(native.AF_UNIX, native.SOCK_SEQPACKET, 0, high)
    connection.close()
    return raised


def _ours():
    """Whether our descriptor still is our socket. The app may have closed it, and opened
    something else that got the number."""
    try:
        return os.fstat(_descriptor).st_ino == _inode
    except OSError:
        return False


def _disconnect():
    global _socket
    connection, _socket = _socket, None
    if connection is None:
        return
    try:
        if _ours():
            connection.close()
        else:
            connection.detach()
    except OSError:
        pass


def forked():
    """This process is a new child. Everything inherited is its parent's to deliver: begin
    with nothing, and greet the engine when there is a first span."""
    global _pid, _lock, _holder, _made, _dropped, _reported, _backlog, _backlog_bytes
    global _next_attempt, is_fork, last_sent
    if _pid == os.getpid():
        return
    _pid = os.getpid()
    is_fork = True
    _lock = allocate_lock()
    _holder = None
    _disconnect()
    del spans[:]
    del notes[:]
    _backlog, _backlog_bytes = [], 0
    _made = _dropped = _reported = 0
    _next_attempt = 0.0
    last_sent = 0


# --- sending ----------------------------------------------------------------------------


def drain():
    """Send what waits, if nobody else is at it. Never blocks, never raises."""
    global _holder
    while spans or notes:
        if not _lock.acquire(False):
            return
        try:
            _holder = get_ident()
            _drain()
        except Exception as err:
            _log.once("DEBUG", "handing over spans failed: %s: %s" % (type(err).__name__, err))
            return
        finally:
            _holder = None
            _lock.release()


def _drain():
    global _made, last_sent
    last_sent = time.time_ns()
    facts, batch = notes[:], spans[:]
    del notes[: len(facts)]
    del spans[: len(batch)]
    _made += len(batch)
    if _socket is None:
        _reconnect()
    if _backlog:
        _send_backlog()
    body = b"".join(facts + batch)
    if len(body) <= MAX_RECORD:
        _send_or_keep(body, len(facts) + len(batch), len(batch))
    else:
        for record in facts:
            _send_or_keep(record, 1, 0)
        for record in batch:
            _send_or_keep(record, 1, 1)


def _send_or_keep(body, records, span_count):
    global _backlog_bytes, _dropped
    if not _backlog and _send(RECORDS, records, body):
        return
    if _backlog_bytes + len(body) <= BACKLOG_BYTES:
        _backlog.append((body, records, span_count))
        _backlog_bytes += len(body)
    else:
        _dropped += span_count


def _send_backlog():
    global _backlog_bytes
    while _backlog:
        size = records = n = 0
        for body, count, _ in _backlog:
            if n and (size + len(body) > _COALESCED or records + count > 65535):
                break
            size += len(body)
            records += count
            n += 1
        if not _send(RECORDS, records, b"".join(entry[0] for entry in _backlog[:n])):
            return False
        del _backlog[:n]
        _backlog_bytes -= size
    return True


def _send(kind, count, body):
    """One frame, now or not at all."""
    global _sequence, _reported
    if _socket is None:
        return False
    if not _ours():
        _disconnect()
        return False
    frame = _header(1, kind, count, (_sequence + 1) & 0xFFFFFFFF, _dropped) + body
    try:
        _socket.send(frame, 0x4040)  # MSG_NOSIGNAL | MSG_DONTWAIT
    except BlockingIOError:
        return False
    except OSError as err:
        if err.errno in (105, 12):  # ENOBUFS, ENOMEM: full, in other words
            return False
        _disconnect()
        return False
    _sequence = (_sequence + 1) & 0xFFFFFFFF
    _reported = _dropped
    return True


def _reconnect():
    if path and time.monotonic() >= _next_attempt:
        _open()


# --- waiting ----------------------------------------------------------------------------


def _receive():
    """The next frame from the engine as (kind, value), or None if there is none now."""
    try:
        frame = _socket.recv(MAX_FRAME, 0x40)
    except (BlockingIOError, InterruptedError):
        return None
    if len(frame) < 16:
        raise OSError("the engine has closed the connection")
    version, kind, count, _, _ = _parse_header(frame)
    if version != 1 or not count:
        return kind, None
    return kind, loads(frame[16:])


def _receive_settings(timeout):
    deadline = time.monotonic() + timeout
    try:
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return {}
            _socket.settimeout(left)
            try:
                frame = _socket.recv(MAX_FRAME)
            finally:
                _socket.settimeout(0)
            if len(frame) < 16:
                _disconnect()
                return None
            if frame[1] == SETTINGS:
                value = loads(frame[16:])
                return value if isinstance(value, dict) else {}
    except (OSError, EOFError, ValueError, TypeError):
        return {}


def _wait(writable, seconds):
    import select

    try:
        poll = select.poll()
        poll.register(_descriptor, select.POLLOUT if writable else select.POLLIN)
        poll.poll(max(0, min(seconds, 0.05)) * 1000)
    except (OSError, ValueError):
        time.sleep(max(0, min(seconds, 0.01)))


def flush(timeout, acknowledged=True):
    """Send everything, waiting up to timeout seconds; with acknowledged, also wait until the
    engine has exported it. Returns whether that was achieved."""
    global _holder, _flush_id
    deadline = time.monotonic() + timeout
    _flush_id += 1
    wanted = _flush_id
    asked = False
    while True:
        if _holder == get_ident():
            return False  # called from a signal handler that interrupted a sender
        if _lock.acquire(False):
            try:
                _holder = get_ident()
                _drain()
                empty = not _backlog and not spans and not notes
                if empty and not acknowledged:
                    return True
                if empty and not asked:
                    asked = _send(FLUSH, 1, dumps(wanted, 2))
                if asked and _collect_flushed(wanted):
                    return wanted in _flushed
                if _socket is None:
                    if not path or acknowledged is False or asked:
                        return False
            except OSError:
                _disconnect()
                return False
            except Exception:
                return False
            finally:
                _holder = None
                _lock.release()
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        if _socket is None:
            time.sleep(min(left, 0.05))
        else:
            _wait(not asked, left)


def _collect_flushed(wanted):
    """Read the engine's answers; whether ours, or a later one, is among them."""
    answered = False
    while _socket is not None:
        frame = _receive()
        if frame is None:
            break
        kind, value = frame
        if kind == FLUSHED and isinstance(value, tuple) and len(value) == 2:
            if value[1]:
                _flushed.add(value[0])
            answered = answered or value[0] == wanted
    return answered or wanted in _flushed


def goodbye(timeout, acknowledged):
    """This process ends of its own will. Waits at most timeout seconds in all."""
    if _pid != os.getpid() or not path or (_socket is None and not (spans or notes or _backlog)):
        return
    flush(timeout, acknowledged)
    if _holder is None and _lock.acquire(False):
        try:
            _send(GOODBYE, 1, dumps((_made,), 2))
            _disconnect()
        finally:
            _lock.release()


# --- values -----------------------------------------------------------------------------


def tamed(record):
    """record as bytes that fit into a frame, whatever it holds: values that marshal does not
    know become what they resemble, else their text; then long ones are cut, ever shorter."""
    record = _plain(record, 0)
    for longest in (1 << 30, 16384, 2048, 256, 32):
        data = dumps(_shortened(record, longest), 2)
        if len(data) <= MAX_RECORD:
            return data
    if isinstance(record, tuple):
        # Thousands of attributes: the span without them is better than none.
        bare = tuple(_shortened(v, 256) if not isinstance(v, (dict, list)) else None for v in record)
        return dumps(bare, 2)
    return dumps(None, 2)


def _plain(value, depth):
    kind = type(value)
    if value is None or kind in (str, int, float, bool, bytes):
        return value
    if depth > 32:
        return _text(value)
    try:
        if isinstance(value, bool):
            return bool(value)
        if isinstance(value, str):
            return str.__str__(value) if kind is str else "".join(value)
        if isinstance(value, int):
            return int(value)
        if isinstance(value, float):
            return float(value)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return bytes(value)
        if isinstance(value, dict):
            return {_plain(k, depth + 32 if isinstance(k, (dict, list)) else depth + 1): _plain(v, depth + 1)
                    for k, v in list(value.items())}
        if isinstance(value, tuple):
            return tuple(_plain(v, depth + 1) for v in value)
        if isinstance(value, (list, set, frozenset)):
            return [_plain(v, depth + 1) for v in list(value)]
    except Exception:
        pass
    return _text(value)


def _text(value):
    try:
        return "".join(str(value))
    except Exception:
        return "<%s>" % type(value).__name__


def _shortened(value, longest):
    kind = type(value)
    if kind is str or kind is bytes:
        return value[:longest]
    if kind is int:
        return value if value.bit_length() <= 64 else str(value)[:longest] if value.bit_length() < 10000 else "<int>"
    if kind is dict:
        return {_shortened(k, longest): _shortened(v, longest) for k, v in value.items()}
    if kind is tuple:
        return tuple(_shortened(v, longest) for v in value)
    if kind is list:
        return [_shortened(v, longest) for v in value[: max(longest, 128)]]
    return value
