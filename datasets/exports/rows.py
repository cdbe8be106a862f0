"""Rows written by Python, byte for byte as PostgreSQL writes them: for engines that have no COPY."""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from django.db import models
from django.db.models import F
from django.db.models.functions import Cast

from datasets import exact_json
from datasets.exports import columns as kinds
from datasets.exports.columns import ExportedColumn, MaskMark
from datasets.personal import masked
from datasets.reading.defused import MARKED, defused

CHUNK = 2000  # rows that are fetched at once
BLOCK = 1 << 16  # characters, about
Writer = Callable[[Any], str]


def csv_rows(
    queryset: models.QuerySet, columns: list[ExportedColumn], defuse: bool = False, blank: str = ""
) -> Iterator[bytes]:
    """Yield the rows of *queryset* as CSV without a header, in blocks that end with a row; *blank* is an empty cell."""
    writers = [_cell_writer(column, defuse, alone=len(columns) == 1 and not defuse) for column in columns]
    mark = [MARKED] if defuse else []

    def line(row: tuple) -> str:
        cells = [blank if value is None else write(value) or blank for write, value in zip(writers, row, strict=True)]
        return ",".join(cells + mark)

    return _blocks(map(line, _fetched(queryset, columns)))


def ndjson_rows(queryset: models.QuerySet, columns: list[ExportedColumn]) -> Iterator[bytes]:
    """Yield the rows of *queryset* as a JSON object a line, in blocks that end with a row."""
    writers = [(f"{quoted(column.name)}:", _value_writer(column)) for column in columns]
    nothing = ["[]" if column.kind == kinds.LIST else "null" for column in columns]

    def line(row: tuple) -> str:
        values = (
            name + (none if value is None else write(value))
            for (name, write), none, value in zip(writers, nothing, row, strict=True)
        )
        return "{" + ",".join(values) + "}"

    return _blocks(map(line, _fetched(queryset, columns)))


def cell(text: str, alone: bool = False) -> str:
    """Return *text* as a cell of a CSV file; *alone* where it is all of its row."""
    if not text or any(special in text for special in ',"\n\r') or (alone and text == r"\."):
        return '"' + text.replace('"', '""') + '"'
    return text


def quoted(text: str) -> str:
    """Return *text* as JSON."""
    return orjson.dumps(text).decode()


def float_text(value: float) -> str:
    """Return the shortest text that is read as *value*: 10, 0.1, 1e+15."""
    value = float(value)
    if value != value or value in (float("inf"), float("-inf")):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    figures = "".join(map(str, digits)).lstrip("0")
    minus, power = "-" * sign, len(figures) + exponent - 1  # of ten, for the first figure
    figures = figures.rstrip("0")
    if not figures:
        return f"{minus}0"
    if not -4 <= power < 15:
        return f"{minus}{figures[0]}{'.' * (len(figures) > 1)}{figures[1:]}e{power:+03d}"
    if power < 0:
        return f"{minus}0.{'0' * (-power - 1)}{figures}"
    whole, part = figures[: power + 1].ljust(power + 1, "0"), figures[power + 1 :]
    return f"{minus}{whole}{'.' * bool(part)}{part}"


def document_text(text: str) -> str:
    """Return a JSON document as PostgreSQL keeps it: the keys of its objects by length and then by letter."""
    return exact_json.text(exact_json.loads(text, decimal=True), _by_length)


def _by_length(document: dict) -> list[tuple[str, Any]]:
    return sorted(document.items(), key=lambda pair: (len(name := pair[0].encode()), name))


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


def _cell_writer(column: ExportedColumn, defuse: bool, alone: bool) -> Writer:
    """Return what writes a value of *column* as a cell."""
    text = _members_with_semicolons if column.listed.many else _WRITERS.get(column.kind, str)
    if column.kind not in kinds.TEXTUAL:
        return text
    if defuse:
        return lambda value: cell(defused(written)) if (written := text(value)) is not None else ""
    return lambda value: cell(written, alone) if (written := text(value)) is not None else ""


def _value_writer(column: ExportedColumn) -> Writer:
    """Return what writes a value of *column* as JSON."""
    match column.kind:
        case kinds.LIST:
            return str if column.listed.many else lambda text: f"[{text.replace(';', ',')}]"
        case kinds.FLOAT:
            return lambda value: text if (text := float_text(value))[-1].isdigit() else f'"{text}"'
        case kinds.BOOLEAN | kinds.INTEGER | kinds.JSON:
            return _WRITERS[column.kind]
    text = _WRITERS.get(column.kind, str)
    return lambda value: quoted(text(value))


def _members_with_semicolons(array: str) -> str | None:
    return ";".join(map(str, json.loads(array))) or None


def _instant(moment: datetime) -> str:
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "+00:00"


_WRITERS: dict[str, Writer] = {
    kinds.BOOLEAN: lambda value: "true" if value else "false",
    kinds.INTEGER: str,
    kinds.FLOAT: float_text,
    kinds.DATE: lambda day: day.isoformat(),
    kinds.TIME: _instant,
    kinds.JSON: document_text,
}


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
