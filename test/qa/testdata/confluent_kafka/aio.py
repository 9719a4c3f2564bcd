import asyncio
import os

import confluent_kafka
from confluent_kafka.aio import AIOConsumer
from serve import serve

SERVER = "127.0.0.1:" + os.environ["QA_PORT"]
TOPIC = "parcels-" + os.environ["QA_RUN"]


async def talk(say):
    producer = confluent_kafka.Producer({"bootstrap.servers": SERVER})
    for number in range(3):
        producer.produce(TOPIC, b"parcel %d" % number)
    producer.flush(30)
    consumer = AIOConsumer({"bootstrap.servers": SERVER, "group.id": TOPIC, "auto.offset.reset": "earliest"})
    await consumer.subscribe([TOPIC])
    message = None
    while message is None:
        message = await consumer.poll(1.0)
    say(message.value())
    producer.produce(TOPIC + "-done", b"in the task")
    for message in await consumer.consume(num_messages=2, timeout=10):
        say(message.value())
        await asyncio.gather(*(send(producer) for _ in range(2)))
    await consumer.close()
    producer.flush(30)


async def send(producer):
    producer.produce(TOPIC + "-done", b"in a task of its own")


serve(lambda say: asyncio.run(talk(say)))
