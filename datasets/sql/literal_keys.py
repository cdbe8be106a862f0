"""Keys as literals in SQL, so that PostgreSQL's planner knows how many records have them."""

from collections.abc import Sequence

from django.db import connection

MOST = 1000  # keys that are written as literals


def literal_keys(query: str) -> str:
    """Return the integers that *query* selects, for ``IN (…)``: as literals, or as the query itself if there are many.

    For ``column IN (SELECT …)``, PostgreSQL assumes as many rows as an average key has. If nearly all records have the
    same few keys, it reads the whole table even for keys of few records.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"{query} LIMIT {MOST + 1}")
        return as_literals([key for (key,) in cursor.fetchall()], query)


def as_literals(keys: Sequence[int], query: str) -> str:
    """Return *keys*, which *query* selects, as :func:`literal_keys` does."""
    return query if len(keys) > MOST else ", ".join(str(int(key)) for key in keys) or "NULL"
