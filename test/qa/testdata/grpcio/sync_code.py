import concurrent.futures

import grpc
from serve import serve
from service import Text, handlers, stub


def offer(request, context):
    for n in range(2):
        yield Text(offer=n)


def work(say):
    pool = concurrent.futures.ThreadPoolExecutor(4)
    server = grpc.server(pool)
    server.add_generic_rpc_handlers(handlers({"Offer": ("unary_stream", offer)}))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel("127.0.0.1:%d" % port) as channel:
        offers = stub(channel, "unary_stream", "Offer")(Text(kind="all"))
        say([each for each in offers], offers.code().name, offers.cancelled())
    server.stop(None).wait()
    pool.shutdown()


serve(work)
