import urllib.request


def handler(event, context):
    if event.get("fail"):
        raise ValueError("no such item")
    if "look" in event:
        urllib.request.urlopen(event["look"] + "/traceparent").close()
    if "headers" in event:
        return {"statusCode": 201, "body": "bought"}
    return {"records": len(event.get("Records", ())), "name": context.function_name, "password": "hush"}
