"""opensearch-py: a span for each call of its API."""

from .. import _search


def install(module):
    asynchronous = "._async" in module.__name__
    transport = module.AsyncTransport if asynchronous else module.Transport
    _search.trace(transport, "opensearch", asynchronous)
    _search.trace_choice(transport, "get_connection", _search.connection)
