import asyncio
import json
import os

import aio_pika
from serve import serve

QUEUE = "orders-" + os.environ["QA_RUN"]
MESSAGES = 2


async def talk(say):
    connection = await aio_pika.connect_robust("amqp://guest:guest@127.0.0.1:%s/" % os.environ["QA_PORT"])
    async with connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(QUEUE, exclusive=True)
        done = await channel.declare_queue(QUEUE + "-done", exclusive=True)
        got = await channel.declare_queue(QUEUE + "-get", exclusive=True)
        publish = channel.default_exchange.publish

        headers = {"kind": "order"}
        for number in range(MESSAGES):
            body = json.dumps({"number": number, "password": "hunter2"}).encode()
            message = aio_pika.Message(body, headers=headers, message_id="m-1", correlation_id="c-1", content_type="application/json")
            await publish(message, routing_key=QUEUE)
        say(headers, sorted(message.headers), message.locked, asyncio.iscoroutinefunction(publish))

        finished = asyncio.Event()

        async def order(message):
            say(message.delivery_tag, message.body, "kind" in message.headers, message.routing_key == QUEUE)
            await publish(aio_pika.Message(b"done"), QUEUE + "-done")
            await message.ack()
            if message.delivery_tag == MESSAGES:
                finished.set()

        tag = await queue.consume(order)
        await asyncio.wait_for(finished.wait(), 30)
        await queue.cancel(tag)

        async with done.iterator() as messages:
            async for message in messages:
                async with message.process():
                    say(message.body)
                    await publish(aio_pika.Message(b"kept"), QUEUE + "-get")
                    if message.delivery_tag >= 2 * MESSAGES:
                        break
        await publish(aio_pika.Message(b"outside of any message"), QUEUE + "-get")

        for _ in range(MESSAGES + 1):
            message = await got.get(timeout=30)
            await message.ack()
            say(message.body)
        say(await got.get(fail=False))


serve(lambda say: asyncio.run(talk(say)))
