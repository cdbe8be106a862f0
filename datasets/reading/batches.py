"""CSV rows as Arrow batches of text: pyarrow's reader where it is sure to be exact, the exact reader elsewhere."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyarrow import csv

from datasets.reading.layout import Expected, Layout
from datasets.reading.rows import LONGEST, Grammar, Malformed, Scan, line_breaks, malformed
from datasets.reading.text import BOM, Text

BLOCK = 4 << 20  # bytes
EXACT = 512 << 10  # bytes of a block that the exact reader takes before the fast one is tried again
TEXT = pa.string()
DICTIONARY = pa.dictionary(pa.int32(), pa.string())


@dataclass
class Batch:
    """Rows of a file, in its order.

    `lines`: the line each row begins on, int32, from 1. `columns`: one for each of the file's columns, string or, for a
    small vocabulary, dictionary; blanks around cells are still there. `malformed`: rows of this part of the file that
    are in no column. `bytes_read`: of the file so far.
    """

    lines: np.ndarray
    columns: list[pa.Array]
    malformed: list[Malformed]
    bytes_read: int


def read_csv(
    path: str | os.PathLike,
    layout: Layout,
    expected: Expected,
    *,
    encoding: str = "utf-8",
    block_size: int = BLOCK,
    longest: int = LONGEST,
) -> Iterator[Batch]:
    """The rows after the header, about `block_size` bytes at a time; a row of more than `longest` bytes is malformed.

    Memory does not grow with the file. Raises ReadError at the block in which bytes are not in the encoding.
    """
    blocks = _Blocks(layout, expected, longest)
    skipped = layout.first_line - 1
    with Text(path, encoding) as text:
        data, line, inside, final = b"", 1, False, False
        while data or not final:
            if not final:
                # At least as much again as is waiting, so that a long quoted cell is not looked at again and again.
                block = text.read(max(block_size, len(data)))
                data, final = data + block if data else block, not block
            if skipped or inside:
                data, passed = _without_lines(data, skipped or 1, final)
                line += passed
                skipped, inside = (skipped - passed, False) if skipped else (0, not passed)
                if skipped or inside:
                    continue
            while data:
                taken = blocks.fast(data, line, final) or blocks.exact(data, line, final)
                data, line, inside = data[taken.used :], line + taken.lines_used, taken.inside
                if len(taken.lines) or taken.malformed:
                    yield Batch(taken.lines, taken.columns, taken.malformed, text.bytes_read)
                if inside or not taken.used or (len(data) < block_size and not final):
                    break


def _without_lines(data: bytes, count: int, final: bool) -> tuple[bytes, int]:
    """The text after so many lines, or nothing of it (but a CR that may be half a break), and how many were there."""
    whole = len(data) - (data.endswith(b"\r") and not final)
    nexts = line_breaks(data[:whole])[1]
    return (data[nexts[count - 1] :], count) if count <= len(nexts) else (data[whole:], len(nexts))


@dataclass
class _Taken:
    """What was taken from the beginning of a block: so many bytes and lines of it, and the rows on them."""

    used: int
    lines_used: int
    lines: np.ndarray
    columns: list[pa.Array]
    malformed: list[Malformed]
    inside: bool = False


class _Blocks:
    """The two ways to the rows of a block of text that begins at a line's start."""

    def __init__(self, layout: Layout, expected: Expected, longest: int):
        self.width = layout.width
        self.grammar = Grammar(layout.delimiter, expected.comment, longest)
        vocabularies = {layout.columns[name] for name in expected.dictionaries if name in layout.columns}
        self.types = [DICTIONARY if position in vocabularies else TEXT for position in range(self.width)]
        self.names = [str(position) for position in range(self.width)]
        self.convert = csv.ConvertOptions(
            check_utf8=False,  # checked as it was read, to name the line
            column_types=dict(zip(self.names, self.types, strict=True)),
            strings_can_be_null=False,
            null_values=[],
        )

    def exact(self, data: bytes, line: int, final: bool) -> _Taken:
        """The rows of the first part of the block by the exact reader; none where more of the file is needed."""
        part = EXACT + self.grammar.longest
        if len(data) > part:
            data, final = data[:part], False
        scan = Scan(self.grammar, data, line, final=final, most=EXACT)
        lines, rows, bad = [], [], []
        for row in scan:
            problem = malformed(row, data, self.grammar, self.width)
            if problem:
                bad.append(problem)
            else:
                lines.append(row.line)
                rows.append(row.cells)
        cells = zip(*rows, strict=True) if rows else [()] * self.width
        columns = [
            pa.array(column, TEXT).dictionary_encode() if kind is DICTIONARY else pa.array(column, TEXT)
            for column, kind in zip(cells, self.types, strict=True)
        ]
        return _Taken(scan.used, scan.line - line, np.array(lines, np.int32), columns, bad, scan.inside)

    def fast(self, data: bytes, line: int, final: bool) -> _Taken | None:
        """The rows of the block by pyarrow; None where it holds anything that the exact reader would read otherwise."""
        if b"\0" in data or data.startswith(BOM):
            return None
        if b"\r" in data and data.count(b"\r") != data.count(b"\r\n") + (not final and data.endswith(b"\r")):
            return None
        array = np.frombuffer(data, np.uint8)
        feeds = np.flatnonzero(array == ord("\n"))
        quotes = np.flatnonzero(array == ord('"')) if b'"' in data else None
        ends = feeds if quotes is None else feeds[np.searchsorted(quotes, feeds) % 2 == 0]
        if final and not (len(ends) and ends[-1] == len(data) - 1):
            ends = np.append(ends, len(data))
        if not len(ends):
            return None
        used = min(int(ends[-1]) + 1, len(data))
        if quotes is not None and not self._quotes_as_usual(array[:used], quotes[quotes < used]):
            return None
        starts = np.concatenate([[0], ends[:-1] + 1])
        if int((ends - starts).max()) > self.grammar.longest:
            return None
        lines = (line + (np.arange(len(starts)) if ends is feeds else np.searchsorted(feeds, starts))).astype(np.int32)
        passed = self._passed_over(data, array, starts, ends)
        if any(b'"' in data[starts[index] : ends[index]] for index in passed):
            return None  # the quotes of a comment quote nothing
        if passed:
            kept = np.ones(len(starts), bool)
            kept[passed] = False
            starts, ends, lines = starts[kept], ends[kept], lines[kept]
            places = zip(starts.tolist(), ends.tolist(), strict=True)
            rows = pa.py_buffer(b"".join([data[start : end + 1] for start, end in places]))
        else:
            rows = pa.py_buffer(data).slice(0, used)
        table = self._table(rows, len(lines), quotes is not None)
        if table is None:
            return None
        columns, bad = table
        problems = []
        for index in bad:
            row_data = data[starts[index] : ends[index]]
            row = next(iter(Scan(self.grammar, row_data, int(lines[index]), final=True)))
            problems.append(malformed(row, row_data, self.grammar, self.width))
        if not all(problems):
            return None
        counted = int(np.searchsorted(feeds, used))
        return _Taken(used, counted, np.delete(lines, bad) if bad else lines, columns, problems)

    def _quotes_as_usual(self, array: np.ndarray, quotes: np.ndarray) -> bool:
        """Whether each quote opens a cell, closes it or is doubled, with nothing between it and the cell's border.

        Quotes then take turns: one that opens comes at a border or right after one that closed (the second of a
        doubled pair); one that closes comes before a border or a quote. No literal quote can hide among them.
        """
        if len(quotes) % 2:
            return False
        borders = np.zeros(256, bool)
        borders[[ord("\n"), ord("\r"), self.grammar.delimiter[0]]] = True
        opening, closing = quotes[::2], quotes[1::2]
        before, after = array[opening - 1], array[np.minimum(closing + 1, len(array) - 1)]
        opens = borders[before] | (opening == 0)
        opens[1:] |= opening[1:] - 1 == closing[:-1]
        closes = borders[after] | (after == ord('"')) | (closing == len(array) - 1)
        return bool(opens.all() and closes.all())

    def _passed_over(self, data: bytes, array: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> list[int]:
        """Which of the lines are blank or comments."""
        firsts = array[np.minimum(starts, len(array) - 1)]
        odd = np.zeros(256, bool)
        odd[list(b"\r\n" + self.grammar.blanks)] = True
        if self.grammar.comment:
            odd[self.grammar.comment[0]] = True
        candidates = np.flatnonzero(odd[firsts] | (starts == ends)).tolist()
        return [index for index in candidates if self.grammar.passes_over(data[starts[index] : ends[index]])]

    def _table(self, buffer: pa.Buffer, count: int, quoting: bool) -> tuple[list[pa.Array], list[int]] | None:
        """The columns of so many rows, and which of them have too few or many cells; None if not so many."""
        bad: list[int] = []

        def note(row: csv.InvalidRow) -> str:
            bad.append(row.number - 1)
            return "skip"

        if not count:
            return [pa.array([], kind) for kind in self.types], []
        table = csv.read_csv(
            pa.BufferReader(buffer),
            csv.ReadOptions(use_threads=False, block_size=buffer.size + 1, column_names=self.names),
            csv.ParseOptions(
                delimiter=self.grammar.delimiter.decode(),
                quote_char='"' if quoting else False,
                newlines_in_values=quoting,
                invalid_row_handler=note,
            ),
            self.convert,
        )
        if table.num_rows + len(bad) != count:
            return None
        columns = [column.chunk(0) if column.num_chunks == 1 else column.combine_chunks() for column in table.columns]
        return columns, bad
