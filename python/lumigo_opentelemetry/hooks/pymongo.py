"""pymongo, and motor and what else stands on it: a span for each command, as the driver's own monitoring tells of it.

The monitoring tells the thread or task that called, which is where the span's parent is found.
"""

from .. import _imports, _tracing, _values

# About connections, and no data.
_HOUSEKEEPING = frozenset(("ismaster", "hello", "ping", "endsessions"))
# What the driver adds to a command for the server's sake.
_NOISE = frozenset(("lsid", "$clusterTime", "operationTime", "$db", "$readPreference", "txnNumber"))
_BATCHES = {"insert": "documents", "update": "updates", "delete": "deletes"}
_WAITING = 1000  # commands that may run at once; old versions never tell of the end of one that was cancelled


def install(module):
    listener = type("Commands", (_Commands, module.CommandListener), {})()
    _imports.wrap(module._EventListeners, "__init__", lambda original: _listening(original, listener))


def _listening(original, listener):
    def __init__(self, listeners, *args, **named):
        listeners = list(listeners or ())
        if listener not in listeners:  # else they are another client's
            listeners.append(listener)
        original(self, listeners, *args, **named)

    return __init__


class _Commands:
    """A command listener. What it raises would be shown to the app's user."""

    def __init__(self):
        self.running = {}

    @_imports.guard
    def started(self, event):
        if _tracing.suppressed():
            return
        name, command = event.command_name, event.command
        if _tracing.settings.mongo_reduced and name.lower() in _HOUSEKEEPING:
            return
        collection = command.get("collection" if name == "getMore" else name)
        attributes = {"db.system.name": "mongodb", "db.namespace": event.database_name, "db.operation.name": name}
        if isinstance(collection, str):
            attributes["db.collection.name"] = collection
            span_name = "%s %s" % (name, collection)
        else:
            span_name = name
        batch = command.get(_BATCHES.get(name))
        if batch is not None and len(batch) > 1:
            attributes["db.operation.batch.size"] = len(batch)
        attributes["server.address"], port = event.connection_id
        if port is None:
            attributes["network.transport"] = "unix"
        else:
            attributes["server.port"] = port
        span = _tracing.start_span(span_name, _tracing.CLIENT, attributes)
        if span.recording and _tracing.settings.capture:
            attributes["db.request.body"] = _document(command)
        if len(self.running) >= _WAITING:
            self.running.pop(next(iter(self.running))).end()
        self.running[event.request_id, event.connection_id] = span

    @_imports.guard
    def succeeded(self, event):
        span = self.running.pop((event.request_id, event.connection_id), None)
        if span is None:
            return
        try:
            if span.recording:
                if _tracing.settings.capture:
                    span.attributes["db.response.body"] = _document(event.reply)
                refused = event.reply.get("writeErrors") or event.reply.get("writeConcernError")
                if refused:
                    _fail(span, refused[0] if isinstance(refused, list) else refused)
        finally:
            span.end()

    @_imports.guard
    def failed(self, event):
        span = self.running.pop((event.request_id, event.connection_id), None)
        if span is None:
            return
        try:
            _fail(span, event.failure)
        finally:
            span.end()


def _document(command):
    return _values.plain({key: command[key] for key in command if key not in _NOISE})


def _fail(span, failure):
    code = failure.get("code")
    if code is not None:
        span.set_attribute("db.response.status_code", str(code))
    span.set_attribute("error.type", str(failure.get("codeName") or code or failure.get("errtype") or "_OTHER"))
    span.set_status(_tracing.ERROR, str(failure.get("errmsg") or ""))
