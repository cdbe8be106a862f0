"""Rows of records with the names of their source's columns, and with references as written in files."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection

from datasets import exact_json
from datasets.sql.chunks import values_by_key
from imports.sources import Detail, Reference, Source, VocabularyColumn

AT_ONCE = 2000
Row = dict[str, Any]  # a record's values by column


def fetched(query: str, parameters: Sequence[Any] = ()) -> Iterator[list[Row]]:
    """Yield the rows, stored as JSON, of the first column of *query*, some at a time."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(query, parameters or None)
        while rows := cursor.fetchmany(AT_ONCE):
            yield [exact_json.loads(row) for (row,) in rows]


def readable_rows(source: Source, rows: list[Row]) -> list[Row]:
    """Return *rows* with the names of the source's columns, and with references as written in files."""
    columns = {name: column for name, column in source.bound.items() if not isinstance(column, Detail)}
    result: list[Row] = [{} for _ in rows]
    for name, column in columns.items():
        stored = column.field.name if column.field.many_to_many else column.stored_as
        values = [row.get(stored) for row in rows]
        if isinstance(column, VocabularyColumn | Reference):
            by = column.by_field.name if isinstance(column, Reference) else "name"
            keys = {key for value in values for key in (value if isinstance(value, list) else [value])} - {None}
            named = values_by_key(column.model._default_manager.all(), keys, by)
            values = [[named.get(k, k) for k in v] if isinstance(v, list) else named.get(v, v) for v in values]
        for entry, value in zip(result, values, strict=True):
            entry[name] = value
    return result
