import os

import boto.exception
from boto.s3.connection import OrdinaryCallingFormat, S3Connection
from serve import serve

AWS = {"aws_access_key_id": "id", "aws_secret_access_key": "key", "is_secure": False, "port": int(os.environ["QA_PORT"])}


def work(say):
    s3 = S3Connection(host="127.0.0.1", calling_format=OrdinaryCallingFormat(), **AWS)
    bucket = s3.create_bucket("boto-photos")
    key = bucket.new_key("cat.txt")
    say(key.set_contents_from_string("meow"))
    say(bucket.get_key("cat.txt").get_contents_as_string())
    say(bucket.get_key("dog.txt"))
    try:
        s3.get_bucket("boto-nothing")
    except boto.exception.S3ResponseError as error:
        say(error.status)
    key.delete()
    s3.delete_bucket("boto-photos")


serve(work)
