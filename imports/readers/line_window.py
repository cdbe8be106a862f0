"""Read one line of a file with the lines around it, as an editor numbers them."""

import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from imports.readers.arrow_tables import ArrowTable
from imports.readers.csv_scanner import LONGEST as LONGEST_ROW
from imports.readers.csv_scanner import line_breaks
from imports.readers.decoding import Text, breaks
from imports.readers.table_kinds import table_of

AROUND = 3  # lines before and after
LONGEST = 4000  # bytes shown of a line
BLOCK = 1 << 20


@dataclass(frozen=True)
class Line:
    """A line of a file; *is_cut* if only its beginning is here."""

    number: int
    text: str
    is_cut: bool


def lines_around(path: str | os.PathLike[str], line: int, encoding: str = "utf-8") -> list[Line]:
    """Return *line* with 3 lines before and after it, each cut to ``LONGEST`` bytes; nothing if the file is shorter.

    The file is read in blocks, and not beyond these lines. Raises ReadError.
    """
    lines = list(_lines(path, max(1, line - AROUND), line + AROUND, encoding))
    return lines if any(shown.number == line for shown in lines) else []


def _lines(path: str | os.PathLike[str], first: int, last: int, encoding: str) -> Iterator[Line]:
    table = table_of(path, encoding)
    if isinstance(table, ArrowTable):
        yield from _rows(table, first, last)
        return
    number, kept, after_return = 1, b"", False  # the current line, its beginning, and whether a CR ended the last block
    with Text(path, encoding) as text:
        while data := text.read(BLOCK):
            data, after_return = data.removeprefix(b"\n") if after_return else data, data.endswith(b"\r")
            if number + breaks(data) < first:  # the lines of this block are not shown
                number += breaks(data)
                continue
            start = 0
            for end, following in zip(*line_breaks(data), strict=True):
                if number >= first:
                    yield _cut(number, _with(kept, data, start, end))
                number, kept, start = number + 1, b"", following
                if number > last:
                    return
            kept = _with(kept, data, start, len(data))
        if kept:
            yield _cut(number, kept)


def _rows(table: ArrowTable, first: int, last: int) -> Iterator[Line]:
    """Yield rows of a table as CSV."""
    for batch in table.batches(frozenset(), frozenset(), LONGEST_ROW):
        if len(batch.lines) and batch.lines[-1] >= first:
            for row in np.flatnonzero((batch.lines >= first) & (batch.lines <= last)).tolist():
                text = io.StringIO()
                csv.writer(text, lineterminator="").writerow(column[row].as_py() for column in batch.columns)
                yield _cut(int(batch.lines[row]), text.getvalue().encode())
            if batch.lines[-1] >= last:
                return


def _with(kept: bytes, data: bytes, start: int, end: int) -> bytes:
    """Return the beginning of a line after more of it was read, with one byte more than is shown."""
    most = LONGEST + 1 - len(kept)
    return kept + data[start : min(end, start + most)]


def _cut(number: int, text: bytes) -> Line:
    return Line(number, text[:LONGEST].decode(errors="ignore"), is_cut=len(text) > LONGEST)
