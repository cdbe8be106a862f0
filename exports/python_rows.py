"""Write rows in Python for SQLite, which has no COPY. The text is the same as PostgreSQL's."""

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from decimal import Decimal
from math import isfinite
from typing import Any

from django.db import models
from django.db.models import F
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast

from datasets import exact_json
from datasets.records.masking import masked
from exports import columns as kinds
from exports.columns import ExportedColumn, MaskMark
from exports.formula_escaping import MARKED, defused

CHUNK = 2000  # rows to fetch at a time
BLOCK = 1 << 16  # characters, about
Row = Sequence[Any]


def csv_rows(
    queryset: models.QuerySet[Any], columns: list[ExportedColumn], blank: str = "", *, defuse: bool = False
) -> Generator[bytes]:
    """Yield the rows of *queryset* as CSV without a header, in blocks of whole rows. *blank* is an empty cell."""
    writers = [_cell_writer(column, defuse=defuse) for column in columns]
    mark = [MARKED] if defuse else []

    def line(row: Row) -> str:
        cells = [blank if value is None else write(value) or blank for write, value in zip(writers, row, strict=True)]
        return ",".join(cells + mark)

    return _blocks(map(line, _fetched(queryset, columns)))


def ndjson_rows(queryset: models.QuerySet[Any], columns: list[ExportedColumn]) -> Generator[bytes]:
    """Yield the rows of *queryset* as NDJSON, in blocks of whole rows."""
    names, readers = [column.name for column in columns], [_reader(column) for column in columns]

    def line(row: Row) -> str:
        values = (read(value) for read, value in zip(readers, row, strict=True))
        return exact_json.dumps(dict(zip(names, values, strict=True))).decode()

    return _blocks(map(line, _fetched(queryset, columns)))


def cell(text: str) -> str:
    """Return *text* as a CSV cell. An empty string is written as quotes, to distinguish it from a missing value."""
    if not text or any(special in text for special in ',"\n\r'):
        return '"' + text.replace('"', '""') + '"'
    return text


def _fetched(queryset: models.QuerySet[Any], columns: list[ExportedColumn]) -> Iterator[Row]:
    """Yield the rows of a single statement, which reads a consistent snapshot."""
    hidden = [index for index, column in enumerate(columns) if column.masked]
    # No transaction is used, because it would block writers on SQLite.
    for row in queryset.values_list(*map(_expression, columns)).iterator(chunk_size=CHUNK):
        if hidden:
            row = list(row)
            for index in hidden:
                row[index] = masked(row[index])
        yield row


class _Members(models.Subquery):
    """The IDs of a many-to-many field as a JSON array."""

    output_field = models.TextField()
    template = "(SELECT json_group_array(member) FROM (%(subquery)s))"


def _expression(column: ExportedColumn) -> Combinable:
    if isinstance(column, MaskMark):
        return models.Value(column.text, models.TextField())
    if column.members is not None:
        return _Members(column.members)
    value = F(column.listed.path)
    return Cast(value, models.TextField()) if column.kind == kinds.JSON else value


def _reader(column: ExportedColumn) -> Callable[[Any], Any]:
    """Return a function that converts the database's values of *column* for JSON."""
    match column.kind:
        case kinds.FLOAT:
            return _float
        case kinds.JSON:
            return lambda text: None if text is None else exact_json.loads(text)
        case kinds.LIST:
            return json.loads if column.listed.many else column.listed.members_of
    return lambda value: value


def _float(value: float | None) -> float | str | None:
    """Return a number as a float, or as a string if JSON does not support it (NaN, Infinity and -Infinity)."""
    if value is None:
        return None
    return float(value) if isfinite(value) else str(Decimal(value))


def _cell_writer(column: ExportedColumn, *, defuse: bool) -> Callable[[Any], str]:
    """Return a function that converts the database's values of *column* to CSV cells."""
    read = _reader(column)
    text: Callable[[Any], str] = str

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


def _blocks(lines: Iterable[str]) -> Generator[bytes]:
    waiting: list[str] = []
    size = 0
    for line in lines:
        waiting.append(line)
        size += len(line)
        if size >= BLOCK:
            yield ("\n".join(waiting) + "\n").encode()
            waiting, size = [], 0
    if waiting:
        yield ("\n".join(waiting) + "\n").encode()
