"""The size of SQLite's page cache."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

# In KiB. With the large cache, an update of a tenth of the records of a table takes a tenth less time. With SQLite's
# default, sorting a million values for an index takes a third less time.
LARGE, DEFAULT = 65_536, 2_000


@contextmanager
def page_cache(size: int) -> Iterator[None]:
    """On SQLite, set the size of the connection's page cache in the block, in KiB."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA main.cache_size")
        (before,) = cursor.fetchone()
        cursor.execute(f"PRAGMA main.cache_size = {-size}")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA main.cache_size = {before}")
