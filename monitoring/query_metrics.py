"""Count queries by table, verb and database server, including COPY.

The tables and verbs of a statement are parsed from its text, which has placeholders instead of values, and cached by
that text. Only tables of Django models become labels, so the number of labels is bounded.
"""

import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from monitoring.metrics import Counter

QUERIES = Counter(
    "tabularium_table_queries",
    "SQL statements by table, verb and server; a statement counts once for each table and verb in it.",
    ["table", "verb", "server"],
)
PRIMARY = "primary"  # the server of the default database; any other is named by its alias
VERBS = ("select", "insert", "update", "delete", "copy")
REMEMBERED = 1024  # statements
LONG = 500  # characters; a longer statement is cached without its repeated placeholders
LONGEST = 10_000  # characters; a statement that is still longer is not cached

NAME = r'(?:"[^"]+"|\w+)'
ALIAS = rf"(?:(?:\s+AS)?\s+(?!(?:JOIN|USING|FROM|UPDATE|DELETE|INSERT)\b){NAME})?"  # none of these is an alias
TABLE = rf"{NAME}(?:\.{NAME})?{ALIAS}"
MENTION = re.compile(
    r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/"  # strings and comments contain no table names
    r"|\b(?:(?P<insert>(?:INSERT\s+(?:OR\s+\w+\s+)?|REPLACE\s+|MERGE\s+)INTO)|(?P<update>UPDATE)"
    r"|(?P<delete>DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?)|(?P<copy>COPY)|(?P<select>(?<!DISTINCT )FROM|JOIN|USING))"
    rf"\s+(?:ONLY\s+)?(?P<tables>{TABLE}(?:\s*,\s*{TABLE})*)",
    re.IGNORECASE | re.DOTALL,
)
TABLES = re.compile(rf"({NAME})(?:\.({NAME}))?{ALIAS}", re.IGNORECASE)


def count(sql: str, server: str = PRIMARY) -> None:
    """Count the tables of the statement *sql*, which is about to be executed by *server*."""
    if len(sql) > LONG:
        sql = sql.replace("%s, ", "").replace("(%s), ", "")
        if len(sql) > LONGEST:
            for table, verb in tables_of(sql):
                QUERIES.labels(table, verb, server).inc()
            return
    for counter in counters(sql, server):
        counter.inc()


def tables_of(sql: str) -> set[tuple[str, str]]:
    """Return the tables in *sql* that belong to models, each with its verb."""
    known, tables = _known(), set()
    whole = "copy" if sql[:6].upper() in ("COPY (", "COPY(S") else None  # COPY of a query
    for match in MENTION.finditer(sql):
        if verb := match.lastgroup and next(verb for verb in VERBS if match[verb]):
            for mention in TABLES.findall(match["tables"]):
                names = [name.strip('"') for name in mention if name]
                # The first of two names must be a schema: people.born in EXTRACT(year FROM people.born) is a column.
                if names[-1] in known and not (len(names) == 2 and names[0] in known):
                    tables.add((names[-1], whole if whole and verb == "select" else verb))
    return tables


@lru_cache(maxsize=REMEMBERED)
def counters(sql: str, server: str) -> tuple[Any, ...]:
    return tuple(QUERIES.labels(table, verb, server) for table, verb in sorted(tables_of(sql)))


@cache
def _known() -> frozenset[str]:
    """Return the tables and views of all models, including many-to-many tables."""
    return frozenset(model._meta.db_table for model in apps.get_models(include_auto_created=True))


def watch() -> None:
    """Count all statements of connections that are opened from now on."""
    connection_created.connect(_watch_connection, dispatch_uid="monitoring.query_metrics")


def _watch_connection(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    if _counted not in connection.execute_wrappers:
        # First, because code that adds a wrapper removes the last one.
        connection.execute_wrappers.insert(0, _counted)
    if connection.vendor == "postgresql":
        driver = connection.connection
        driver.cursor_factory = _that_counts(driver.cursor_factory, _server_of(connection))


def _server_of(connection: BaseDatabaseWrapper) -> str:
    return PRIMARY if connection.alias == DEFAULT_DB_ALIAS else connection.alias


def _counted(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:  # noqa: FBT001 - as Django calls it
    count(sql if isinstance(sql, str) else str(sql), _server_of(context["connection"]))
    return execute(sql, params, many, context)


@cache
def _that_counts(cursor_class: type, server: str) -> type:
    """Return a cursor class that counts COPY, which does not pass through Django's execute wrappers."""
    if hasattr(cursor_class, "counts_copies"):
        return cursor_class

    class CountingCursor(cursor_class):  # type: ignore[misc]  # which class it is is known at run time
        counts_copies = True

        def copy(self, statement: Any, *args: Any, **kwargs: Any) -> Any:
            text = statement if isinstance(statement, str) else _as_text(statement, self)
            # The COPY of a query contains its values, so its text is not cached.
            if text[:6].upper().startswith("COPY ("):
                for table, verb in tables_of(text):
                    QUERIES.labels(table, verb, server).inc()
            else:
                count(text, server)
            return super().copy(statement, *args, **kwargs)

    return CountingCursor


def _as_text(statement: Any, cursor: Any) -> str:
    return statement.decode() if isinstance(statement, bytes) else statement.as_string(cursor)
