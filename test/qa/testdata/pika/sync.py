import json
import os
import threading

import pika
from serve import raises, serve

RUN = os.environ["QA_RUN"]
QUEUE = "orders-" + RUN
MESSAGES = 2
NEW = hasattr(pika.BlockingConnection, "call_later") and not hasattr(pika.adapters.blocking_connection.BlockingChannel, "publish")


def connect():
    return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", int(os.environ["QA_PORT"])))


def work(say):
    connection = connect()
    channel = connection.channel()
    channel.exchange_declare("shop-" + RUN, "direct", auto_delete=True)
    for queue in (QUEUE, QUEUE + "-done", QUEUE + "-get"):
        channel.queue_declare(queue)
    channel.queue_bind(queue=QUEUE, exchange="shop-" + RUN, routing_key="new")

    headers = {"kind": "order"}
    properties = pika.BasicProperties(content_type="application/json", headers=headers, message_id="m-1", correlation_id="c-1")
    for number in range(MESSAGES):
        body = json.dumps({"number": number, "password": "hunter2"})
        channel.basic_publish("shop-" + RUN, "new", body, properties)
    say(headers, properties.headers is headers, sorted(vars(properties)) == sorted(vars(pika.BasicProperties())))

    callbacks(channel, say)
    # A loop, in a thread of its own with a connection of its own.
    worker = threading.Thread(target=loop, args=(say,))
    worker.start()
    worker.join()
    get(channel, say)
    failures(connection, say)
    for queue in (QUEUE, QUEUE + "-done", QUEUE + "-get"):
        channel.queue_delete(queue)
    connection.close()


def callbacks(channel, say):
    def order(channel, method, properties, body):
        say(type(channel).__name__, method.routing_key, properties.headers["kind"], body)
        channel.basic_publish(exchange="", routing_key=QUEUE + "-done", body=b"done %d" % method.delivery_tag)
        channel.basic_ack(method.delivery_tag)
        if method.delivery_tag == MESSAGES:
            channel.stop_consuming()

    if NEW:
        say(bool(channel.basic_consume(QUEUE, order)))
    else:
        say(bool(channel.basic_consume(order, QUEUE)))
    channel.start_consuming()

    def broken(channel, method, properties, body):
        channel.basic_ack(method.delivery_tag)
        raise ValueError("broken by %s" % body.decode())

    channel.basic_publish("", QUEUE, "this")
    if NEW:
        channel.basic_consume(queue=QUEUE, on_message_callback=broken)
    else:
        channel.basic_consume(consumer_callback=broken, queue=QUEUE)
    raises(say, channel.start_consuming)
    channel.cancel()


def loop(say):
    connection = connect()
    channel = connection.channel()
    for method, _, body in channel.consume(QUEUE + "-done", inactivity_timeout=30):
        say(method.delivery_tag, body)
        channel.basic_publish("", QUEUE + "-get", b"x")
        channel.basic_ack(method.delivery_tag)
        if method.delivery_tag == MESSAGES:
            break
    channel.basic_publish("", QUEUE + "-get", b"after the loop")
    say(channel.cancel())
    connection.close()


def get(channel, say):
    bodies = []
    while len(bodies) < MESSAGES + 1:
        method, properties, body = channel.basic_get(QUEUE + "-get")
        if method is not None:
            channel.basic_ack(method.delivery_tag)
            bodies.append(body)
    say(bodies, channel.basic_get(queue=QUEUE + "-get"))


def failures(connection, say):
    channel = connection.channel()
    channel.confirm_delivery()
    publish = getattr(channel, "publish", channel.basic_publish)
    raises(say, publish, "", "nowhere-" + RUN, b"lost", mandatory=True)
    raises(say, publish, "", QUEUE, 5)


serve(work)
