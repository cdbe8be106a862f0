"""Read one line of a file with the lines around it, as an editor numbers them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from imports.readers.csv_scanner import line_breaks
from imports.readers.decoding import Text, breaks

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


def _with(kept: bytes, data: bytes, start: int, end: int) -> bytes:
    """Return the beginning of a line after more of it was read, with one byte more than is shown."""
    most = LONGEST + 1 - len(kept)
    return kept + data[start : min(end, start + most)]


def _cut(number: int, text: bytes) -> Line:
    return Line(number, text[:LONGEST].decode(errors="ignore"), is_cut=len(text) > LONGEST)
