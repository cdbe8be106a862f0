"""Advisory locks of PostgreSQL, which all hosts share. The server releases them when the connection ends."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def advisory_lock(key: str, *, shared: bool = False, wait: bool = False) -> Iterator[bool]:
    """Hold the lock *key* until the end of the block, and yield whether it is held.

    Any number of holders can share a lock. Without *wait*, yield False if another connection holds it.
    """
    mode = "_shared" if shared else ""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_{'' if wait else 'try_'}advisory_lock{mode}(hashtextextended(%s, 0))", [key])
        (answer,) = cursor.fetchone()
    held = wait or answer
    try:
        yield held
    finally:
        if held and connection.connection and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT pg_advisory_unlock{mode}(hashtextextended(%s, 0))", [key])
