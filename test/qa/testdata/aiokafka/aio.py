import asyncio
import json
import os

import aiokafka
from serve import serve

SERVER = "127.0.0.1:" + os.environ["QA_PORT"]
TOPIC = "orders-" + os.environ["QA_RUN"]
GROUP = "group-" + os.environ["QA_RUN"]
MESSAGES = 3


async def talk(say):
    headers = [("kind", b"order")]
    producer = aiokafka.AIOKafkaProducer(bootstrap_servers=SERVER, client_id="shop")
    await producer.start()
    for number in range(MESSAGES):
        order = json.dumps({"number": number, "password": "hunter2"}).encode()
        say((await producer.send_and_wait(TOPIC, order, b"key-%d" % number, headers=headers)).offset)
    say(headers, asyncio.iscoroutinefunction(producer.send))
    never = producer.send(TOPIC, b"never awaited")
    never.close()
    try:
        await producer.send(TOPIC, "no bytes")
    except Exception as error:
        say(type(error).__name__)

    await loop(producer, say)
    await (await producer.send(TOPIC + "-after", key=b"outside of any message"))
    await asyncio.get_event_loop().create_task(batch(producer, say))
    await producer.stop()


async def loop(producer, say):
    consumer = aiokafka.AIOKafkaConsumer(
        TOPIC, bootstrap_servers=[SERVER], client_id="packer", group_id=GROUP, auto_offset_reset="earliest",
        value_deserializer=lambda value: json.loads(value.decode()),
    )  # fmt: skip
    await consumer.start()
    async for message in consumer:
        say(message.offset, message.key, message.value, ("kind", b"order") in message.headers)
        await asyncio.gather(producer.send_and_wait(TOPIC + "-done", b"done"), asyncio.sleep(0))
        if message.offset == MESSAGES - 2:
            break
    await producer.send_and_wait(TOPIC + "-between", b"outside of any message")
    message = await consumer.getone()
    say(message.offset)
    await producer.send_and_wait(TOPIC + "-dead", b"failed", headers=list(message.headers))  # it still is of its first sender
    await consumer.stop()


async def batch(producer, say):
    partition = aiokafka.TopicPartition(TOPIC + "-done", 0)
    consumer = aiokafka.AIOKafkaConsumer(bootstrap_servers=SERVER, client_id="archive", auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign([partition])
    batches = {}
    while not batches:
        batches = await consumer.getmany(partition, timeout_ms=1000)
    messages = batches[partition]
    say(isinstance(batches, dict), isinstance(messages, list), len(messages))
    for message in messages:
        say(message.value)
        await producer.send_and_wait(TOPIC + "-archive", message.value)
    await consumer.stop()


serve(lambda say: asyncio.run(talk(say)))
