import os
import signal
import subprocess
import sys

import shop
from serve import raises, serve


def work(say):
    say(shop.order.delay(7, password="hunter2").get(timeout=30))
    raises(say, shop.fail.delay().get, timeout=30)
    say(shop.flaky.apply_async().get(timeout=30))
    say((shop.add.s(1, 2) | shop.add.s(3)).apply_async().get(timeout=30))
    say(shop.app.send_task("shop.add", (4, 5)).get(timeout=30))
    say(shop.add.apply((6, 7)).get(), shop.add(8, 9))
    headers = {"kind": "order"}
    say(shop.add.apply_async((1, 1), headers=headers).get(timeout=30), headers)


command = [sys.executable, "-m", "celery", "-A", "shop", "worker", "--concurrency=1", "--loglevel=ERROR", "--without-gossip",
           "--without-mingle", "--without-heartbeat", "-n", "qa%s@localhost" % shop.RUN]  # fmt: skip
worker = subprocess.Popen(command, cwd=os.path.dirname(os.path.abspath(__file__)), stdout=subprocess.DEVNULL)
try:
    serve(work)
    while shop.app.control.inspect(timeout=0.3).active() != {"qa%s@localhost" % shop.RUN: []}:
        pass
finally:
    worker.send_signal(signal.SIGQUIT)  # which does not wait for long
    worker.wait(30)
