import json
import os
import threading

import confluent_kafka
from serve import raises, serve

SERVER = "127.0.0.1:" + os.environ["QA_PORT"]
TOPIC = "orders-" + os.environ["QA_RUN"]
GROUP = "group-" + os.environ["QA_RUN"]
MESSAGES = 3


class Mine(confluent_kafka.Consumer):
    """As applications derive from it."""

    def poll(self, timeout):
        return super(Mine, self).poll(timeout)


def work(say):
    delivered = []
    headers = [("kind", "order")]
    producer = confluent_kafka.Producer({"bootstrap.servers": SERVER, "client.id": "shop"})
    say(type(producer).__name__, isinstance(producer, confluent_kafka.Producer), len(producer), hasattr(producer, "__dict__"))
    for number in range(MESSAGES):
        order = json.dumps({"number": number, "password": "hunter2"}).encode()
        producer.produce(
            TOPIC, order, b"key-%d" % number, headers=headers, on_delivery=lambda error, got: delivered.append((error, got.offset()))
        )
        say(producer.flush(30))
    say(delivered, headers)
    raises(say, producer.produce, TOPIC, object())
    raises(say, producer.produce)

    consumer = Mine({"bootstrap.servers": SERVER, "client.id": "packer", "group.id": GROUP, "auto.offset.reset": "earliest"})
    consumer.subscribe([TOPIC])
    count = 0
    while count < MESSAGES:
        message = consumer.poll(1.0)
        if message is None or message.error():
            continue
        count += 1
        say(message.offset(), message.key(), message.value(), dict(message.headers())["kind"])
        if count < MESSAGES:
            producer.produce(TOPIC + "-done", b"done", message.key(), headers={"kind": "parcel"})
        else:
            producer.produce(TOPIC + "-dead", message.value(), headers=message.headers())  # it still is of its first sender
    consumer.close()
    producer.produce(TOPIC + "-after", key="outside of any message")
    producer.flush(30)

    worker = threading.Thread(target=batch, args=(producer, say))
    worker.start()
    worker.join()


def batch(producer, say):
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": SERVER, "client.id": "archive", "group.id": GROUP, "auto.offset.reset": "earliest"}
    )
    consumer.assign([confluent_kafka.TopicPartition(TOPIC + "-done", 0, 0)])
    messages = []
    while not messages:
        messages = consumer.consume(MESSAGES - 1, 10)
    say(isinstance(messages, list), len(messages), messages[0].value())
    for message in messages:
        say(message.value(), message.headers()[0])
        producer.produce(TOPIC + "-archive", message.value())
    producer.flush(30)
    consumer.close()


serve(work)
