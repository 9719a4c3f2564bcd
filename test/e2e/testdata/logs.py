"""Logs in ways that applications do, and prints what of it can be seen."""

import http.server
import io
import logging
import logging.config
import sys
import threading
import urllib.request


class Caller(logging.Handler):
    """Looks for who has logged in the way that bridges to other loggers do."""

    def emit(self, record):
        frame = sys._getframe(1)
        while frame.f_code.co_filename == logging.__file__:
            frame = frame.f_back
        print(frame.f_code.co_name, frame.f_lineno == record.lineno)


class Loud:
    def __str__(self):
        logging.getLogger("loud").info("asked")
        return "loud"


def configure():
    logging.getLogger("before").info("nobody is there")
    logging.getLogger("existing")
    print(logging.getLogger().handlers)
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(name)s %(levelname)s %(message)s")
    print([type(handler).__name__ for handler in logging.getLogger().handlers], logging.getLogger().level)
    logging.getLogger("basic").info("configured")
    logging.config.dictConfig(
        {
            "version": 1,
            "formatters": {"plain": {"format": "%(name)s: %(message)s"}},
            "handlers": {"out": {"class": "logging.StreamHandler", "stream": sys.stdout, "formatter": "plain"}},
            "loggers": {"shop": {"handlers": ["out"], "level": "DEBUG", "propagate": False}},
            "root": {"handlers": ["out"], "level": "WARNING"},
        }
    )
    logging.getLogger("existing").error("disabled by the configuration")
    silent = logging.getLogger("silent")
    silent.propagate = False
    silent.addHandler(logging.NullHandler())
    silent.error("meant for nobody")
    print(sorted(vars(logging.LogRecord("n", 20, "p", 1, "m", (), None))))


def work():
    shop = logging.getLogger("shop")
    shop.debug("order %d of %s", 7, "ann", extra={"customer": 42, "password": "hush"})
    shop.info({"order": 7, "token": "hush"})
    shop.info("%s", Loud())
    shop.warning('{"secret": "hush", "order": 7}')
    try:
        raise KeyError("lamp")
    except KeyError:
        shop.exception("failed")
    shop.log(35, "between")
    logging.getLogger("other").info("below the level")
    logging.getLogger("other").warning("by the root")
    filtered = logging.getLogger("shop.filtered")
    filtered.addFilter(lambda record: "no" not in record.getMessage())
    filtered.info("no")
    filtered.info("yes")
    caller = logging.getLogger("caller")
    caller.addHandler(Caller())
    caller.error("who")
    faults, sys.stderr = sys.stderr, io.StringIO()
    shop.info("%d", "not a number")
    print("Logging error" in sys.stderr.getvalue())
    sys.stderr = faults


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        work()
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


configure()
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever).start()
urllib.request.urlopen("http://127.0.0.1:%d/" % server.server_port).close()
server.shutdown()
server.server_close()
