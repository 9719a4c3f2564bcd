"""aiomysql, which is PyMySQL with asyncio: a span for each statement, and one for each executemany."""

from .. import _dbapi
from .pymysql import seam_of


def install(module):
    _dbapi.trace_cursor(module.Cursor, seam_of, asynchronous=True)
