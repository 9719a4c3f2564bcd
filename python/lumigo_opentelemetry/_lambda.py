"""AWS Lambda's handlers: a span for each invocation, in the trace that its event brings, handed over before it returns,
since the sandbox is frozen after that."""

import os

from . import _aws, _bootstrap, _handover, _log, _tracing
from ._http import trouble

_cold = True  # until the first invocation of this process


def traced(fn):
    """fn, a handler, with a span for each of its invocations; fn itself if it has that already."""
    if getattr(fn, "__lumigo_lambda__", False):
        return fn
    name = getattr(fn, "__name__", "handler")

    def handler(*args, **named):
        event = args[0] if args else named.get("event")
        context = args[1] if len(args) > 1 else named.get("context")
        tags = _tracing.add_tags({}) if _bootstrap.active else None
        span = _begin(name, event, context)
        token = _tracing.activate(span)
        try:
            result = fn(*args, **named)
            _answered(span, result)
            return result
        except BaseException as err:
            span.record_exception(err)
            raise
        finally:
            _tracing.deactivate(token)
            if tags is not None:
                _tracing.remove_tags(tags)
            span.end()
            if _bootstrap.active:
                _handover.flush(_flush_seconds(context, os.environ))

    for attribute in ("__module__", "__name__", "__qualname__", "__doc__"):
        try:
            setattr(handler, attribute, getattr(fn, attribute))
        except (AttributeError, TypeError):
            pass
    handler.__dict__.update(getattr(fn, "__dict__", ()))
    handler.__wrapped__ = fn
    handler.__lumigo_lambda__ = True
    return handler


def _begin(name, event, context):
    global _cold
    if not _bootstrap.active:
        return _tracing.RemoteSpan(bytes(16), bytes(8), 0)
    attributes, links, parent, kind = {}, None, _tracing.CURRENT, _tracing.SERVER
    try:
        attributes["faas.coldstart"], _cold = _cold, False
        for key, source in (
            ("faas.name", "function_name"),
            ("faas.execution", "aws_request_id"),
            ("faas.invocation_id", "aws_request_id"),
            ("cloud.resource_id", "invoked_function_arn"),
        ):
            value = getattr(context, source, None)
            if value is not None:
                attributes[key] = value
        arn = str(attributes.get("cloud.resource_id")).split(":")
        if len(arn) > 4:
            attributes["cloud.account.id"] = arn[4]
        attributes["faas.event"] = _handover.copied(event)
        if isinstance(event, dict):
            attributes["faas.trigger"], kind = _trigger(event, attributes)
            callers = _callers(event, context)
            if callers:
                parent = callers[0]
                links = [(c.trace_id, c.span_id, c.flags, c.trace_state, None) for c in callers[1:]] or None
            origin = _aws.triggers(event)
            if origin:
                import json  # the runtime has it

                attributes["lumigoData"] = json.dumps({"trigger": origin})
    except Exception as error:
        trouble(error)
    name = attributes.get("faas.name") or name
    return _tracing.start_span(name, kind, attributes, parent, scope="lumigo", links=links)


def _answered(span, result):
    try:
        if span.recording:
            span.attributes["faas.return_value"] = "null" if result is None else _handover.copied(result)
            if span.attributes.get("faas.trigger") == "http" and isinstance(result, dict):
                status = result.get("statusCode")
                if isinstance(status, int):
                    span.attributes["http.response.status_code"] = status
                    if status >= 500:
                        span.set_status(_tracing.ERROR)
                        span.attributes["error.type"] = str(status)
    except Exception as error:
        trouble(error)


def _trigger(event, attributes):
    """(faas.trigger, kind of span) for an event."""
    request = event.get("requestContext")
    if isinstance(request, dict) and isinstance(event.get("headers"), dict):
        http = request.get("http") or {}
        method = event.get("httpMethod") or http.get("method")
        path = event.get("path") or event.get("rawPath") or http.get("path")
        if method and path:
            attributes["http.request.method"] = method
            attributes["url.path"] = path
            route = event.get("resource") or (event.get("routeKey") or "").partition(" ")[2]
            if route:
                attributes["http.route"] = route
            _describe(event, request, http or request.get("identity"), attributes)
            return "http", _tracing.SERVER
    records = event.get("Records")
    if isinstance(records, list) and records and isinstance(records[0], dict):
        source = records[0].get("eventSource") or records[0].get("EventSource")
        if source in ("aws:sqs", "aws:sns"):
            arn = records[0].get("eventSourceARN") or (records[0].get("Sns") or {}).get("TopicArn") or ""
            attributes["messaging.system"] = "aws_sqs" if source == "aws:sqs" else "aws.sns"
            attributes["messaging.operation.name"] = attributes["messaging.operation.type"] = "process"
            attributes["messaging.destination.name"] = arn.rpartition(":")[2]
            attributes["messaging.batch.message_count"] = len(records)
            return "pubsub", _tracing.CONSUMER
        return ("pubsub" if source == "aws:kinesis" else "datasource"), _tracing.CONSUMER
    if event.get("detail-type") == "Scheduled Event":
        return "timer", _tracing.CONSUMER
    if "detail-type" in event and "source" in event:
        return "pubsub", _tracing.CONSUMER
    return "other", _tracing.SERVER


def _describe(event, request, client, attributes):
    """What else an event tells of its request; client: the part of it that tells who made it."""
    headers = {str(name).lower(): value for name, value in event["headers"].items()}
    client = client if isinstance(client, dict) else {}
    for attribute, value in (
        ("url.scheme", headers.get("x-forwarded-proto") or "https"),  # API Gateway has no other
        ("url.query", event.get("rawQueryString") or _query(event, "elb" in request)),
        ("server.address", request.get("domainName") or headers.get("host")),
        ("client.address", client.get("sourceIp")),
        ("user_agent.original", client.get("userAgent") or headers.get("user-agent")),
    ):
        if value:
            attributes[attribute] = value


def _query(event, encoded):
    """The query of a request; load balancers leave it encoded."""
    parameters = event.get("multiValueQueryStringParameters") or event.get("queryStringParameters")
    if not parameters or not isinstance(parameters, dict):  # as in an event that somebody has made up
        return None
    from urllib.parse import quote_plus, urlencode  # the runtime has it

    return urlencode(parameters, True, quote_via=(lambda text, *rest: text) if encoded else quote_plus)


def _callers(event, context):
    """The contexts that an event brings, each once: of the request, of the messages, or of who invokes the function."""
    headers = event.get("headers")
    if isinstance(headers, dict):
        known = {str(name).lower(): value for name, value in headers.items() if isinstance(value, str)}
        found = [_tracing.extract(known.get)]
    else:
        records = event.get("Records")
        records = records if isinstance(records, list) else ()
        found = [_aws.context_of(record.get("Sns") or record) for record in records if isinstance(record, dict)]
        custom = getattr(getattr(context, "client_context", None), "custom", None)
        if isinstance(custom, dict):
            known = {str(name).lower(): value for name, value in custom.items() if isinstance(value, str)}
            found.append(_tracing.extract(known.get))
    callers = []
    for each in found:
        if each is not None and each.trace_id is not None and all(each.span_id != other.span_id for other in callers):
            callers.append(each)
    return callers


_FLUSH_VARIABLE = "OTEL_INSTRUMENTATION_AWS_LAMBDA_FLUSH_TIMEOUT"


def _flush_seconds(context, environ):
    """LUMIGO_FLUSH_TIMEOUT, else nine tenths of the time that is left but at most ten
    seconds, else one. Put into the environment once, as the original does."""
    if _FLUSH_VARIABLE not in environ:
        environ[_FLUSH_VARIABLE] = str(_flush_millis(context, environ))
    try:
        return max(int(environ[_FLUSH_VARIABLE]), 0) / 1000.0
    except ValueError:
        return 1.0


def _flush_millis(context, environ):
    chosen = environ.get("LUMIGO_FLUSH_TIMEOUT")
    if chosen:
        try:
            if int(chosen) > 0:
                return int(chosen)
        except ValueError:
            pass
        _log.warning("LUMIGO_FLUSH_TIMEOUT '%s' is not a positive number of milliseconds; using 1000" % chosen)
        return 1000
    try:
        return min(int(context.get_remaining_time_in_millis() * 0.9), 10000)
    except Exception:
        return 1000
