"""Hands finished spans to the engine: over a Unix socket whose messages are atomic, and
through memory shared with the engine (_ring) once there have been many.

Spans are appended to a list; whoever gets the turn, without waiting for it, sends what is
there. So a signal handler, a greenlet or another thread that arrives in between only
appends, and the holder looks again before it leaves. A full socket fills a backlog of
bounded size; when that is full too, the newest spans are dropped and counted, and the
count travels with the next frame. Only flush and goodbye ever wait, and not for long.
The protocol is described in docs/protocol.md.
"""

import os
import sys
import time
from _thread import get_ident
from marshal import dumps, loads
from time import time_ns

from . import _log

HELLO, SETTINGS, RECORDS, FLUSH, FLUSHED, GOODBYE, RING, WAKE = 1, 2, 3, 4, 5, 6, 7, 8
_VERSION = 1
HEADER = 16  # version u8, type u8, records u16, sequence u32, dropped u64; struct costs an import
MAX_FRAME = 131072
MAX_RECORD = MAX_FRAME - HEADER
BACKLOG_BYTES = 1 << 20
_COALESCED = 65536  # the backlog leaves in frames of about this size
_HIGH_DESCRIPTOR = 900  # out of the way of programs that close and count the low ones
_RETRY_SECONDS = 1.0
_RECORDS = 1 << 32  # of an entry in the ring
_SPANS = 1 << 48 | _RECORDS
_RING_AFTER = 48  # frames: mapping memory costs about as much as sending so many
_ENVIRON_VALUE = 1024
_CHECK_NS = 1000000000
_FULL_NS = 1000000  # a socket that was full is not worth a system call for a millisecond
_FULL = (12, 105)  # ENOMEM, ENOBUFS: full, in other words
_SOL_SOCKET, _SCM_RIGHTS, _SO_COOKIE = 1, 1, 57
_GONE = (32, 104)  # EPIPE, ECONNRESET: there is no engine at the other end
_NOW = 0x4040  # MSG_DONTWAIT | MSG_NOSIGNAL: an app may have SIGPIPE kill it


spans = []  # encoded finished spans, and log records, which are counted as if they were; appended to by anybody
notes = []  # encoded records of other kinds; sent first
last_sent = 0  # time_ns of the last frame

path = key = None
ring_capacity = 0  # bytes, as the engine asks for; 0 for no ring
mark = None  # see _ring.fork_mark; there whenever there is a ring
hello = None  # makes the HELLO record: hello(forked) -> dict
is_fork = False

_pid = os.getpid()
_beginners = {}  # process -> the thread in it that begins anew after a fork
_turn = [True]  # who takes what is in here may send, and puts it back: a lock that nobody waits for, and the cheapest
_socket = None
_known_as = None  # the identity of our socket
_descriptor = -1
_ring = None
_offered = None  # a ring that the engine has not taken over yet
_ring_due = _RING_AFTER  # the frame after which to offer one
_sequence = 0
_made = 0  # spans this process finished
_dropped = 0  # spans dropped since this connection began, or never reported on an earlier one
_reported = 0  # of these, how many a frame has carried
_backlog = []  # [body, records, spans]
_backlog_bytes = 0
_full_at = 0
_check_due = 0
_next_attempt = 0.0
_flush_id = 0
_answers = {}  # flush id -> whether the engine made it


# --- connection -------------------------------------------------------------------------


def connect(timeout=None):
    """Connect and greet. With a timeout in seconds, wait that long for the engine's SETTINGS
    and return them; {} when they do not come, None when there is no engine."""
    if not path or not _take(_turn):
        return None
    try:
        if not _open(timeout):
            return None
        if timeout is None:
            return {}
        return _receive_settings(timeout)
    finally:
        _turn.append(True)


def _take(turn):
    """Whether it is ours now."""
    try:
        return turn.pop()
    except IndexError:
        return False


def _open(timeout=None):
    global _socket, _known_as, _descriptor, _sequence, _dropped, _reported, _next_attempt, _full_at, _ring_due
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
        _sequence = _full_at = 0
        _ring_due = _RING_AFTER
        _dropped -= _reported
        _reported = 0
        _descriptor = connection.fileno()
        _known_as = _identity(connection)
        _socket = connection
        greeting = hello(is_fork)
        body = dumps(greeting, 2)
        if len(body) > MAX_RECORD:
            greeting["environ"] = []
            greeting["config"] = {name: value[:_ENVIRON_VALUE] for name, value in greeting["config"].items()}
            body = dumps(greeting, 2)
        return _send(HELLO, 1, body)
    except (OSError, ValueError):
        _socket = None
        if connection is not None:
            connection.close()
        return False


def _raised(connection, native):
    """The same socket under a high descriptor number: a program that closes what it does
    not know, and then opens its own, would otherwise be handed our number."""
    for number in range(_HIGH_DESCRIPTOR, _HIGH_DESCRIPTOR + 8):
        try:
            os.fstat(number)
        except OSError:
            try:
                os.dup2(connection.fileno(), number, False)
            except OSError:
                break  # the limit on descriptors is lower than that
            raised = native.socket(native.AF_UNIX, native.SOCK_SEQPACKET, 0, number)
            connection.close()
            return raised
    return connection


def _ours(connection):
    """Whether our descriptor still is our socket. The app may have closed it, and opened
    something else that got the number."""
    try:
        return _identity(connection) == _known_as
    except OSError:
        return False


def _identity(connection):
    try:
        return connection.getsockopt(_SOL_SOCKET, _SO_COOKIE, 8)  # much cheaper than fstat
    except OSError:  # a kernel without cookies, or not our socket any more
        return os.fstat(connection.fileno()).st_ino


def _disconnect(gone=False):
    """Let go of the connection. gone: nobody is at its other end; otherwise the engine reads
    what is in the ring, if it has not given it up."""
    global _socket, _ring, _offered
    connection, _socket = _socket, None
    if gone or (_ring is not None and _ring.closed()):
        _leave_ring()
    _ring = _offered = None
    if connection is None:
        return
    try:
        if _ours(connection):
            connection.close()
        else:
            connection.detach()
    except OSError:
        pass


def _offer_ring():
    """Share memory with the engine, which says in there when it has taken it over."""
    global _ring_due, _offered, mark
    _ring_due = 1 << 62
    if ring_capacity < 2 * MAX_FRAME:  # in which any record fits, wherever the last one ended
        return
    try:
        from . import _ring as rings

        mark = mark or rings.fork_mark()
        if mark is None:
            return
        offered = rings.Ring(ring_capacity, _wake)
        try:
            if _send(RING, 0, b"", offered.descriptor):
                _offered = offered
        finally:
            offered.shared()
    except Exception as err:  # an old Python or kernel, no memory, no permission
        _log.debug("spans are handed over by socket: %s: %s" % (type(err).__name__, err))


def _wake():
    """Wake the engine, to read the ring. Returns whether that needs no other attempt."""
    if _ring is None:
        return True
    if _ring.closed():
        _leave_ring()
        return True
    return _send(WAKE, 0, b"")


def _check():
    """Knock, to find out whether the engine is still there: the ring does not tell. A clock that is set back puts it
    off until the ring is half full."""
    global _check_due
    _check_due = last_sent + _CHECK_NS
    _wake()


def _leave_ring():
    """Take back what the engine has not read, as it never will."""
    global _ring, _backlog_bytes
    if _ring is not None:
        left = _ring.abandon()
        _ring = None
        _backlog[:0] = left
        _backlog_bytes += sum(len(entry[0]) for entry in left)


def forked():
    """This process is a new child. Everything inherited is its parent's to deliver: begin
    with nothing, and greet the engine when there is a first span."""
    global _pid, _turn, _made, _dropped, _reported, _backlog, _backlog_bytes, _full_at
    global _next_attempt, is_fork, last_sent, _ring, mark
    pid = os.getpid()
    if _pid == pid:
        return
    # A server that forks without at-fork hooks may start threads that all get here at once.
    # One begins anew, the others wait until it has: what they add must not be thrown away
    # with what was inherited. No lock, which a thread left behind by the fork might hold.
    me = get_ident()
    if _beginners.setdefault(pid, me) != me:
        while _pid != pid:
            time.sleep(0.0001)
    if _pid == pid:
        return
    del spans[:]
    del notes[:]
    _ring = mark = None
    _turn = [True]
    is_fork = True
    _backlog, _backlog_bytes, _full_at = [], 0, 0
    _made = _dropped = _reported = 0
    _next_attempt = 0.0
    last_sent = 0
    _disconnect()
    _pid = pid
    _beginners.clear()  # of this process, and of ancestors whose number another may get again


# --- sending ----------------------------------------------------------------------------


def drain():
    """Send what waits, if nobody else is at it. Never blocks, never raises."""
    global _made, last_sent
    while spans or notes:
        if mark is not None and not mark[0]:
            forked()  # nobody has told us; the ring is our parent's
            return
        turn = _turn  # a signal handler may fork in here, and the child has another one
        if not _take(turn):
            return
        try:
            if _ring is None or _backlog:
                _drain(turn)
                continue
            last_sent = time_ns()  # the same in short, for the usual cases
            if notes:
                count, facts = 0, 1
                body = notes.pop(0)
            else:
                count, facts = len(spans), 0  # more may come while we are at it
                if count == 1:
                    body = spans.pop(0)
                else:
                    body = b"".join(spans[:count])
                    if len(body) > MAX_RECORD:
                        _drain(turn)
                        continue
                    del spans[:count]
                _made += count
            if not _ring.write(count * _SPANS + facts * _RECORDS, body):
                _keep(body, facts + count, count)
            if last_sent > _check_due:
                _check()
        except Exception as err:
            _failed(err)
            return
        finally:
            turn.append(True)


def hand_over(body, made, now):
    """Hands over one record at once: a span that has ended (made is 1), or a note (0). now: time_ns(). In short for the
    usual case, in which nothing else waits; otherwise as drain."""
    global _made, last_sent
    turn = _turn
    try:
        if _ring is None or spans or notes or _backlog:
            raise IndexError
        turn.pop()
    except IndexError:
        (spans if made else notes).append(body)
        drain()
        return
    try:
        if mark[0]:
            last_sent = now
            _made += made
            if not _ring.write(_SPANS if made else _RECORDS, body):
                _keep(body, 1, made)
            if now > _check_due:
                _check()
        else:  # the ring is our parent's
            (spans if made else notes).append(body)
    except Exception as err:
        _failed(err)
    finally:
        turn.append(True)
    if spans or notes:  # have come meanwhile
        drain()


def _failed(error):
    from . import _signals

    _signals.let_pass(error)
    _log.once("DEBUG", "handing over spans failed: %s: %s" % (type(error).__name__, error))


def _drain(turn):
    global _made, last_sent
    last_sent = now = time_ns()
    facts, batch = notes[:], spans[:]
    del notes[: len(facts)]
    del spans[: len(batch)]
    _made += len(batch)
    if _ring is None:
        _prepare()
    elif now > _check_due:
        _check()
    if _backlog and not 0 <= now - _full_at < _FULL_NS:
        _send_backlog(now)
    if not facts:
        if not batch:
            return
        body = batch[0] if len(batch) == 1 else b"".join(batch)
    else:
        body = b"".join(facts + batch)
    if len(body) <= MAX_RECORD:
        _send_or_keep(turn, body, len(facts) + len(batch), len(batch))
    else:
        for record in facts:
            _send_or_keep(turn, record, 1, 0)
        for record in batch:
            _send_or_keep(turn, record, 1, 1)


def _prepare():
    """While there is no ring: connect, or see to it that there is one."""
    global _ring, _offered
    if _socket is None:
        _reconnect()
    elif _offered is not None:
        if _offered.ready():
            _ring, _offered = _offered, None
    elif _sequence >= _ring_due:
        _offer_ring()


def _hand(records, span_count, body):
    """Hand over records, now or not at all."""
    if _ring is not None:
        return _ring.write(span_count << 48 | records << 32, body)
    return _send(RECORDS, records, body)


def _send_or_keep(turn, body, records, span_count):
    if not _backlog and _hand(records, span_count, body):
        return
    if turn is _turn:  # else forked meanwhile: these are the parent's
        _keep(body, records, span_count)


def _keep(body, records, span_count):
    """For later, if there is room."""
    global _backlog_bytes, _dropped, _reported
    if _ring is not None:
        _ring.made(_made)
    if _backlog_bytes + len(body) > BACKLOG_BYTES:
        _dropped += span_count
        if _ring is not None:
            _ring.dropped(_dropped)
            _reported = _dropped
        return
    _backlog_bytes += len(body)
    if _backlog:
        last = _backlog[-1]
        if len(last[0]) + len(body) <= _COALESCED:
            last[0] += body
            last[1] += records
            last[2] += span_count
            return
    _backlog.append([bytearray(body), records, span_count])


def _send_backlog(now):
    global _backlog_bytes, _full_at
    while _backlog:
        entry = _backlog[0]
        body, records, span_count = entry
        if not _hand(records, span_count, body):
            _full_at = now
            return
        _backlog_bytes -= len(body)
        _backlog.remove(entry)  # by identity
    _full_at = 0


def _send(kind, count, body, descriptor=None):
    """One frame, now or not at all."""
    global _sequence, _reported
    if _socket is None:
        return False
    if not _ours(_socket):
        _disconnect()
        return False
    sequence = (_sequence + 1) & 0xFFFFFFFF
    dropped = _dropped
    try:
        header = (dropped << 64 | sequence << 32 | count << 16 | kind << 8 | _VERSION).to_bytes(HEADER, "little")
        if descriptor is not None:
            rights = (_SOL_SOCKET, _SCM_RIGHTS, descriptor.to_bytes(4, sys.byteorder))
            _socket.sendmsg((header,), (rights,), _NOW)
        elif len(body) < 8192:
            _socket.send(header + body, _NOW)  # copying is cheaper than two parts
        else:
            _socket.sendmsg((header, body), (), _NOW)
    except BlockingIOError:
        return False
    except OSError as err:
        if err.errno not in _FULL:
            _disconnect(err.errno in _GONE)
        return False
    _sequence = sequence
    _reported = dropped
    return True


def _reconnect():
    if path and time.monotonic() >= _next_attempt:
        _open()


# --- waiting ----------------------------------------------------------------------------


def _receive_settings(timeout):
    deadline = time.monotonic() + timeout
    try:
        while True:
            _socket.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                frame = _socket.recv(MAX_FRAME)
            finally:
                _socket.settimeout(0)
            if len(frame) < HEADER:
                _disconnect()
                return None
            if frame[1] == SETTINGS:
                value = loads(frame[HEADER:])
                return value if isinstance(value, dict) else {}
    except (OSError, EOFError, ValueError, TypeError):
        return {}


def flush(timeout, acknowledged=True):
    """Send everything, waiting up to timeout seconds; with acknowledged, also wait until the
    engine has sent it on. Returns whether that was achieved. Gives up early on an engine
    that is gone, and at once in a signal handler that has interrupted a sender."""
    global _flush_id
    start = time.monotonic()
    _flush_id = wanted = _flush_id + 1
    asked = False
    if _interrupting():
        return False
    while True:
        turn = _turn
        if _take(turn):
            try:
                _drain(turn)
                if _backlog:
                    _send_backlog(0)
                if not (_backlog or spans or notes):
                    if not acknowledged:
                        return True
                    asked = asked or _send(FLUSH, 1, dumps(wanted, 2))
                _read_answers()
                if wanted in _answers:
                    return _answers.pop(wanted)
            except Exception as err:
                _disconnect()
                _failed(err)
            finally:
                turn.append(True)
        waited = time.monotonic() - start
        if waited >= timeout or (_socket is None and (asked or waited > 2 * _RETRY_SECONDS)):
            return False
        if _ring is not None and _backlog:
            time.sleep(0.001)  # the engine says nothing when there is room again
        else:
            _wait(not asked, min(timeout - waited, 0.05))


def _interrupting():
    """Whether this is a signal handler that has interrupted who is sending."""
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code in _HOLDERS:
            return True
        frame = frame.f_back
    return False


def _wait(writable, seconds):
    """Until the socket is ready, or for so many seconds."""
    try:
        import select

        poll = select.poll()
        poll.register(_descriptor, select.POLLOUT if writable else select.POLLIN)
        if _socket is not None:
            poll.poll(seconds * 1000)
            return
    except (OSError, ValueError, AttributeError):
        pass
    time.sleep(seconds)


def _read_answers():
    """Take in what the engine has said since: FLUSHED, and SETTINGS that came too late."""
    while _socket is not None:
        try:
            frame = _socket.recv(MAX_FRAME, _NOW)
        except BlockingIOError:
            return
        if len(frame) < HEADER:
            _disconnect()
            return
        if frame[1] == FLUSHED:
            flush_id, done = loads(frame[HEADER:])
            _answers[flush_id] = bool(done)


def goodbye(timeout, acknowledged):
    """This process ends of its own will: send the rest, waiting at most timeout seconds in
    all, and say how much there was. What cannot be sent is counted, and said."""
    global _dropped, _backlog_bytes
    if _pid != os.getpid() or not path or (_socket is None and not (spans or notes or _backlog)):
        return
    deadline = time.monotonic() + timeout
    flush(timeout, acknowledged)
    if not _take(_turn):
        return
    try:
        lost = sum(entry[2] for entry in _backlog) + len(spans)
        del _backlog[:]
        _dropped += lost
        while not _send(GOODBYE, 1, dumps((_made,), 2)):
            left = deadline - time.monotonic()
            if _socket is None or left <= 0:
                _dropped += sum(entry[2] for entry in _backlog)  # the ring's
                if _dropped:
                    _log.warning("%d spans could not be handed to the engine and are lost" % _dropped)
                break
            _wait(True, min(left, 0.05))
        _disconnect()
    finally:
        _turn.append(True)


_HOLDERS = frozenset(holder.__code__ for holder in (connect, drain, hand_over, flush))


# --- values -----------------------------------------------------------------------------


def tamed(record):
    """record as bytes that fit into a frame, whatever it holds: values that marshal does not
    know become what they resemble, else their text; then all are cut, ever shorter."""
    for longest, values in ((MAX_RECORD, 65536), (16384, 4096), (2048, 512), (256, 64), (32, 8)):
        data = dumps(tuple([_each(part, longest, values) for part in record]), 2)
        if len(data) <= MAX_RECORD:
            return data
    # Thousands of attributes or events: the span without them is better than none.
    bare = [None if isinstance(part, (dict, list)) else copied(part, 256, 64) for part in record]
    return dumps(tuple(bare), 2)


def _each(part, longest, values):
    """A part of a record: attributes, events and links are cut one by one."""
    if isinstance(part, dict):
        return {_key(key, longest): copied(_joined(value, longest), longest, values) for key, value in list(part.items())}
    if isinstance(part, list):
        return [copied(value, longest, values) for value in list(part)]
    return copied(part, longest, values)


def _joined(value, longest):
    """The parts of a body as one. Were each cut by itself, a gap could part a secret from its name."""
    if type(value) is not list or not value or type(value[0]) is not bytes:
        return value
    data = b"".join([part for part in value if type(part) is bytes])
    marks = [True] if len(data) > longest or True in value else []
    return [data[:longest]] + marks + ([False] if False in value else [])


def copied(value, longest=8192, values=4096):
    """A copy of value that marshal can encode: text and bytes cut at longest, and no more
    than so many values in all, so that an app's huge argument costs no more than a big one."""
    return _copied(value, longest, [values], 0)


def _copied(value, longest, left, depth):
    kind = type(value)
    if value is None or kind is bool or kind is float:
        return value
    if kind is str or kind is bytes:
        return value if len(value) <= longest else value[:longest]
    try:
        if isinstance(value, int):
            value = int(value)
            return value if value.bit_length() <= 64 else _text(value, longest)
        if isinstance(value, str):
            return str.__getitem__(value, slice(longest))[:]
        if isinstance(value, float):
            return float(value)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return bytes(value[:longest])
        if depth < 32:
            if isinstance(value, dict):
                return {
                    _key(key, longest): _copied(item, longest, left, depth + 1)
                    for key, item in _taken(value.items(), left)
                }
            if isinstance(value, tuple):
                return tuple([_copied(item, longest, left, depth + 1) for item in _taken(value, left)])
            if isinstance(value, (list, set, frozenset)):
                return [_copied(item, longest, left, depth + 1) for item in _taken(value, left)]
    except Exception:
        pass  # a subclass with ideas of its own
    return _text(value, longest)


def _taken(items, left):
    taken = []
    for item in items:
        if left[0] <= 0:
            break
        left[0] -= 1
        taken.append(item)
    return taken


def _key(key, longest):
    if type(key) is str:
        return key if len(key) <= longest else key[:longest]
    if key is None or isinstance(key, (bool, int, float, str)):
        return _copied(key, longest, [0], 0)
    return _text(key, longest)


def _text(value, longest):
    try:
        return "".join(str(value))[:longest]
    except Exception:
        return "<%s>" % type(value).__name__
