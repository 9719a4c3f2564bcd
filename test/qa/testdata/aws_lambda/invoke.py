import urllib.request

from runtime import Runtime
from serve import serve


def work(say):
    runtime = Runtime("shop.handler")
    try:
        # The context that the events are to bring; none when this is not traced.
        header = urllib.request.urlopen(runtime.url + "/traceparent").read().decode()
        invoke_all(say, runtime, header)
    finally:
        runtime.close()


def invoke_all(say, runtime, header):
    attributes = {"traceparent": {"dataType": "String", "stringValue": header}}
    sns = {"traceparent": {"Type": "String", "Value": header}}
    request = {"requestContext": {"http": {"method": "POST", "path": "/buy"}, "requestId": "r"}, "rawPath": "/buy"}
    say(runtime.invoke(dict(request, version="2.0", routeKey="POST /buy", headers={"traceparent": header})))
    asked = {"Host": "api.example", "User-Agent": "tester", "X-Forwarded-Proto": "https", "traceparent": header}
    rest = {"httpMethod": "GET", "path": "/buy/7", "resource": "/buy/{id}", "queryStringParameters": {"a": "1"}}
    say(runtime.invoke(dict(rest, requestContext={"identity": {"sourceIp": "10.0.0.1"}}, headers=asked)))
    queue = {"eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:orders", "body": "{}"}
    say(runtime.invoke({"Records": [dict(queue, messageId="m", messageAttributes=attributes)], "look": runtime.url}))
    say(runtime.invoke({"Records": [{"EventSource": "aws:sns", "Sns": {"TopicArn": "arn:aws:sns:e:1:news", "MessageAttributes": sns}}]}))
    say(runtime.invoke({"token": "hush"}, {"custom": {"traceparent": header}}))
    kind, error = runtime.invoke({"fail": True})
    say(kind, error["errorType"], error["errorMessage"])


serve(work)
