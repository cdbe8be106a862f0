"""An Excel file of up to 100,000 records, made in a temporary file before the first byte of it is sent."""

import tempfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import BinaryIO

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
EXACT = 10**15  # from here on Excel would lose figures
FIRST_DAY = date(1900, 3, 1)  # what is before, Excel does not know, or takes for another day


def workbook(rows: Iterable[bytes], columns: list[ExportedColumn]) -> BinaryIO:
    """Return an Excel file of *rows*, which are blocks of CSV; raises TooManyRowsError and UnwritableValueError.

    A text is written as one and marked as such, which is what typing an apostrophe does in Excel: it is never run.
    """
    lines = (line for table in tables(rows, columns) for line in zip(*_columns(table), strict=True))
    return sheet([column.name for column in columns], [column.kind == kinds.TEXT for column in columns], lines)


def sheet(names: Sequence[str], are_texts: Sequence[bool], lines: Iterable[tuple]) -> BinaryIO:
    """Return an Excel file of *lines* of values, where what is empty in columns that *are_texts* is an empty text."""
    file = tempfile.TemporaryFile()
    try:
        _fill(file, names, are_texts, lines)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _fill(file: BinaryIO, names: Sequence[str], are_texts: Sequence[bool], lines: Iterable[tuple]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        book = xlsxwriter.Workbook(file, {"constant_memory": True, "tmpdir": folder})
        page = book.add_worksheet()
        formats = {
            "text": book.add_format({"quote_prefix": True}),
            "date": book.add_format({"num_format": "yyyy-mm-dd"}),
            "time": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        }
        head = book.add_format({"bold": True})
        for place, name in enumerate(names):
            page.write_string(0, place, name, head)
        page.freeze_panes(1, 0)
        try:
            for number, values in enumerate(lines, 1):
                if number > MOST:
                    raise TooManyRowsError(MOST)
                for place, value in enumerate(values):
                    if value is not None:
                        _write(page, number, place, value, names[place], are_texts[place], formats)
        finally:
            book.close()


def _columns(table: pa.Table) -> list[list]:
    return [column.to_pylist() for column in table.columns]


class _ExactFloat(float):
    """A float that xlsxwriter writes with all of its digits, not with 16 of them."""

    def __format__(self, spec: str) -> str:
        return repr(float(self))


def _write(
    sheet: Worksheet, line: int, place: int, value, name: str, is_text: bool, formats: dict[str, Format]
) -> None:
    match value:
        case bool():
            sheet.write_boolean(line, place, value)
            return
        case int() if abs(value) < EXACT:
            sheet.write_number(line, place, value)
            return
        case float() if abs(value) < float("inf"):
            sheet.write_number(line, place, _ExactFloat(value))
            return
        case datetime() if value.date() >= FIRST_DAY:
            sheet.write_datetime(line, place, value.replace(tzinfo=None), formats["time"])
            return
        case date() if value >= FIRST_DAY and not isinstance(value, datetime):
            sheet.write_datetime(line, place, value, formats["date"])
            return
        case date():
            text = value.isoformat()
        case list():
            text = ";".join(map(str, value))
        case _:
            text = str(value)
    if len(text.encode("utf-16-le")) // 2 > LONGEST:
        raise UnwritableValueError(
            f"{name} of record {line} has {len(text):,} characters, and a cell of an Excel file holds "
            f"{LONGEST:,}. Ask for CSV or Parquet, or leave that column out."
        )
    if text or is_text:
        sheet.write_string(line, place, text, formats["text"])
