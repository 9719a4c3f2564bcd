"""For tests of hooks: installs one hook at a time and collects the spans that would go to the engine."""

import io
import marshal
import unittest

import here
from lumigo_opentelemetry import _handover, _http, _imports


class Recorded:
    """A finished span as the engine would get it, with what it would have to unpack unpacked: the environ of WSGI is a
    dict, a payload bytes, or (bytes, True) where there was more, (bytes, False) where a library had unpacked it."""

    def __init__(self, record):
        (_, self.trace_id, self.span_id, self.parent_id, _, _, self.name, self.kind, self.start, self.end) = record[:10]
        self.status, _, _, attributes, events = record[10:15]
        common = attributes.pop("lumigo.common", None)
        if common is not None:
            attributes = {**marshal.loads(common), **attributes}
        if not self.name:
            self.name = _http.named(attributes["http.client.head"][0].split(b" ")[0].decode())
        answer = attributes.pop("http.client.answer", None)
        self.attributes = {name: _unpacked(name, value) for name, value in attributes.items() if value is not None}
        if answer is not None:
            self._answered(*answer)
        answer = self.attributes.pop("aws.answer", None)
        if answer is not None:
            self._aws(answer, answer.pop("ResponseMetadata", None) or {})
        self.events = events or []

    def _answered(self, status, version, headers):
        self.attributes["http.response.status_code"] = status
        self.attributes["network.protocol.version"] = {10: "1.0", 11: "1.1"}[version]
        self.attributes["http.response.headers"] = headers
        if status >= 400:
            self.attributes["error.type"], self.status = str(status), 2

    def _aws(self, body, metadata):
        headers = metadata.get("HTTPHeaders") or {}
        request = metadata.get("RequestId") or headers.get("x-amzn-requestid")
        for name, value in (
            ("http.response.status_code", metadata.get("HTTPStatusCode")), ("retry_attempts", metadata.get("RetryAttempts")),
            ("aws.request_id", request), ("messageId", body.get("MessageId") or request),
            ("http.response.headers", headers), ("http.response.body", body),
        ):  # fmt: skip
            if value:
                self.attributes[name] = value

    def __repr__(self):
        return "<%s %s>" % (self.name, self.attributes)

    def get(self, name):
        return self.attributes.get(name)

    @property
    def exceptions(self):
        return [attributes["exception.type"] for _, name, attributes in self.events if name == "exception"]


def _unpacked(name, value):
    if name == "wsgi.environ":
        data = io.BytesIO(value)
        environ = dict(zip(marshal.load(data), marshal.load(data)))
        assert not data.read()
        return environ
    if name in ("http.request.payload", "http.response.payload"):
        marks = [part for part in value if isinstance(part, bool)]
        data = b"".join(part for part in value if not isinstance(part, bool))
        return (data, *marks) if marks else data
    return value


class HookCase(unittest.TestCase):
    def setUp(self):
        here.reset()
        self.faults = []
        here.keep(self)
        self.addCleanup(setattr, _imports, "failed", _imports.failed)
        _imports.failed = self.fault
        self.addCleanup(here.reset)

    def fault(self, part, error):
        self.faults.append((part, error))

    def tearDown(self):
        self.assertEqual(self.faults, [])

    def hook(self, name, module):
        previous, _imports._installing = _imports._installing, name
        try:
            _imports._load(name).install(module)
        finally:
            _imports._installing = previous
        self.addCleanup(_imports.unwrap, name)

    def spans(self):
        return [Recorded(marshal.loads(data)) for data in _handover.spans]

    def one(self):
        spans = self.spans()
        self.assertEqual(len(spans), 1, spans)
        return spans[0]
