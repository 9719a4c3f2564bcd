import asyncio
import os

import pika
from pika.adapters.asyncio_connection import AsyncioConnection
from serve import serve

QUEUE = "parcels-" + os.environ["QA_RUN"]


async def talk(say):
    loop = asyncio.get_running_loop()
    opened, done = loop.create_future(), loop.create_future()

    def result(future):
        return lambda *values: future.done() or future.set_result(values)

    parameters = pika.ConnectionParameters("127.0.0.1", int(os.environ["QA_PORT"]))
    connection = AsyncioConnection(parameters, on_open_callback=result(opened), custom_ioloop=loop)
    await opened
    opened = loop.create_future()
    connection.channel(on_open_callback=result(opened))
    (channel,) = await opened
    declared = loop.create_future()
    channel.queue_declare("", exclusive=True, callback=result(declared))
    reply_to = (await declared)[0].method.queue
    declared = loop.create_future()
    channel.queue_declare(QUEUE, exclusive=True, callback=result(declared))
    await declared

    def answer(channel, method, properties, body):
        say(type(channel).__name__, body)
        channel.basic_publish("", properties.reply_to, body + b"!", pika.BasicProperties(correlation_id=properties.correlation_id))

    def answered(channel, method, properties, body):
        say(properties.correlation_id, body)
        channel.basic_publish("", QUEUE + "-gone", b"in a callback")
        result(done)()

    channel.basic_consume(queue=QUEUE, on_message_callback=answer, auto_ack=True)
    properties = pika.BasicProperties(reply_to=reply_to, correlation_id="c-2")
    channel.basic_publish("", QUEUE, b"ping", properties)
    channel.add_callback(lambda *_: channel.basic_get(reply_to, answered, auto_ack=True), [pika.spec.Basic.GetEmpty], one_shot=False)
    channel.basic_get(reply_to, answered, auto_ack=True)
    await done
    closed = loop.create_future()
    connection.add_on_close_callback(result(closed))
    connection.close()
    await closed


serve(lambda say: asyncio.run(talk(say)))
