import json
import os
import threading

import kafka
from serve import raises, serve

SERVER = "127.0.0.1:" + os.environ["QA_PORT"]
TOPIC = "orders-" + os.environ["QA_RUN"]
GROUP = "group-" + os.environ["QA_RUN"]
MESSAGES = 3


def work(say):
    headers = [("kind", b"order")]
    producer = kafka.KafkaProducer(bootstrap_servers=SERVER, client_id="shop")
    for number in range(MESSAGES):
        order = json.dumps({"number": number, "password": "hunter2"}).encode()
        say(producer.send(TOPIC, order, b"key-%d" % number, headers, 0).get(timeout=30).offset)
    say(headers)
    raises(say, producer.send, TOPIC)
    raises(say, producer.send, TOPIC, "no bytes", headers=headers)
    loop(producer, say)
    producer.send(TOPIC + "-after", key=b"outside of any message").get(timeout=30)

    # What is polled is handled message by message, here by another thread.
    worker = threading.Thread(target=poll, args=(producer, say))
    worker.start()
    worker.join()
    producer.close()


def loop(producer, say):
    consumer = kafka.KafkaConsumer(
        TOPIC, bootstrap_servers=[SERVER], client_id="packer", group_id=GROUP, auto_offset_reset="earliest",
        enable_auto_commit=False, value_deserializer=lambda value: json.loads(value.decode()),
    )  # fmt: skip
    for message in consumer:
        say(message.offset, message.key, message.value, ("kind", b"order") in message.headers)
        producer.send(TOPIC + "-done", b"done", key=message.key)
        if message.offset == MESSAGES - 2:
            break
    producer.send(TOPIC + "-between", b"outside of any message")
    producer.flush()
    message = next(consumer)
    say(message.offset)
    producer.send(TOPIC + "-dead", b"failed", headers=message.headers).get(timeout=30)  # it still is of its first sender
    consumer.close()


def poll(producer, say):
    consumer = kafka.KafkaConsumer(bootstrap_servers=SERVER, client_id="archive", auto_offset_reset="earliest", group_id=None)
    partition = kafka.TopicPartition(TOPIC + "-done", 0)
    consumer.assign([partition])
    batch = {}
    while not batch:
        batch = consumer.poll(timeout_ms=1000)
    messages = batch[partition]
    say(isinstance(batch, dict), isinstance(messages, list), len(messages), messages[0].value, messages == messages[:])
    for message in messages:
        say(message.key, message.value)
        producer.send(TOPIC + "-archive", message.value).get(timeout=30)
    consumer.close()


serve(work)
