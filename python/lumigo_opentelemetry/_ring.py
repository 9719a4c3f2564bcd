"""Memory shared with the engine: spans are handed over by writing, without a system call.

Imported once a process has shown that it makes many spans, as mapping memory costs more
than the first of them. The layout is in docs/protocol.md. Not for two threads at once.
"""

import mmap
import os
import sys

_MAGIC = b"lumigo\0\1"
_DATA = 4096
_HEAD, _MADE, _DROPPED, _TAIL, _STATE = 8, 9, 10, 16, 17  # words of eight bytes
UNREAD, CLOSED = 0, 1  # states; larger ones are odd when the engine wants to be woken
_WIPE_ON_FORK = 18

# Up to Python 3.12, mapped memory holds a descriptor of its own and closes it when it goes. The
# app may have closed that long ago, and opened something else under the number; so it never goes.
if not hasattr(sys, "_lumigo_kept"):
    sys._lumigo_kept = []

_allocate_lock = None
if os.uname().machine not in ("x86_64", "i386", "i686"):
    from _thread import allocate_lock as _allocate_lock


def fork_mark():
    """A page that the kernel wipes in children of fork: its first byte tells for nothing
    whether this still is the process that asked. None where there is no such thing."""
    try:
        mark = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        mark.madvise(_WIPE_ON_FORK)
    except (OSError, ValueError, AttributeError):
        return None
    mark[0] = 1
    return mark


class Ring:
    """A ring of `capacity` bytes. It is used once the engine has taken it over: ready()."""

    __slots__ = ("descriptor", "_memory", "_words", "_capacity", "_at", "_begun", "_limit", "_state", "_rung", "_wake", "_fence")

    def __init__(self, capacity, wake):
        """wake: called when the engine is to be woken. OSError where there is no such memory."""
        if capacity < 65536 or capacity & capacity - 1:
            raise ValueError("%r bytes" % capacity)
        size = _DATA + capacity
        self.descriptor = os.memfd_create("lumigo", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.posix_fallocate(self.descriptor, 0, size)  # no page that could turn out not to be there
            if sys.version_info >= (3, 13):
                memory = mmap.mmap(self.descriptor, size, trackfd=False)
            else:
                memory = mmap.mmap(self.descriptor, size)
                sys._lumigo_kept.append(memory)
        except Exception:
            os.close(self.descriptor)
            raise
        memory[: len(_MAGIC)] = _MAGIC
        self._memory = memory
        self._words = memoryview(memory).cast("Q")
        self._capacity = capacity
        self._at = _DATA  # in the memory, where the next entry stands
        self._begun = -_DATA  # added to that: bytes ever written
        self._rung = 0
        self._limit = _DATA + capacity // 2  # where there is more to consider: the engine is behind, or the ring begins again
        self._state = UNREAD
        self._wake = wake
        self._fence = None
        if _allocate_lock is not None:
            self._fence = _allocate_lock()
            self._fence.acquire()

    def shared(self):
        """The engine has the descriptor, so that ours is needed no more."""
        os.close(self.descriptor)
        self.descriptor = -1

    def ready(self):
        return self._words[_STATE] > CLOSED

    def closed(self):
        return self._words[_STATE] == CLOSED

    def write(self, counts, body):
        """Hand over a body. counts: its records << 32, those that are spans << 48. False when there is no room."""
        size = len(body)
        at = self._at
        end = at + (size + 15 & -8)
        if end > self._limit:
            at = self._room(size)
            if at < 0:
                return False
            end = at + (size + 15 & -8)
        words = self._words
        words[at >> 3] = counts | size
        at += 8
        self._memory[at : at + size] = body
        if self._fence is not None:
            # On processors that reorder writes, the entry must be there before the head
            # says so; letting go of a lock and taking it is what Python has for that.
            self._fence.release()
            self._fence.acquire(False)
        self._at = end
        words[_HEAD] = end + self._begun
        if words[_STATE] != self._state:
            self._notice()
        return True

    def _room(self, size):
        """Where an entry of this size can stand in the memory; -1 for nowhere. Wakes the engine when the ring is half full."""
        head = self._at + self._begun
        end = head + (size + 15 & -8)
        tail = self._words[_TAIL]
        half = tail + self._capacity // 2
        again = self._begun + _DATA + self._capacity
        anew = end > again
        if anew:
            end += again - head
        if end > half:
            if end > self._rung:
                self._rung = end + self._capacity // 8
                self._wake()
            if end - tail > self._capacity or self._memory is None:
                return -1
        if anew:
            if head < again:  # an entry without records, up to the end
                self._words[self._at >> 3] = again - head - 8
            self._at = _DATA
            self._begun = again - _DATA
            again += self._capacity
        self._limit = min(half, again) - self._begun
        return self._at

    def _notice(self):
        """The engine has gone to sleep, is awake again, or has left."""
        self._state = state = self._words[_STATE]
        if state & 1 and not self._wake():
            self._state = UNREAD  # try again with the next

    def made(self, spans):
        """So many spans this process has made so far, some of which are kept back: of others, the entries tell."""
        self._words[_MADE] = spans

    def dropped(self, spans):
        """So many spans have been dropped on this connection."""
        self._words[_DROPPED] = spans

    def abandon(self):
        """The engine reads no more: returns what it has not read, a list of [body, records,
        spans]. The ring cannot be used any more."""
        entries = []
        tail = self._words[_TAIL]
        head = self._at + self._begun
        while tail < head:
            at = _DATA + tail % self._capacity
            word = self._words[at >> 3]
            size = word & 0xFFFFFFFF
            if word >> 32 & 0xFFFF:
                entries.append([bytearray(self._memory[at + 8 : at + 8 + size]), word >> 32 & 0xFFFF, word >> 48])
            tail += size + 15 & -8
        self._memory = None
        return entries
