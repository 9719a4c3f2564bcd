"""Values of the app's as payloads: plain copies, as much of them as is shown. They may be large, and the app's to change."""

from marshal import dumps

from . import _tracing

_PLAIN = frozenset((str, bytes, int, float, bool, type(None)))
_DEPTH = 12


def shown(value):
    """A single value: text and bytes shortened, what is not plain as text."""
    kind = type(value)
    if kind not in _PLAIN:
        value = bytes(value) if isinstance(value, (bytearray, memoryview)) else str(value)
        kind = type(value)
    if kind is str or kind is bytes:
        limit = _tracing.settings.capture
        return value if len(value) <= limit else value[:limit]
    return value


def plain(value):
    """A value of any structure. Its cost is bounded by what is captured of a payload."""
    return _plain(value, [_tracing.settings.capture], 0)


def parsed(value):
    """The same for what a library has just parsed, and nobody changes before the span ends: taken as it is, where it is
    small. Only for trees: marshal's second version never comes to the end of a list that is in itself twice."""
    try:
        if len(dumps(value, 2)) <= _tracing.settings.capture:
            return value
    except ValueError:  # something that is not plain
        pass
    return plain(value)


def _plain(value, room, depth):
    kind = type(value)
    if kind not in _PLAIN:
        if depth > _DEPTH:
            return "..."  # as text it would hide names of secrets
        room[0] -= 2
        if isinstance(value, dict) or (hasattr(kind, "keys") and hasattr(kind, "__getitem__")):
            copy = {}
            for key in value:
                if room[0] <= 0:
                    break
                name = key if type(key) is str or type(key) is bytes else str(key)
                room[0] -= len(name)
                copy[name] = _plain(value[key], room, depth + 1)
            return copy
        if isinstance(value, (list, tuple, set, frozenset)):
            items = []
            for item in value:
                if room[0] <= 0:
                    break
                items.append(_plain(item, room, depth + 1))
            return items
    value = shown(value)
    room[0] -= len(value) if type(value) is str or type(value) is bytes else 2
    return value
