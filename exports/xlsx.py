"""Write an Excel file with at most 100,000 records, and a sheet with facts about them.

The file is written to a temporary file completely before any of it is sent.
"""

import re
import tempfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import chain, islice
from typing import Any, BinaryIO

import pyarrow as pa
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from exports import columns as kinds
from exports.about import About
from exports.columns import ExportedColumn
from exports.errors import TooManyRowsError, UnwritableValueError
from exports.parquet import tables

MOST = 100_000
LONGEST = 32_767  # characters of a cell
EXACT = 10**15  # Excel would round larger integers
ABOUT = "About this file"
MEASURED = 200  # rows whose values set the widths of the columns
NARROWEST, WIDEST = 8, 60  # characters
FIRST_DAY = date(1900, 3, 1)  # Excel does not support earlier dates or shifts them by a day


def workbook(rows: Iterable[bytes], columns: list[ExportedColumn], about: About) -> BinaryIO:
    """Return an Excel file of *rows*, blocks of CSV. Raises TooManyRowsError and UnwritableValueError.

    Text is stored in string cells with the quote prefix, as if it had been typed after an apostrophe, so Excel never
    runs it.
    """
    lines = (line for table in tables(rows, columns) for line in zip(*_columns(table), strict=True))
    return sheet([column.name for column in columns], [column.kind == kinds.TEXT for column in columns], lines, about)


def sheet(names: Sequence[str], are_texts: Sequence[bool], lines: Iterable[Sequence[Any]], about: About) -> BinaryIO:
    """Return an Excel file of *lines* of values, and of *about*.

    In columns that *are_texts*, empty strings have cells. Columns are as wide as their first values.
    """
    file = tempfile.TemporaryFile()
    try:
        _fill(file, names, are_texts, lines, about)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _fill(
    file: BinaryIO, names: Sequence[str], are_texts: Sequence[bool], lines: Iterable[Sequence[Any]], about: About
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        book = xlsxwriter.Workbook(file, {"constant_memory": True, "tmpdir": folder})
        page = book.add_worksheet(_sheet_name(about.table))
        formats = {
            "text": book.add_format({"quote_prefix": True}),
            "date": book.add_format({"num_format": "yyyy-mm-dd", "align": "left"}),
            "time": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"}),
        }
        head = book.add_format({"bold": True})
        try:
            lines = iter(lines)
            first = list(islice(lines, MEASURED))
            for index, name in enumerate(names):
                page.set_column(index, index, _width([name, *(values[index] for values in first)]))
                page.write_string(0, index, name, head)
            page.freeze_panes(1, 0)
            for number, values in enumerate(chain(first, lines), 1):
                if number > MOST:
                    raise TooManyRowsError(MOST)
                for index, value in enumerate(values):
                    if value is not None:
                        _write(page, number, index, value, names[index], formats, is_text=are_texts[index])
            _add_about(book, about, head, formats)
        finally:
            book.close()


def _add_about(book: xlsxwriter.Workbook, about: About, head: Format, formats: dict[str, Format]) -> None:
    page = book.add_worksheet(ABOUT)
    page.set_column(0, 0, 22)
    page.set_column(1, 1, WIDEST)
    for number, (name, value) in enumerate(about.rows()):
        page.write_string(number, 0, name, head)
        _write(page, number, 1, value, name, formats, is_text=True)


def _sheet_name(table: str) -> str:
    """Return a valid name of a sheet: at most 31 characters, without some signs, and not that of the other sheet."""
    name = re.sub(r"[\[\]:*?/\\]", " ", table)[:31].strip().strip("'")
    return name if name and name.lower() not in (ABOUT.lower(), "history") else "Records"


def _width(values: Iterable[Any]) -> int:
    """Return the width of a column in characters."""
    longest = max(len(line) for value in values if value is not None for line in str(value)[:1000].split("\n"))
    return min(max(longest + 2, NARROWEST), WIDEST)


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
