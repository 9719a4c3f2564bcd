import json
import os
import threading

import boto3
from botocore.exceptions import ClientError, ParamValidationError
from serve import raises, serve

AWS = {
    "region_name": "us-east-1",
    "endpoint_url": "http://127.0.0.1:" + os.environ["QA_PORT"],
    "aws_access_key_id": "id",
    "aws_secret_access_key": "key",
}


def work(say):
    storage(say)
    table(say)
    stream(say)
    function(say)
    secrets(say)


def storage(say):
    s3 = boto3.client("s3", **AWS)
    s3.create_bucket(Bucket="photos")
    say(s3.put_object(Bucket="photos", Key="cat.txt", Body=b"meow")["ResponseMetadata"]["HTTPStatusCode"])
    body = s3.get_object(Bucket="photos", Key="cat.txt")["Body"]
    say(type(body).__name__, body.read(2), body.read())
    raises(say, s3.get_object, Bucket="photos", Key="dog.txt")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="photos")
    say([each["Key"] for page in pages for each in page["Contents"]])
    worker = threading.Thread(target=lambda: s3.delete_object(Bucket="photos", Key="cat.txt"))
    worker.start()
    worker.join()
    s3.delete_bucket(Bucket="photos")


def table(say):
    dynamodb = boto3.resource("dynamodb", **AWS)
    users = dynamodb.create_table(
        TableName="users",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    )
    users.put_item(Item={"id": "ann", "age": 40, "password": "hush"})
    say(users.get_item(Key={"id": "ann"})["Item"]["age"])
    with users.batch_writer() as batch:
        batch.put_item(Item={"id": "bob"})
    say(users.scan(ConsistentRead=True, Limit=5, ProjectionExpression="id", ReturnConsumedCapacity="TOTAL")["Count"])
    users.delete()


def stream(say):
    kinesis = boto3.client("kinesis", **AWS)
    kinesis.create_stream(StreamName="clicks", ShardCount=1)
    say(kinesis.put_record(StreamName="clicks", Data=b"click", PartitionKey="1")["ShardId"])
    kinesis.delete_stream(StreamName="clicks")


def function(say):
    client = boto3.client("lambda", **AWS)
    try:
        client.invoke(FunctionName="resize", Payload=json.dumps({"width": 1}))
    except ClientError as error:
        say(error.response["Error"]["Code"])
    try:
        client.invoke(Function="resize")
    except ParamValidationError as error:
        say(str(error))


def secrets(say):
    vault = boto3.client("secretsmanager", **AWS)
    vault.create_secret(Name="db", SecretString="hush")
    say(vault.get_secret_value(SecretId="db")["SecretString"])
    vault.delete_secret(SecretId="db", ForceDeleteWithoutRecovery=True)


serve(work)
