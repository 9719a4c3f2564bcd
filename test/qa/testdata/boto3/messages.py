import copy
import json
import os
import pickle

import boto3
from serve import serve

AWS = {
    "region_name": "us-east-1",
    "endpoint_url": "http://127.0.0.1:" + os.environ["QA_PORT"],
    "aws_access_key_id": "id",
    "aws_secret_access_key": "key",
}


def work(say):
    sqs = boto3.client("sqs", **AWS)
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    try:
        queue(say, sqs, url)
        resources(say, url)
        topic(say, sqs, url)
    finally:
        sqs.delete_queue(QueueUrl=url)


def queue(say, sqs, url):
    say(sorted(sqs.receive_message(QueueUrl=url)))
    sent = {"QueueUrl": url, "MessageBody": json.dumps({"order": 1, "password": "hush"})}
    before = copy.deepcopy(sent)
    say(len(sqs.send_message(**sent)["MessageId"]), sent == before)
    full = {"a%d" % n: {"DataType": "String", "StringValue": "x"} for n in range(10)}
    say("MD5OfMessageAttributes" in sqs.send_message(QueueUrl=url, MessageBody="full", MessageAttributes=full))
    entries = [{"Id": str(n), "MessageBody": "entry %d" % n, "MessageAttributes": {"n": full["a0"]}} for n in range(2)]
    say(len(sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]), len(entries[0]["MessageAttributes"]))

    received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1)["Messages"]
    say(isinstance(received, list), json.loads(json.dumps(received)) == received, pickle.loads(pickle.dumps(received)) == received)
    for message in received:
        say(json.loads(message["Body"])["order"], sorted(message))
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    sqs.get_queue_url(QueueName="orders")

    for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1)["Messages"]:
        say(message["Body"])
        for inner in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=2, MessageAttributeNames=["n"])["Messages"]:
            say(inner["Body"], inner["MessageAttributes"], inner["MD5OfMessageAttributes"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=inner["ReceiptHandle"])
            break
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    sqs.purge_queue(QueueUrl=url)


def resources(say, url):
    orders = boto3.resource("sqs", **AWS).Queue(url)
    orders.send_message(MessageBody="by resource")
    for message in orders.receive_messages():
        say(message.body)
        message.delete()


def topic(say, sqs, url):
    sns = boto3.client("sns", **AWS)
    arn = sns.create_topic(Name="news")["TopicArn"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn)
    sns.publish(TopicArn=arn, Message='{"news": "good"}')
    for message in sqs.receive_message(QueueUrl=url)["Messages"]:
        say(json.loads(message["Body"])["Message"])
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    sns.delete_topic(TopicArn=arn)


serve(work)
