import os

import confluent_kafka
from serve import serve

SERVER = "127.0.0.1:" + os.environ["QA_PORT"]
TOPIC = "letters-" + os.environ["QA_RUN"]


def consumer(group):
    made = confluent_kafka.Consumer({"bootstrap.servers": SERVER, "group.id": TOPIC + group, "auto.offset.reset": "earliest"})
    made.subscribe([TOPIC])
    return made


def work(say):
    producer = confluent_kafka.Producer({"bootstrap.servers": SERVER})
    for number in range(2):
        producer.produce(TOPIC, b"letter %d" % number, b"key")
        producer.flush(30)

    reader = consumer("-read")
    count = 0
    while count < 2:
        message = reader.poll(1.0)
        if message is not None and not message.error():
            count += 1
            say(message.value(), message.offset())
            producer.produce(TOPIC + "-read", message.value(), headers=[("kind", "letter")])
    say(reader.poll(0.1))  # the last one has been read

    archive = consumer("-archived")
    messages = []
    while not messages:
        messages = archive.consume(2, 10)
    for message in messages:
        say(message.value())
        producer.produce(TOPIC + "-archived", message.value())
    say(archive.consume(1, 0.1))
    producer.flush(30)


serve(work)
