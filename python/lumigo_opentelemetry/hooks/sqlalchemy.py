"""SQLAlchemy: no spans of its own, but a summary for its driver's: the operation, and all tables of the statement."""

from .. import _dbapi, _imports


def install(module):
    iterate = module.sql.visitors.iterate

    @_imports.guard
    def before(connection, cursor, statement, parameters, context, executemany):
        compiled = getattr(context, "compiled", None)
        if compiled is not None:
            _dbapi.summarise(_summary(compiled, statement, iterate))

    def after(*event):
        _dbapi.summarise(None)

    engine = module.engine.Engine
    module.event.listen(engine, "before_cursor_execute", before)
    module.event.listen(engine, "after_cursor_execute", after)
    module.event.listen(engine, "handle_error", after)


def _summary(compiled, statement, iterate):
    """Compiled statements are used again, and keep theirs."""
    summary = getattr(compiled, "_lumigo_summary", None)
    if summary is None:
        # What the ORM has made of the application's statement, from 1.4 on.
        composed = getattr(getattr(compiled, "compile_state", None), "statement", None)
        if composed is None:
            composed = compiled.statement
        tables = []
        # Some versions do not count what is changed among a statement's elements.
        for element in [getattr(composed, "table", None), *iterate(composed, {})]:
            if getattr(element, "__visit_name__", None) == "table" and element.name not in tables:
                tables.append(element.name)
        operation, _ = _dbapi.statement(statement)
        summary = compiled._lumigo_summary = " ".join([operation, *tables]) if operation and tables else ""
    return summary
