"""Hooks that wait for the app to import a library, and the guard around our own code.

Nothing is imported on the app's behalf: a library that it does not use is not touched.
A hook is a file in hooks/ with install(module), called once, right after the module named
in HOOKS has been executed. What our own code raises costs one debug line and nothing else;
what the app's code raises is never ours to catch.
"""

import os
import sys

from . import _log

# Module imported by the app -> file in hooks/.
HOOKS = {
    "logging": "logging",
    "threading": "threads",
    "concurrent.futures.thread": "executors",
    "opentelemetry.context": "opentelemetry",
    "opentelemetry.trace": "opentelemetry",
    "opentelemetry.instrumentation.instrumentor": "opentelemetry",
    "opentelemetry.instrumentation.auto_instrumentation": "opentelemetry",
    "http.client": "http_client",
    "http.server": "http_server",
    "wsgiref.handlers": "wsgiref",
    "werkzeug.serving": "werkzeug",
    "gunicorn.workers.base": "gunicorn",
    "gunicorn.workers.gasgi": "gunicorn",
    "waitress.server": "waitress",
    "cheroot.wsgi": "cheroot",
    "gevent.pywsgi": "gevent",
    "uwsgi": "uwsgi",
    "uwsgidecorators": "uwsgi",
    "uvicorn.config": "uvicorn",
    "hypercorn.app_wrappers": "hypercorn",
    "daphne.server": "daphne",
    "flask.app": "flask",
    "flask.ctx": "flask",
    "django.core.handlers.base": "django",
    "django.core.handlers.exception": "django",
    "django.core.handlers.wsgi": "django",
    "django.core.handlers.asgi": "django",
    "starlette.applications": "starlette",
    "starlette.routing": "starlette",
    "fastapi.routing": "fastapi",
    "fastapi.telemetry._asgi": "native",
    "requests.sessions": "http_clients",
    "urllib3.connection": "http_clients",
    "urllib3.connectionpool": "http_clients",
    "botocore.httpsession": "http_clients",
    "botocore.vendored.requests.sessions": "http_clients",
    "botocore.client": "botocore",
    "boto3.resources.response": "botocore",
    "boto.connection": "boto",
    "grpc": "grpc",
    "grpc._channel": "grpc",
    "grpc.aio._channel": "grpc",
    "grpc.aio._server": "grpc",
    "awslambdaric.bootstrap": "aws_lambda",
    "sqlite3.dbapi2": "sqlite3",
    "redis.client": "redis",
    "redis.asyncio.client": "redis",
    "redis.cluster": "redis_cluster",
    "redis.asyncio.cluster": "redis_cluster",
    "valkey.client": "valkey",
    "valkey.asyncio.client": "valkey",
    "valkey.cluster": "valkey",
    "valkey.asyncio.cluster": "valkey",
    "psycopg2": "psycopg2",
    "psycopg": "psycopg",
    "pymysql.cursors": "pymysql",
    "aiomysql.cursors": "aiomysql",
    "pymongo.monitoring": "pymongo",
    "asyncpg": "asyncpg",
    "aiosqlite.core": "aiosqlite",
    "MySQLdb.connections": "mysqlclient",
    "MySQLdb.cursors": "mysqlclient",
    "mysql.connector.cursor": "mysql_connector",
    "mysql.connector.cursor_cext": "mysql_connector",
    "mysql.connector.aio.cursor": "mysql_connector",
    "sqlalchemy": "sqlalchemy",
    "pymemcache.client.base": "pymemcache",
    "elasticsearch.transport": "elasticsearch",
    "elasticsearch._async.transport": "elasticsearch",
    "elastic_transport": "elasticsearch",
    "opensearchpy.transport": "opensearch",
    "opensearchpy._async.transport": "opensearch",
    "cassandra.cluster": "cassandra",
    "httpx": "httpx",
    "httpx2": "httpx",  # httpx under another name, which openai has from 3.0 on
    "openai.resources.chat.completions": "openai",
    "openai.resources.completions": "openai",
    "openai.resources.responses": "openai",
    "openai.resources.embeddings": "openai",
    "openai._streaming": "openai",
    "openai.lib.streaming.chat._completions": "openai",
    "openai.lib.streaming.responses._responses": "openai",
    "anthropic.resources.messages": "anthropic",
    "anthropic._streaming": "anthropic",
    "anthropic.lib.streaming._messages": "anthropic",
    "anthropic._tracing": "native",
    "langchain_core.callbacks.base": "langchain",
    "langchain_core.callbacks.manager": "langchain",
    "aiohttp.streams": "aiohttp_streams",
    "aiohttp.client": "aiohttp_client",
    "aiohttp.web_protocol": "aiohttp_server",
    "aiohttp.web_response": "aiohttp_server",
    "aiohttp.web_ws": "aiohttp_server",
    "tornado.web": "tornado",
    "tornado.routing": "tornado",
    "tornado.simple_httpclient": "tornado",
    "tornado.curl_httpclient": "tornado",
    "kafka.producer.kafka": "kafka_python",
    "kafka.consumer.group": "kafka_python",
    "celery.app.amqp": "celery",
    "celery.app.trace": "celery",
    "kombu.messaging": "celery",
    "kombu.transport.redis": "celery",
    "confluent_kafka.cimpl": "confluent_kafka",
    "confluent_kafka.aio._AIOConsumer": "confluent_kafka",
    "confluent_kafka.aio.producer._AIOProducer": "confluent_kafka",
    "aiokafka.producer.producer": "aiokafka",
    "aiokafka.consumer.consumer": "aiokafka",
    "aio_pika.exchange": "aio_pika",
    "aio_pika.queue": "aio_pika",
    "aio_pika.robust_queue": "aio_pika",
    "pika.channel": "pika",
    "pika.adapters.blocking_connection": "pika",
}

# Hooks that carry context, or serve other hooks, rather than trace a library: not the user's to disable.
_PLUMBING = frozenset(("threads", "executors", "opentelemetry", "http_clients", "native", "aiosqlite", "aiohttp_streams"))

# Names that users and other tracers know a hook by, beside its own.
ALIASES = {
    "http_client": ("http", "urllib", "httpclient"),
}

_disabled = set()
_installed = set()
_undo = {}  # hook name -> [(owner, attribute, wrapper, original, inherited)]
_installing = None


# --- guard ------------------------------------------------------------------------------


class _Guard:
    """@guard makes a function of ours return None where it would raise; `with guard:` leaves
    the block instead. KeyboardInterrupt and the like pass: they are the app's."""

    def __call__(self, fn):
        def guarded(*args, **kwargs):
            try:
                return fn(*args, **kwargs)
            except Exception as err:
                failed(fn.__name__, err)
                return None

        guarded.__name__ = fn.__name__
        guarded.__doc__ = fn.__doc__
        guarded.__wrapped__ = fn
        return guarded

    def __enter__(self):
        return self

    def __exit__(self, kind, err, tb):
        if kind is not None and issubclass(kind, Exception):
            failed("%s:%d" % (os.path.basename(tb.tb_frame.f_code.co_filename), tb.tb_lineno), err)
            return True
        return False


guard = _Guard()


def failed(part, err):
    """One debug line for something of ours that went wrong, never twice the same. What a signal handler of the app has
    raised passes."""
    from . import _signals

    _signals.let_pass(err)
    try:
        text = "An exception occurred in lumigo's code %s: %s: %s" % (part, type(err).__name__, err)
    except Exception:
        text = "An exception occurred in lumigo's code %s" % part
    _log.once("DEBUG", text)


# --- wrapping ---------------------------------------------------------------------------


def wrap(owner, name, make_wrapper):
    """Replace owner.name by make_wrapper(original), unless that is ours already.

    The wrapper takes on the original's name, doc and __wrapped__, and can be undone.
    owner is a module or a class; a static or class method stays one. An attribute that does
    not exist raises AttributeError: a hook for a library that has changed is not installed.
    """
    own = vars(owner)
    inherited = name not in own
    stored = getattr(owner, name) if inherited else own[name]
    kind = type(stored) if isinstance(owner, type) and isinstance(stored, (staticmethod, classmethod)) else None
    original = stored.__func__ if kind else stored
    if getattr(original, "__lumigo__", False):
        return original
    wrapper = make_wrapper(original)
    for attribute in ("__module__", "__name__", "__qualname__", "__doc__"):
        try:
            setattr(wrapper, attribute, getattr(original, attribute))
        except (AttributeError, TypeError):
            pass
    wrapper.__wrapped__ = original
    wrapper.__lumigo__ = True
    placed = kind(wrapper) if kind else wrapper
    setattr(owner, name, placed)
    _undo.setdefault(_installing, []).append((owner, name, placed, stored, inherited))
    return wrapper


def unwrap(hook):
    """Take back what a hook wrapped, except where somebody has wrapped it again since."""
    for owner, name, placed, stored, inherited in reversed(_undo.pop(hook, ())):
        for holder in _holders(owner):
            if vars(holder).get(name) is not placed:
                continue
            if inherited:
                delattr(holder, name)
            else:
                setattr(holder, name, stored)


def _holders(owner):
    """owner, and if it is a module those of its package, which may have imported the name."""
    yield owner
    if isinstance(owner, type(sys)):
        package = owner.__name__.partition(".")[0]
        # copied at once: collected garbage may import something while a list is made
        for name, module in sys.modules.copy().items():
            if name.partition(".")[0] == package and isinstance(module, type(sys)) and module is not owner:
                yield module


# --- hooks ------------------------------------------------------------------------------


def _plain(name):
    return name.lower().replace("-", "").replace("_", "").replace(".", "")


def names_of(module_name, hook):
    """Every plain name that this hook goes by."""
    names = {hook, module_name, module_name.partition(".")[0] if hook not in _PLUMBING else hook}
    names.update(ALIASES.get(hook, ()))
    return {_plain(name) for name in names}


def enable(disabled=(), only=None):
    """Start to watch imports; modules that are there already are hooked at once. only: of no other modules."""
    if only is not None:
        for name in HOOKS.keys() - only:
            del HOOKS[name]
    _disabled.update(_plain(name) for name in disabled)
    if not any(type(finder) is _Finder for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    for name in list(HOOKS):
        module = sys.modules.get(name)
        if module is not None and not getattr(getattr(module, "__spec__", None), "_initializing", False):
            _install(name, module)
    if not any(getattr(sys, "argv", ())) and _inside("uwsgi"):  # embedded, and its module is made later
        _load("uwsgi").watch()


def _inside(program):
    try:
        with open("/proc/self/comm") as file:
            return file.read().strip() == program
    except OSError:
        return False


def stand_aside(library):
    """Somebody else traces this library: take our hook back, or never install it."""
    library = _plain(library)
    _disabled.add(library)
    for module_name, hook in HOOKS.items():
        if hook not in _PLUMBING and library in names_of(module_name, hook):
            unwrap(hook)


def _install(name, module):
    global _installing
    hook = HOOKS.get(name)
    if hook is None or (name, hook) in _installed:
        return
    _installed.add((name, hook))
    if hook not in _PLUMBING:
        taken = _disabled & names_of(name, hook)
        if taken:
            _log.info("Instrumentation '%s' is disabled via LUMIGO_DISABLE_INSTRUMENTATION" % hook)
            return
    previous, _installing = _installing, hook
    try:
        _load(hook).install(module)
    except AttributeError as err:
        unwrap(hook)
        _log.debug("Instrumentation '%s' steps aside, because %s is not as it knows it: %s" % (hook, name, err))
    except Exception as err:
        unwrap(hook)
        _log.error("An error occurred while applying the '%s' instrumentation: %s" % (hook, err))
    finally:
        _installing = previous


# Set when our files lie in a directory of our own, where .pyc files bother nobody.
private_directory = False


def _load(hook):
    name = "%s.hooks.%s" % (__package__, hook)
    keep = sys.dont_write_bytecode
    if private_directory:
        sys.dont_write_bytecode = False
    try:
        __import__(name)
    finally:
        sys.dont_write_bytecode = keep
    return sys.modules[name]


class _Finder:
    """Stands first on sys.meta_path, finds nothing itself, and has a module it waits for
    loaded through _Loader."""

    def find_spec(self, name, path=None, target=None):
        if name not in HOOKS:
            return None
        for finder in list(sys.meta_path):
            find_spec = getattr(finder, "find_spec", None)
            if finder is self or find_spec is None:
                continue
            spec = find_spec(name, path, target)
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(spec.loader)
                return spec
        return None

    def invalidate_caches(self):
        pass


class _Loader:
    """Runs the module's real loader, gives the module back its real loader, then our hook."""

    def __init__(self, loader):
        self._loader = loader

    def __getattr__(self, name):
        return getattr(self._loader, name)

    def create_module(self, spec):
        create = getattr(self._loader, "create_module", None)
        return create(spec) if create else None

    def exec_module(self, module):
        spec = getattr(module, "__spec__", None)
        if spec is not None and spec.loader is self:
            spec.loader = self._loader
        if getattr(module, "__loader__", None) is self:
            module.__loader__ = self._loader
        self._loader.exec_module(module)
        _install(module.__name__, sys.modules.get(module.__name__, module))
