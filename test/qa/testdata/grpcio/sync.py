import concurrent.futures
import urllib.request

import grpc
from peer import peer
from serve import serve
from service import Text, handlers, stub


def buy(request, context):
    if request.get("item") == "nothing":
        context.abort(grpc.StatusCode.NOT_FOUND, "there is no such item")
    if request.get("item") == "bomb":
        raise ValueError("boom")
    urllib.request.urlopen(request["peer"] + "/json").close()
    return Text(bought=request["item"], password="hush")


def offer(request, context):
    for n in range(3):
        yield Text(offer=n)


def fill(requests, context):
    return Text(count=sum(1 for _ in requests))


def talk(requests, context):
    for request in requests:
        yield Text(echo=request["say"])


BEHAVIOURS = {
    "Buy": ("unary_unary", buy),
    "Offer": ("unary_stream", offer),
    "Fill": ("stream_unary", fill),
    "Talk": ("stream_stream", talk),
}


def work(say):
    pool = concurrent.futures.ThreadPoolExecutor(4)
    server = grpc.server(pool)
    server.add_generic_rpc_handlers(handlers(BEHAVIOURS))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with peer() as url, grpc.insecure_channel("127.0.0.1:%d" % port) as channel:
        talk_to(say, channel, url)
    server.stop(None).wait()
    pool.shutdown()


def fails(say, call, *args, **named):
    try:
        call(*args, **named)
    except grpc.RpcError as error:
        say(error.code().name, error.details())


def talk_to(say, channel, url):
    buy = stub(channel, "unary_unary", "Buy")
    metadata = [("customer", "ann")]
    say(buy(Text(item="lamp", peer=url), metadata=metadata), metadata)
    response, call = buy.with_call(Text(item="desk", peer=url), timeout=30)
    say(response, call.code().name)
    future = buy.future(Text(item="chair", peer=url))
    say(future.result(), future.code().name)
    fails(say, buy, Text(item="nothing"))
    fails(say, buy, Text(item="bomb"))
    fails(say, stub(channel, "unary_unary", "Missing"), Text())
    offers = stub(channel, "unary_stream", "Offer")(Text(kind="all"))
    say([next(offers)], [each for each in offers])
    say(stub(channel, "stream_unary", "Fill")(iter([Text(n=1), Text(n=2)])))
    say([each for each in stub(channel, "stream_stream", "Talk")(iter([Text(say="a"), Text(say="b")]))])


serve(work)
