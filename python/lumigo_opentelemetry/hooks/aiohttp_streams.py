"""aiohttp's streams: what an application reads of a body is kept while it reads it, on both sides."""

from .. import _imports
from .._http import trouble

kept = {}  # id of a stream that is being read -> the Capture


def install(module):
    _imports.wrap(module.StreamReader, "_read_nowait_chunk", _chunk)


def _chunk(original):
    def wrapper(self, n):
        data = original(self, n)
        if kept:
            capture = kept.get(id(self))
            if capture is not None:
                try:
                    capture.write(data)
                except Exception as error:
                    trouble(error)
        return data

    return wrapper
