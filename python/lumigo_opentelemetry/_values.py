"""Values of the app's as payloads: plain copies, as much of them as is shown. They may be large, and the app's to change."""

from marshal import dumps

from . import _tracing

_PLAIN = frozenset((str, bytes, int, float, bool, type(None)))
_DEPTH = 12


def shown(value):
    """A single value: text and bytes shortened, what is not plain as text."""
    kind = type(value)
    limit = _tracing.settings.capture
    if kind not in _PLAIN:
        if isinstance(value, bytearray) or isinstance(value, memoryview) and value.ndim == 1:
            value = value[:limit]
        value = bytes(value) if isinstance(value, (bytearray, memoryview)) else text(value)
        kind = type(value)
    if kind is str or kind is bytes:
        return value if len(value) <= limit else value[:limit]
    return value


def text(value):
    """What the app's object says it is."""
    try:
        return str(value)
    except Exception:
        return "<%s that cannot be printed>" % type(value).__name__


def plain(value, convert=None):
    """A value of any structure. Its cost is bounded by what is captured of a payload. convert(value) may put another in the
    place of each that is not plain."""
    limit = _tracing.settings.capture
    return _plain(value, [limit, limit], 0, convert)


def parsed(value, small=False):
    """The same for what a library has just parsed, and nobody changes before the span ends: taken as it is, where it is
    small. Of what is large, no more is looked at than is captured. small: who asks knows that it is."""
    if small:
        try:
            dumps(value, 2)  # what marshal does not know would have it all walked through at the span's end
            return value
        except ValueError:
            return plain(value)
    room = _tracing.settings.capture
    found = [value]
    for each in found:  # and what is in it
        kind = type(each)
        if kind is str or kind is bytes:
            room -= len(each)
        elif kind is dict or kind is list:
            room -= 8 * len(each) + 8
        elif kind in _PLAIN:
            continue
        else:
            return plain(value)
        if room < 0:
            return plain(value)
        if kind is list:
            found += each
        elif kind is dict:
            found += each
            found += each.values()
    return value


def _plain(value, room, depth, convert):
    """room: [how much more is taken, how much of one text]. Texts in dicts, which most values are, are handled in short."""
    kind = type(value)
    if kind not in _PLAIN:
        if depth > _DEPTH:
            return "..."  # as text it would hide names of secrets
        room[0] -= 2
        if convert is not None:
            value = convert(value)
            kind = type(value)
        if kind is dict or isinstance(value, dict) or (hasattr(kind, "keys") and hasattr(kind, "__getitem__")):
            copy = {}
            for key in value:
                left = room[0]
                if left <= 0:
                    break
                if type(key) is not str and type(key) is not bytes:
                    key, item = str(key), value[key]
                else:
                    item = value[key]
                if type(item) is str:
                    limit = room[1]
                    if len(item) > limit:
                        item = item[:limit]
                    room[0] = left - len(key) - len(item)
                    copy[key] = item
                else:
                    room[0] = left - len(key)
                    copy[key] = _plain(item, room, depth + 1, convert)
            return copy
        if isinstance(value, (list, tuple, set, frozenset)):
            items = []
            for item in value:
                if room[0] <= 0:
                    break
                items.append(_plain(item, room, depth + 1, convert))
            return items
    value = shown(value)
    room[0] -= len(value) if type(value) is str or type(value) is bytes else 2
    return value
