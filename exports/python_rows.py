"""Rows written by Python, for engines that have no COPY: the same values as PostgreSQL writes."""

import json
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from math import isfinite
from typing import Any

from django.db import models
from django.db.models import F
from django.db.models.functions import Cast

from datasets import exact_json
from datasets.records.personal_data import masked
from exports import columns as kinds
from exports.columns import ExportedColumn, MaskMark
from exports.formula_escaping import MARKED, defused

CHUNK = 2000  # rows that are fetched at once
BLOCK = 1 << 16  # characters, about


def csv_rows(
    queryset: models.QuerySet, columns: list[ExportedColumn], defuse: bool = False, blank: str = ""
) -> Iterator[bytes]:
    """Yield the rows of *queryset* as CSV without a header, in blocks that end with a row; *blank* is an empty cell."""
    writers = [_cell_writer(column, defuse) for column in columns]
    mark = [MARKED] if defuse else []

    def line(row: tuple) -> str:
        cells = [blank if value is None else write(value) or blank for write, value in zip(writers, row, strict=True)]
        return ",".join(cells + mark)

    return _blocks(map(line, _fetched(queryset, columns)))


def ndjson_rows(queryset: models.QuerySet, columns: list[ExportedColumn]) -> Iterator[bytes]:
    """Yield the rows of *queryset* as a JSON object a line, in blocks that end with a row."""
    names, readers = [column.name for column in columns], [_reader(column) for column in columns]

    def line(row: tuple) -> str:
        values = (read(value) for read, value in zip(readers, row, strict=True))
        return exact_json.dumps(dict(zip(names, values, strict=True))).decode()

    return _blocks(map(line, _fetched(queryset, columns)))


def cell(text: str) -> str:
    """Return *text* as a cell of a CSV file; an empty one is quoted, which tells it from a missing value."""
    if not text or any(special in text for special in ',"\n\r'):
        return '"' + text.replace('"', '""') + '"'
    return text


def _fetched(queryset: models.QuerySet, columns: list[ExportedColumn]) -> Iterator[tuple]:
    """Yield the rows by one statement, which sees the tables as they were when it began."""
    hidden = [place for place, column in enumerate(columns) if column.masked]
    # In no transaction, which on SQLite would keep writers waiting.
    for row in queryset.values_list(*map(_expression, columns)).iterator(chunk_size=CHUNK):
        if hidden:
            row = list(row)
            for place in hidden:
                row[place] = masked(row[place])
        yield row


class _Members(models.Subquery):
    """The ids of a list as a JSON array."""

    output_field = models.TextField()
    template = "(SELECT json_group_array(member) FROM (%(subquery)s))"


def _expression(column: ExportedColumn) -> models.Expression:
    if isinstance(column, MaskMark):
        return models.Value(column.text, models.TextField())
    if column.listed.many:
        return _Members(column.members)
    value = F(column.listed.path)
    return Cast(value, models.TextField()) if column.kind == kinds.JSON else value


def _reader(column: ExportedColumn) -> Callable[[Any], Any]:
    """Return what makes a value for JSON out of what the database gives for *column*."""
    match column.kind:
        case kinds.FLOAT:
            return _float
        case kinds.JSON:
            return lambda text: None if text is None else exact_json.loads(text)
        case kinds.LIST:
            return json.loads if column.listed.many else column.listed.members_of
    return lambda value: value


def _float(value: float | None) -> float | str | None:
    """Return a number as a float; as a text where it is none in JSON: NaN, Infinity, -Infinity."""
    if value is None:
        return None
    return float(value) if isfinite(value) else str(Decimal(value))


def _cell_writer(column: ExportedColumn, defuse: bool) -> Callable[[Any], str]:
    """Return what writes a value of *column* as a cell."""
    read, text = _reader(column), str

    def quoted(text: str) -> str:
        return cell(defused(text) if defuse else text)

    match column.kind:
        case kinds.BOOLEAN:
            return lambda value: "true" if value else "false"
        case kinds.DATE | kinds.TIME:
            return lambda moment: moment.isoformat()
        case kinds.INTEGER | kinds.FLOAT:
            return lambda value: str(read(value))
        case kinds.JSON:
            text = exact_json.text
        case kinds.LIST:
            return lambda value: quoted(";".join(map(str, members))) if (members := read(value)) else ""
    return lambda value: quoted(text(read(value)))


def _blocks(lines: Iterable[str]) -> Iterator[bytes]:
    found, size = [], 0
    for line in lines:
        found.append(line)
        size += len(line)
        if size >= BLOCK:
            yield ("\n".join(found) + "\n").encode()
            found, size = [], 0
    if found:
        yield ("\n".join(found) + "\n").encode()
