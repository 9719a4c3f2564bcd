"""The tasks, for the app that sends them and the worker that runs them."""

import os

import celery
import celery.app.trace

RUN = os.environ["QA_RUN"]

if celery.__version__.startswith("5.0."):  # whose requests name the machine, not the worker
    celery.app.trace.gethostname = lambda: "qa%s@localhost" % RUN

app = celery.Celery("shop", broker="amqp://guest:guest@127.0.0.1:%s//" % os.environ["QA_PORT"], backend="rpc://")
app.conf.update(task_default_queue="tasks-" + RUN, worker_hijack_root_logger=False, result_expires=60)


@app.task
def add(left, right):
    return left + right


@app.task
def order(number, password=None):
    """Sends a task itself."""
    add.apply_async((number, 1), ignore_result=True)
    return {"number": number}


@app.task
def fail():
    raise ValueError("no such order")


@app.task(bind=True, max_retries=2, default_retry_delay=0)
def flaky(self):
    if self.request.retries < 1:
        raise self.retry(exc=KeyError("not yet"), countdown=0)
    return self.request.retries
