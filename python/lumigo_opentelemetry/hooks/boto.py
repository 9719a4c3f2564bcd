"""boto, which came before boto3: a span for each call of a service, its retries included, in the place of its requests."""

from .. import _calls, _http, _imports, _tracing


def install(module):
    _imports.wrap(module.AWSAuthConnection, "_mexe", lambda original: _calls.traced(_begin, _answered)(_silent(original)))


def _silent(original):
    def wrapper(self, *args, **named):
        with _tracing.suppress():
            return original(self, *args, **named)

    return wrapper


def _begin(connection, args, named):
    if _tracing.suppressed():
        return None
    request = args[0]
    service = type(connection).__name__
    if service.endswith("Connection") and service != "Connection":
        service = service[: -len("Connection")]
    target = request.headers.get("X-Amz-Target") or ""
    operation = request.params.get("Action") or target.rpartition(".")[2] or request.method
    attributes = {
        "rpc.system": "aws-api",
        "rpc.service": service,
        "rpc.method": operation,
        "aws.service": service.lower(),
        "http.request.method": request.method,
        "url.full": "%s://%s%s" % (request.protocol, request.host, request.path),
        "server.address": _http.address(request.host, request.protocol)[0],
        "server.port": int(request.port),
    }
    region = getattr(getattr(connection, "region", None), "name", None)
    if region:
        attributes["aws.region"] = attributes["cloud.region"] = attributes["region"] = region
    if service == "SQS" and request.path != "/":
        attributes["aws.resource.name"] = request.path.rpartition("/")[2]
    return _tracing.start_span(service + "." + operation, _tracing.CLIENT, attributes)


def _answered(span, response):
    attributes = span.attributes
    attributes["http.response.status_code"] = status = response.status
    if status >= 400:
        span.set_status(_http.ERROR)
        attributes["error.type"] = str(status)
    request = response.getheader("x-amzn-requestid") or response.getheader("x-amz-request-id")
    if request:
        attributes["aws.request_id"] = attributes["messageId"] = request
