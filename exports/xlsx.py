"""Write an Excel file with at most 100,000 records.

The file is written to a temporary file completely before any of it is sent.
"""

import tempfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, BinaryIO

import pyarrow as pa
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from exports import columns as kinds
from exports.columns import ExportedColumn
from exports.errors import TooManyRowsError, UnwritableValueError
from exports.parquet import tables

MOST = 100_000
LONGEST = 32_767  # characters of a cell
EXACT = 10**15  # Excel would round larger integers
FIRST_DAY = date(1900, 3, 1)  # Excel does not support earlier dates or shifts them by a day


def workbook(rows: Iterable[bytes], columns: list[ExportedColumn]) -> BinaryIO:
    """Return an Excel file of *rows*, blocks of CSV. Raises TooManyRowsError and UnwritableValueError.

    Text is stored in string cells with the quote prefix, as if it had been typed after an apostrophe, so Excel never
    runs it.
    """
    lines = (line for table in tables(rows, columns) for line in zip(*_columns(table), strict=True))
    return sheet([column.name for column in columns], [column.kind == kinds.TEXT for column in columns], lines)


def sheet(names: Sequence[str], are_texts: Sequence[bool], lines: Iterable[Sequence[Any]]) -> BinaryIO:
    """Return an Excel file of *lines* of values. In columns that *are_texts*, empty strings have cells."""
    file = tempfile.TemporaryFile()
    try:
        _fill(file, names, are_texts, lines)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _fill(file: BinaryIO, names: Sequence[str], are_texts: Sequence[bool], lines: Iterable[Sequence[Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        book = xlsxwriter.Workbook(file, {"constant_memory": True, "tmpdir": folder})
        page = book.add_worksheet()
        formats = {
            "text": book.add_format({"quote_prefix": True}),
            "date": book.add_format({"num_format": "yyyy-mm-dd"}),
            "time": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        }
        head = book.add_format({"bold": True})
        for index, name in enumerate(names):
            page.write_string(0, index, name, head)
        page.freeze_panes(1, 0)
        try:
            for number, values in enumerate(lines, 1):
                if number > MOST:
                    raise TooManyRowsError(MOST)
                for index, value in enumerate(values):
                    if value is not None:
                        _write(page, number, index, value, names[index], formats, is_text=are_texts[index])
        finally:
            book.close()


def _columns(table: pa.Table) -> list[list[Any]]:
    return [column.to_pylist() for column in table.columns]


class _ExactFloat(float):
    """A float that xlsxwriter writes with all of its digits, instead of 16."""

    def __format__(self, spec: str) -> str:
        return repr(float(self))


def _write(
    sheet: Worksheet, line: int, index: int, value: Any, name: str, formats: dict[str, Format], *, is_text: bool
) -> None:
    match value:
        case bool():
            sheet.write_boolean(line, index, value)
            return
        case int() if abs(value) < EXACT:
            sheet.write_number(line, index, value)
            return
        case float() if abs(value) < float("inf"):
            sheet.write_number(line, index, _ExactFloat(value))
            return
        case datetime() if value.date() >= FIRST_DAY:
            sheet.write_datetime(line, index, value.replace(tzinfo=None), formats["time"])
            return
        case date() if value >= FIRST_DAY and not isinstance(value, datetime):
            sheet.write_datetime(line, index, value, formats["date"])
            return
        case date():
            text = value.isoformat()
        case list():
            text = ";".join(map(str, value))
        case _:
            text = str(value)
    if len(text.encode("utf-16-le")) // 2 > LONGEST:
        raise UnwritableValueError(
            f"{name} of record {line} has {len(text):,} characters; a cell of an Excel file can have at most "
            f"{LONGEST:,}. Choose CSV or Parquet, or omit the column."
        )
    if text or is_text:
        sheet.write_string(line, index, text, formats["text"])
