"""The exact reader of CSV rows: slow, but with exact line numbers and quotes, and with recovery after malformed quotes.

The end of a quoted cell is malformed if the cell is unclosed at the end of the file or at the length limit, or if text
follows its closing quote. Then only the line on which the cell began is invalid, and reading continues on the next
line. A single stray quote therefore cannot hide the rest of a file, and the result does not depend on how the file is
divided into blocks.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from datasets.text import match_end

LONGEST = 1 << 20  # bytes of a row
KEPT = 10_000  # bytes stored of a malformed row
INSIDE = re.compile(rb'[^"]*+(?:""[^"]*+)*+')
DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab"}


@dataclass(slots=True)
class Malformed:
    """A row that cannot be split into the file's columns.

    NUL bytes are replaced with ␀. `raw` has at most the first 10,000 bytes, with a note if the row is longer.
    """

    line: int
    raw: str
    cells: list[str] | None
    message: str


@dataclass(slots=True)
class Row:
    """A row of a block, with its cells or its problem."""

    line: int
    start: int
    end: int
    cells: list[bytes] | None
    problem: str = ""


class Dialect:
    """The CSV dialect of a file: its delimiter, its comment prefix, and the maximum length of a row."""

    def __init__(self, delimiter: str, comment: str | None = None, longest: int = LONGEST):
        self.delimiter = delimiter.encode()
        self.comment = comment.encode() if comment else None
        self.longest = longest
        self.blanks = b" " if delimiter == "\t" else b" \t"
        self._opening = re.compile(rb"[" + self.blanks + rb']*"')
        self._blank = re.compile(rb"[" + self.blanks + rb"]*")
        self._plain = re.compile(rb"[^\r\n" + re.escape(self.delimiter) + rb"]*")
        blanks = b"[" + self.blanks + b"]*+"
        cell = rb'(?:%b"([^"]*+(?:""[^"]*+)*+)"%b|(?!%b")([^%b]*+))%b' % (blanks, blanks, blanks, *2 * [self.delimiter])
        self._cells = re.compile(cell)
        self._whole = re.compile(b"(?:" + cell + b")++")

    def passes_over(self, line: bytes) -> bool:
        """Return whether a line is blank or a comment."""
        return bool(self.comment and line.startswith(self.comment)) or not line.strip(self.blanks + b"\r\n")

    def quoted_line(self, line: bytes) -> list[bytes] | None:
        """Return the cells of a line that is a complete row, or None for any other line."""
        line += self.delimiter
        if not self._whole.fullmatch(line):
            return None
        return [quoted.replace(b'""', b'"') or plain for quoted, plain in self._cells.findall(line)]

    def quoted_row(self, data: bytes, start: int, stop: int) -> tuple[str, list[bytes], int]:
        """Read the row from `start`, but not beyond `stop`. Return its kind, its cells, and a position.

        The kind is "row" (the row ends at the position), "open" (a quoted cell begins there and does not end before
        `stop`), "text" (text follows the end of a quoted cell that begins there), or "cut" (undecided before `stop`).
        """
        cells: list[bytes] = []
        position = start
        while True:
            opening = self._opening.match(data, position, stop)
            if opening:
                opened = opening.end()
                closed = match_end(INSIDE, data, opened, stop)
                if closed >= stop:
                    return "open", cells, opened
                after = match_end(self._blank, data, closed + 1, stop)
                cells.append(data[opened:closed].replace(b'""', b'"'))
                if after < stop and data[after] not in b"\r\n" and data[after : after + 1] != self.delimiter:
                    return "text", cells, opened
            else:
                after = match_end(self._plain, data, position, stop)
                cells.append(data[position:after])
            if after >= stop:
                return "cut", cells, after
            if data[after] in b"\r\n":
                return "row", cells, after
            position = after + 1


class Scan:
    """An iterator over the rows of a block of text that begins at the start of a line.

    After the iteration, `used` is the length of the consumed part of the block, including blank lines and comments, and
    `line` is the number of the line after it. `inside` is true if the rest of a line that is longer than the block must
    be skipped.
    """

    def __init__(self, dialect: Dialect, data: bytes, line: int = 1, *, final: bool, most: int | None = None):
        self.dialect = dialect
        self.data = data[:-1] if data.endswith(b"\r") and not final else data  # the LF may be in the next block
        self.first_line = self.line = line
        self.final = final
        self.most = len(data) if most is None else most
        self.used = 0
        self.inside = False

    def __iter__(self) -> Iterator[Row]:
        data, size, longest = self.data, len(self.data), self.dialect.longest
        delimiter, comment, white = self.dialect.delimiter, self.dialect.comment, self.dialect.blanks + b"\r\n"
        self._ends, self._nexts = ends, nexts = line_breaks(data)
        index, start, whole, most = 0, 0, len(ends), min(size, self.most)
        while start < most:
            end = ends[index] if index < whole else size
            raw = data[start:end]
            passed = comment is not None and raw.startswith(comment)
            row = None
            if passed or b'"' not in raw:
                if index >= whole and not self.final and size - start <= longest:
                    return
                if end - start > longest and not passed:
                    row = Row(self.first_line + index, start, end, None, self._too_long())
                elif not passed and raw.strip(white):
                    row = Row(self.first_line + index, start, end, raw.split(delimiter))
            elif index < whole and end - start <= longest and (cells := self.dialect.quoted_line(raw)):
                row = Row(self.first_line + index, start, end, cells)
            else:
                row = Row(self.first_line + index, start, end, None)
                last = self._quoted(row, decided=size - start > longest)
                if last is None:
                    return
                index = last
            index += 1
            if index <= whole:
                start = self.used = nexts[index - 1]
                self.line = self.first_line + index
            else:  # after the last line break: the rest of the block
                start = self.used = size
                self.inside = not self.final
                self.line = self.first_line + whole + self.final
            if row:
                yield row

    def _quoted(self, row: Row, *, decided: bool) -> int | None:
        """Complete a row with quotes. Return the index of its last line, or None if more of the file is needed."""
        stop = min(len(self.data), row.start + self.dialect.longest + 1)
        ended = self.final and stop == len(self.data)
        kind, cells, where = self.dialect.quoted_row(self.data, row.start, stop)
        if not (decided or ended) and (kind in ("open", "cut") or self._index(where) >= len(self._ends)):
            return None
        number = len(cells) if kind == "text" else len(cells) + 1
        if kind == "row" or (kind == "cut" and ended and where - row.start <= self.dialect.longest):
            row.end, row.cells = where, cells
        elif kind == "cut":
            row.problem = self._too_long()
            where = row.end = row.start + self.dialect.longest
        else:
            index = self._index(where)
            row.end = self._ends[index] if index < len(self._ends) else len(self.data)
            line = self.first_line + index
            if kind == "open":
                row.problem = (
                    f"Cell {number} on line {line} begins with a quote that is never closed. Add the closing quote, or "
                    'double each quote inside a quoted cell ("").'
                )
            else:
                row.problem = (
                    f"Text follows the closing quote of cell {number} on line {line}. Expected "
                    f"{DELIMITERS[self.dialect.delimiter.decode()]} or the end of the row. Double each quote inside a "
                    'quoted cell ("").'
                )
        return self._index(where)

    def _too_long(self) -> str:
        return f"The row is longer than the maximum of {self.dialect.longest:,} bytes."

    def _index(self, position: int) -> int:
        return bisect_left(self._ends, position)


def malformed(row: Row, data: bytes, dialect: Dialect, width: int | None = None) -> Malformed | None:
    """Return the row as Malformed, or None if it has the right number of cells and no NUL byte."""
    end = min(row.end, row.start + KEPT, row.start + dialect.longest)
    size = row.end - row.start  # the length of the part read; the row may be longer
    length = f"more than {dialect.longest:,}" if size > dialect.longest else f"{size:,}"
    more = f" … ({length} bytes in total)" if end < row.end else ""
    raw = _readable(data[row.start : end]) + more
    if row.problem:
        problem = row.problem
    elif b"\0" in data[row.start : row.end]:
        problem = "The row contains a NUL byte. Expected text."
    elif width is not None and row.cells is not None and len(row.cells) != width:
        problem = f"Expected {width} {'cell' if width == 1 else 'cells'}, found {len(row.cells)}."
    else:
        return None
    cells = None if row.cells is None else [_readable(cell).strip(" \t") for cell in row.cells]
    return Malformed(row.line, raw, cells, problem)


def _readable(data: bytes) -> str:
    return data.decode("utf-8", "ignore").replace("\0", "␀")


def line_breaks(data: bytes) -> tuple[list[int], list[int]]:
    """Return the ends of the lines in *data*, and the beginning of the line after each."""
    array = np.frombuffer(data, np.uint8)
    feeds = np.flatnonzero(array == 10)
    if b"\r" not in data:
        return feeds.tolist(), (feeds + 1).tolist()
    returns = np.flatnonzero(array == 13)
    alone = feeds[(feeds == 0) | (array[feeds - 1] != 13)]
    ends = np.sort(np.concatenate([returns, alone]))
    following = array[np.minimum(ends + 1, len(array) - 1)]
    paired = (array[ends] == 13) & (following == 10)
    return ends.tolist(), (ends + 1 + paired).tolist()
