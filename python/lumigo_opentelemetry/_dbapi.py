"""The seam of DB-API drivers: a client span for each statement, named after its operation and table.

Where cursors are a class in Python, trace_cursor() wraps its methods; a driver whose classes can be subclassed calls
run() from there, as sqlite3 does; for one whose objects are made in C, connector() wraps connect() so that it gives
out proxies.
"""

from _contextvars import ContextVar

from . import _calls, _imports, _tracing

VALUES = 20  # parameters shown, and executemany's rows
LENGTH = 256  # characters shown of a parameter

_BOUND = 512
_statements = {}

# The word after which a statement names its table, where it is one plain name.
_TABLE_AFTER = {
    "SELECT": "FROM", "DELETE": "FROM", "INSERT": "INTO", "REPLACE": "INTO", "MERGE": "INTO", "UPDATE": "UPDATE",
    "TRUNCATE": "TRUNCATE", "CREATE": "TABLE", "DROP": "TABLE", "ALTER": "TABLE", "COPY": "COPY",
}  # fmt: skip
_NOISE = frozenset(("OR", "REPLACE", "ROLLBACK", "ABORT", "FAIL", "IGNORE", "ONLY", "TABLE", "IF", "NOT", "EXISTS"))


class Seam:
    """Where a connection's statements go: the database, its name and its server."""

    __slots__ = ("system", "attributes")

    def __init__(self, system, attributes):
        self.system = system
        self.attributes = {"db.system.name": system}
        for name, value in attributes.items():
            if value is not None and value != "":
                self.attributes[name] = value


_summary = ContextVar("lumigo_statement_summary", default=None)

# summarise(text) says for what composes statements what those that follow in this context are in short; None ends it.
summarise = _summary.set


def statement(sql):
    """(operation, table) of a statement; None for what is not clear. Cached for short statements."""
    known = _statements.get(sql)
    if known is None:
        known = _parse(sql)
        if len(sql) <= 1024:
            if len(_statements) >= _BOUND:
                _statements.clear()
            _statements[sql] = known
    return known


def _parse(sql):
    words = _uncommented(sql[:2048]).replace("(", " ( ").replace(",", " , ").replace(";", " ; ").split(None, 200)
    if not words or not words[0].isalpha():
        return None, None
    operation = words[0].upper()
    after = _TABLE_AFTER.get(operation)
    if after is None:
        return operation, None
    start = 1
    if operation != after:
        start = next((at for at, word in enumerate(words, 1) if word.upper() == after), None)
        if start is None:
            return operation, None
    while start < len(words) and words[start].upper() in _NOISE:
        start += 1
    if start >= len(words):
        return operation, None
    table = words[start]
    rest = [word.upper() for word in words[start + 1 :]]
    if table == "(" or (operation == "SELECT" and ("JOIN" in rest or "UNION" in rest or _listed(rest))):
        return operation, None  # several tables, or none with a name
    return operation, table.replace('"', "").replace("`", "").replace("[", "").replace("]", "") or None


def _listed(rest):
    """Whether another table follows in the list after FROM."""
    for word in rest:
        if word == ",":
            return True
        if word in ("WHERE", "ORDER", "GROUP", "LIMIT", "HAVING", ")", ";"):
            return False
    return False


def _uncommented(sql):
    while True:
        sql = sql.lstrip()
        if sql.startswith("--"):
            sql = sql.partition("\n")[2]
        elif sql.startswith("/*"):
            sql = sql.partition("*/")[2]
        else:
            return sql


def _shown(value):
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "<%d bytes>" % len(value)
    if isinstance(value, str):
        return value if len(value) <= LENGTH else value[:LENGTH]
    text = str(value)
    return text[:LENGTH]


def parameters(values):
    """The parameters of one statement as an attribute: the first ones, shortened. None when there are none to show."""
    if isinstance(values, dict):
        return {str(name): _shown(values[name]) for name in list(values)[:VALUES]} or None
    if isinstance(values, (list, tuple)):
        return [_shown(value) for value in values[:VALUES]] or None
    return None  # an iterator, which is the driver's to consume


def start(seam, sql, values=None, many=False):
    """The span of a statement about to run; None when nothing is to be traced. sql that is no text is left alone."""
    if seam is None or _tracing.suppressed():
        return None
    if isinstance(sql, (bytes, bytearray)):
        sql = sql.decode("utf-8", "replace")
    elif not isinstance(sql, str):
        sql = str(sql)
    operation, table = statement(sql)
    attributes = dict(seam.attributes)
    attributes["db.query.text"] = sql
    if operation:
        attributes["db.operation.name"] = operation
        if table:
            attributes["db.collection.name"] = table
    if values is not None:
        if many:
            if isinstance(values, (list, tuple)):
                attributes["db.operation.batch.size"] = len(values)
                shown = [parameters(row) for row in values[:3]]
                if shown:
                    attributes["db.statement.parameters"] = shown
        else:
            shown = parameters(values)
            if shown:
                attributes["db.statement.parameters"] = shown
    name = operation + " " + table if table else operation or seam.system
    summary = _summary.get()
    if summary and summary.partition(" ")[0] == operation:  # else it is another's, such as the BEGIN before it
        attributes["db.query.summary"] = name = summary
    return _tracing.start_span(name, _tracing.CLIENT, attributes)


# What drivers call the two arguments of execute, executemany and callproc.
_STATEMENT = ("query", "sql", "operation")
_VALUES = ("params", "vars", "args", "params_seq", "seq_params", "vars_list", "parameters")


def begin(seam, args, named, many=False, sql=None):
    """The span of a call of execute and its like, whose first argument is the statement unless sql is; None for none."""
    try:
        if sql is None:
            sql = args[0] if args else _argument(named, _STATEMENT)
        if sql is not None:
            return start(seam, sql, args[1] if len(args) > 1 else _argument(named, _VALUES), many)
    except Exception as error:
        _trouble(error)
    return None


def _argument(named, names):
    if named:
        for name in names:
            if name in named:
                return named[name]
    return None


def composed(cursor, args, named):
    """The text of a statement that psycopg has composed for a cursor; None for others, which are text themselves."""
    query = args[0] if args else _argument(named, _STATEMENT)
    if isinstance(query, (str, bytes)) or not hasattr(query, "as_string"):
        return None
    try:
        return query.as_string(cursor)
    except Exception:  # the driver says so itself
        return None


def run(seam, function, args, named=None, many=False, sql=None):
    """function(*args, **named), traced; it executes its first argument, or sql, with the parameters in its second."""
    span = begin(seam, args, named, many, sql)
    if span is None:
        return function(*args, **named) if named else function(*args)
    try:
        return function(*args, **named) if named else function(*args)
    except BaseException as error:
        span.record_exception(error)
        raise
    finally:
        span.end()


async def run_async(seam, function, args, named, many=False, sql=None):
    """The same for a coroutine function."""
    span = begin(seam, args, named, many, sql)
    if span is None:
        return await function(*args, **named)
    try:
        return await function(*args, **named)
    except BaseException as error:
        span.record_exception(error)
        raise
    finally:
        span.end()


def trace_cursor(owner, seam_of, asynchronous=False, methods=("execute", "executemany", "callproc")):
    """Trace the methods of a driver's class of cursors. seam_of(cursor) gives the Seam, or None to pass."""
    makers = _ASYNC_METHODS if asynchronous else _METHODS
    for name in methods:
        _imports.wrap(owner, name, makers[name](seam_of))


def _execute(seam_of):
    def make(original):
        def execute(self, *args, **named):
            return run(seam_of(self), original.__get__(self), args, named)

        return execute

    return make


def _executemany(seam_of):
    def make(original):
        def executemany(self, *args, **named):
            return run(seam_of(self), _calls.alone(original.__get__(self)), args, named, many=True)

        return executemany

    return make


def _callproc(seam_of):
    def make(original):
        def callproc(self, *args, **named):
            return run(seam_of(self), _calls.alone(original.__get__(self)), args, named, sql=_call(args, named))

        return callproc

    return make


def _async_execute(seam_of):
    def make(original):
        async def execute(self, *args, **named):
            return await run_async(seam_of(self), original.__get__(self), args, named)

        return execute

    return make


def _async_executemany(seam_of):
    def make(original):
        async def executemany(self, *args, **named):
            return await run_async(seam_of(self), _calls.async_alone(original.__get__(self)), args, named, many=True)

        return executemany

    return make


def _async_callproc(seam_of):
    def make(original):
        async def callproc(self, *args, **named):
            return await run_async(seam_of(self), _calls.async_alone(original.__get__(self)), args, named, sql=_call(args, named))

        return callproc

    return make


_METHODS = {"execute": _execute, "executemany": _executemany, "callproc": _callproc}
_ASYNC_METHODS = {"execute": _async_execute, "executemany": _async_executemany, "callproc": _async_callproc}


def _call(args, named):
    return "CALL %s" % (args[:1] or (named.get("procname"),))


def _trouble(error):
    from ._http import trouble

    trouble(error)


def like(made, original):
    """A class of ours under the name of the one that it stands for."""
    made.__name__ = original.__name__
    made.__qualname__ = original.__qualname__
    made.__module__ = original.__module__
    made.__doc__ = original.__doc__
    return made


# For drivers whose classes cannot be subclassed.


class _Proxy:
    """Stands for an object of the driver, and passes on what it does not trace."""

    __slots__ = ("_lumigo_object", "_lumigo_seam")

    def __init__(self, stood_for, seam):
        object.__setattr__(self, "_lumigo_object", stood_for)
        object.__setattr__(self, "_lumigo_seam", seam)

    def __getattr__(self, name):
        return getattr(self._lumigo_object, name)

    def __setattr__(self, name, value):
        setattr(self._lumigo_object, name, value)

    def __delattr__(self, name):
        delattr(self._lumigo_object, name)

    def __dir__(self):
        return dir(self._lumigo_object)

    def __repr__(self):
        return repr(self._lumigo_object)

    @property
    def __class__(self):  # so that isinstance still finds the driver's class
        return type(self._lumigo_object)

    def __exit__(self, *error):
        return self._lumigo_object.__exit__(*error)


class Cursor(_Proxy):
    """A cursor whose statements are traced."""

    __slots__ = ()

    def execute(self, *args, **named):
        return self._itself(run(self._lumigo_seam, self._lumigo_object.execute, args, named))

    def executemany(self, *args, **named):
        return self._itself(run(self._lumigo_seam, self._lumigo_object.executemany, args, named, many=True))

    def callproc(self, *args, **named):
        return run(self._lumigo_seam, self._lumigo_object.callproc, args, named, sql="CALL %s" % args[:1])

    def _itself(self, result):
        return self if result is self._lumigo_object else result

    def __iter__(self):
        return iter(self._lumigo_object)

    def __next__(self):
        return next(self._lumigo_object)

    def __enter__(self):
        return self._itself(self._lumigo_object.__enter__())


class Connection(_Proxy):
    """A connection whose cursors are traced."""

    __slots__ = ()

    def cursor(self, *args, **named):
        return Cursor(self._lumigo_object.cursor(*args, **named), self._lumigo_seam)

    def __enter__(self):
        entered = self._lumigo_object.__enter__()
        if entered is self._lumigo_object:
            return self
        return Cursor(entered, self._lumigo_seam)  # some drivers enter a cursor


def connector(seam_of):
    """A wrapper maker for a driver's connect(). seam_of(connection, args, named) gives the Seam, or None to pass."""

    def make(original):
        def connect(*args, **named):
            connection = original(*args, **named)
            try:
                seam = seam_of(connection, args, named)
                if seam is not None:
                    return Connection(connection, seam)
            except Exception as error:
                _trouble(error)
            return connection

        return connect

    return make
