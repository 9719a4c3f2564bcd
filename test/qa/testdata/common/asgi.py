"""Serves an ASGI application by uvicorn, in a thread, while the block runs."""

import contextlib
import os
import threading
import time

import uvicorn


@contextlib.contextmanager
def serving(app):
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=int(os.environ["QA_PORT"]), log_level="error"))
    server.install_signal_handlers = lambda: None  # those are for the main thread
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()
