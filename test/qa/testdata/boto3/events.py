import os

import boto3
from serve import serve


def work(say):
    events = boto3.client(
        "events",
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:" + os.environ["QA_PORT"],
        aws_access_key_id="id",
        aws_secret_access_key="key",
    )
    say(events.put_events(Entries=[{"Source": "shop", "DetailType": "sold", "Detail": '{"item": 1}'}])["FailedEntryCount"])


serve(work)
