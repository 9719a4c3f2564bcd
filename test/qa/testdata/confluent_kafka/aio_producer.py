import asyncio
import os

from confluent_kafka import KafkaException
from confluent_kafka.aio import AIOProducer
from serve import serve

TOPIC = "parcels-" + os.environ["QA_RUN"]


async def talk(say):
    producer = AIOProducer({"bootstrap.servers": "127.0.0.1:" + os.environ["QA_PORT"]})
    futures = [await producer.produce(TOPIC, b"parcel %d" % number, key=b"x") for number in range(2)]
    futures.append(await producer.produce(topic=TOPIC, value=None, partition=0))
    await producer.flush()
    for future in futures:
        message = await future
        say(message.value(), message.partition(), message.offset())
    nowhere = await producer.produce(TOPIC, b"nowhere", partition=99)
    await producer.flush()
    try:
        await nowhere
    except KafkaException as error:
        say(error.args[0].name())
    try:
        await producer.produce(TOPIC, b"parcel", headers=[("a", b"b")])
    except NotImplementedError:
        say("without headers")
    await producer.close()


serve(lambda say: asyncio.run(talk(say)))
