"""elasticsearch: a span for each call of its API. Since 8.0 the client stands on elastic_transport."""

from .. import _search


def install(module):
    name = module.__name__
    if name == "elastic_transport":
        _search.trace(module.Transport, "elasticsearch")
        _search.trace(module.AsyncTransport, "elasticsearch", asynchronous=True)
        _search.trace_choice(module.NodePool, "get", lambda node: (node.host, node.port, node.base_url))
    elif name == "elasticsearch._async.transport":
        _search.trace(module.AsyncTransport, "elasticsearch", asynchronous=True)
        _search.trace_choice(module.AsyncTransport, "get_connection", _search.connection)
    elif module.Transport.__module__ == name:  # not only there for those who look for it
        _search.trace(module.Transport, "elasticsearch")
        _search.trace_choice(module.Transport, "get_connection", _search.connection)
