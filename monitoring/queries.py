"""How often each table is queried, by verb: counted where a statement goes to the database, COPY too.

What a statement asks of which tables is read from its text when it is first seen, and remembered by that text, which
has placeholders where values are. Only tables of ours become labels, so that the labels are bounded.
"""

import re
from functools import cache, lru_cache
from typing import Any

from django.db.backends.signals import connection_created

from monitoring.metrics import Counter

QUERIES = Counter(
    "tabularium_table_queries",
    "Statements that asked a table for something: each table once a statement and verb.",
    ["table", "verb"],
)
VERBS = ("select", "insert", "update", "delete", "copy")
REMEMBERED = 1024  # statements
LONG = 500  # characters; a longer one is remembered without its repeated placeholders
LONGEST = 10_000  # and one that is longer even so, not at all

NAME = r'(?:"[^"]+"|\w+)'
# A name that an alias may follow; the words here begin what comes after a table without one.
TABLE = rf"{NAME}(?:\.{NAME})?(?:(?:\s+AS)?\s+(?!(?:JOIN|USING|FROM|UPDATE|DELETE|INSERT)\b){NAME})?"
MENTION = re.compile(
    r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/"  # where names mean nothing
    r"|\b(?:(?P<insert>(?:INSERT\s+(?:OR\s+\w+\s+)?|REPLACE\s+|MERGE\s+)INTO)|(?P<update>UPDATE)"
    r"|(?P<delete>DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?)|(?P<copy>COPY)|(?P<select>(?<!DISTINCT )FROM|JOIN|USING))"
    rf"\s+(?:ONLY\s+)?(?P<tables>{TABLE}(?:\s*,\s*{TABLE})*)",
    re.IGNORECASE | re.DOTALL,
)
FIRST_NAME = re.compile(rf"({NAME})(?:\.({NAME}))?")


def count(sql: str) -> None:
    """Count the tables that the statement *sql* is about to be asked of."""
    if len(sql) > LONG:
        sql = sql.replace("%s, ", "").replace("(%s), ", "")
        if len(sql) > LONGEST:
            for table, verb in tables_of(sql):
                QUERIES.labels(table, verb).inc()
            return
    for counter in _counters(sql):
        counter.inc()


def tables_of(sql: str) -> set[tuple[str, str]]:
    """Return the known tables that *sql* mentions, each with what is done to it."""
    known, found = _known(), set()
    whole = "copy" if sql[:6].upper() in ("COPY (", "COPY(S") else None  # what a query finds, copied
    for match in MENTION.finditer(sql):
        if verb := match.lastgroup and next(verb for verb in VERBS if match[verb]):
            for mention in match["tables"].split(","):
                names = [name.strip('"') for name in FIRST_NAME.match(mention.strip()).groups() if name]
                # One of two names is a schema; or else it is a column, as in EXTRACT(year FROM people.born).
                if names[-1] in known and not (len(names) == 2 and names[0] in known):
                    found.add((names[-1], whole if whole and verb == "select" else verb))
    return found


@lru_cache(maxsize=REMEMBERED)
def _counters(sql: str) -> tuple[Any, ...]:
    return tuple(QUERIES.labels(table, verb) for table, verb in sorted(tables_of(sql)))


@cache
def _known() -> frozenset[str]:
    """The tables and views of all models, those that join two of them too."""
    from django.apps import apps

    return frozenset(model._meta.db_table for model in apps.get_models(include_auto_created=True))


def watch() -> None:
    """Have all statements counted, on every connection that is opened from now on."""
    connection_created.connect(_watch_connection, dispatch_uid="monitoring.queries")


def _watch_connection(connection, **kwargs) -> None:
    if _counted not in connection.execute_wrappers:
        # Outermost, where it is not taken for another's by who takes the last one away.
        connection.execute_wrappers.insert(0, _counted)
    if connection.vendor == "postgresql":
        driver = connection.connection
        driver.cursor_factory = _that_counts(driver.cursor_factory)


def _counted(execute, sql, params, many, context):
    count(sql if isinstance(sql, str) else str(sql))
    return execute(sql, params, many, context)


@cache
def _that_counts(cursor_class: type) -> type:
    """Return a cursor whose COPY is counted, which Django hands to the driver past its wrappers."""
    if hasattr(cursor_class, "counts_copies"):
        return cursor_class

    class CountingCursor(cursor_class):
        counts_copies = True

        def copy(self, statement, *args, **kwargs):
            text = statement if isinstance(statement, str) else _as_text(statement, self)
            # A query that is copied has its values in it: it is not seen again.
            if text[:6].upper().startswith("COPY ("):
                for table, verb in tables_of(text):
                    QUERIES.labels(table, verb).inc()
            else:
                count(text)
            return super().copy(statement, *args, **kwargs)

    return CountingCursor


def _as_text(statement, cursor) -> str:
    return statement.decode() if isinstance(statement, bytes) else statement.as_string(cursor)
