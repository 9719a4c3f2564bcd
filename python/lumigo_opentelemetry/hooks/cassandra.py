"""cassandra-driver: a span for each statement or batch, from its sending until its (first) answer or its failure."""

from _weakref import ref

from .. import _dbapi, _imports
from .._http import trouble

_seams = {}


def install(module):
    _imports.wrap(module.Session, "execute_async", _execute_async)


def _execute_async(original):
    def execute_async(self, *args, **named):
        try:
            span = _begin(self, args, named)
        except Exception as error:
            trouble(error)
            span = None
        if span is None:
            return original(self, *args, **named)
        try:
            future = original(self, *args, **named)
        except BaseException as error:
            span.record_exception(error)
            span.end()
            raise
        with _imports.guard:
            known = ref(future)  # which would keep its rows, and itself, by callbacks that have it
            future.add_callbacks(lambda rows: _end(span, known()), lambda error: _end(span, known(), error))
        return future

    return execute_async


def _begin(session, args, named):
    query = args[0] if args else named["query"]
    values = args[1] if len(args) > 1 else named.get("parameters")
    keyspace = session.keyspace
    seam = _seams.get(keyspace)
    if seam is None:
        seam = _seams[keyspace] = _dbapi.Seam("cassandra", {"db.namespace": keyspace})
    statements = getattr(query, "_statements_and_parameters", None)
    if statements is not None:
        span = _dbapi.start(seam, "BATCH")
        if span is not None:
            del span.attributes["db.query.text"]
            span.attributes["db.operation.batch.size"] = len(statements)
        return span
    prepared = getattr(query, "prepared_statement", query)  # one that is bound has its values encoded
    return _dbapi.start(seam, getattr(prepared, "query_string", query), values)


@_imports.guard
def _end(span, future, error=None):
    host = getattr(future, "_current_host", None)  # who coordinated it
    endpoint = getattr(host, "endpoint", None)
    if endpoint is not None:
        span.set_attribute("server.address", endpoint.address)
        span.set_attribute("server.port", endpoint.port)
    elif host is not None:
        span.set_attribute("server.address", host.address)
    if error is not None:
        span.record_exception(error)
    span.end()
