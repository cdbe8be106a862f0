"""Read CSV rows into Arrow batches of text, with pyarrow's reader if it is exact, or else with a custom reader."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyarrow import csv

from exports.formula_escaping import restored
from imports.readers.batches import Batch
from imports.readers.csv_scanner import LONGEST, Dialect, Malformed, Row, Scan, line_breaks, malformed
from imports.readers.decoding import BOM, Text
from imports.readers.layout import ExpectedColumns, Layout
from imports.readers.quote_scanner import find_quotes
from imports.readers.table_kinds import table_of
from imports.readers.tables import Table

BLOCK = 4 << 20  # bytes
ROWS = 100_000  # maximum rows of a batch
EXACT_ROWS = 10_000  # maximum rows of a batch of the exact reader
EXACT, MOST_EXACT = 32 << 10, 512 << 10  # bytes to read exactly before trying the fast reader again
BARE_RETURN = re.compile(rb"\r(?!\n|\Z)")
TEXT = pa.string()
DICTIONARY = pa.dictionary(pa.int32(), pa.string())


def read_csv(
    path: str | os.PathLike[str],
    layout: Layout,
    expected: ExpectedColumns,
    *,
    encoding: str = "utf-8",
    block_size: int = BLOCK,
    longest: int = LONGEST,
) -> Iterator[Batch]:
    """Yield the rows after the header in batches of about `block_size` bytes, which may be empty.

    A row of more than `longest` bytes is malformed. Memory usage does not depend on the size of the file. Raises
    ReadError at the first block with bytes that are invalid in the encoding.
    """
    if table := table_of(path, encoding):
        yield from _of_table(table, layout, expected, longest)
        return
    blocks = _Blocks(layout, expected, longest)
    skipped = layout.first_line - 1
    with Text(path, encoding) as text:
        data, line, inside, final = b"", 1, False, False
        # The lengths of the parts to read with the fast reader, and with the exact reader if the fast one cannot
        # continue.
        stretch, exact = 2 * block_size, EXACT
        while data or not final:
            if not final:
                # At least double the data, so a long quoted cell is not scanned many times.
                block = text.read(max(block_size, len(data)))
                data, final = data + block if data else block, not block
            if skipped or inside:
                data, passed = _without_lines(data, skipped or 1, final=final)
                line += passed
                skipped, inside = (skipped - passed, False) if skipped else (0, not passed)
                if skipped or inside:
                    continue
            while data:
                part = data[:stretch]
                taken = blocks.fast(part, line, final=final and len(part) == len(data))
                if taken:
                    # If the rows are very short, pass only enough data for one batch, because all of the data is
                    # scanned.
                    stretch = 4 * stretch if 4 * taken.used > len(part) else 2 * taken.used
                    exact = EXACT
                else:
                    taken = blocks.exact(data, line, exact, final=final)
                    stretch, exact = 2 * EXACT, min(2 * exact, MOST_EXACT)
                data, line, inside = data[taken.used :], line + taken.lines_used, taken.inside
                # Empty batches, such as those for blank lines, are yielded too, so that the consumer can stop reading.
                columns = taken.columns if layout.defused is None else restored(taken.columns, layout.defused)
                yield Batch(taken.lines, columns, taken.malformed, text.bytes_read)
                if inside or not taken.used or (len(data) < block_size and not final):
                    break


def _of_table(table: Table, layout: Layout, expected: ExpectedColumns, longest: int) -> Iterator[Batch]:
    """Yield the rows of a table that is not CSV."""
    documents = frozenset(layout.columns[name] for name in expected.documents if name in layout.columns)
    for batch in table.batches(frozenset(layout.columns.values()), documents, longest):
        if layout.defused is not None:
            batch.columns = restored(batch.columns, layout.defused)
        yield batch


def _without_lines(data: bytes, count: int, *, final: bool) -> tuple[bytes, int]:
    """Return the text after *count* lines, and the number of lines skipped.

    The text may be only a CR, which may be half of a line break.
    """
    whole = len(data) - (data.endswith(b"\r") and not final)
    nexts = line_breaks(data[:whole])[1]
    return (data[nexts[count - 1] :], count) if count <= len(nexts) else (data[whole:], len(nexts))


@dataclass
class _Taken:
    """The rows at the beginning of a block, and the number of their bytes and lines."""

    used: int
    lines_used: int
    lines: np.ndarray
    columns: list[pa.Array]
    malformed: list[Malformed]
    inside: bool = False


class _Blocks:
    """The two readers of rows in a block of text. The block begins at the start of a line."""

    def __init__(self, layout: Layout, expected: ExpectedColumns, longest: int):
        self.width = layout.width
        self.dialect = Dialect(layout.delimiter, expected.comment, longest)
        vocabularies = {layout.columns[name] for name in expected.dictionaries if name in layout.columns}
        self.types = [DICTIONARY if position in vocabularies else TEXT for position in range(self.width)]
        self.names = [str(position) for position in range(self.width)]
        self.convert = csv.ConvertOptions(
            check_utf8=False,  # the decoder checks this, and reports the line
            column_types=dict(zip(self.names, self.types, strict=True)),
            strings_can_be_null=False,
            null_values=[],
        )

    def exact(self, data: bytes, line: int, most: int, *, final: bool) -> _Taken:
        """Read the rows of the first part of the block exactly. Return no rows if more of the file is needed."""
        part = most + self.dialect.longest
        if len(data) > part:
            data, final = data[:part], False
        scan = Scan(self.dialect, data, line, final=final, most=most)
        nul = b"\0" in data
        lines: list[int] = []
        rows: list[list[bytes]] = []
        bad: list[Malformed] = []
        for row in scan:
            if (
                row.cells is not None
                and len(row.cells) == self.width
                and not (nul and b"\0" in data[row.start : row.end])
            ):
                lines.append(row.line)
                rows.append(row.cells)
            elif problem := malformed(row, data, self.dialect, self.width):
                bad.append(problem)
            if len(rows) + len(bad) == EXACT_ROWS:
                break
        cells = zip(*rows, strict=True) if rows else [()] * self.width
        columns = [
            pa.array(column, TEXT).dictionary_encode() if kind is DICTIONARY else pa.array(column, TEXT)
            for column, kind in zip(cells, self.types, strict=True)
        ]
        return _Taken(scan.used, scan.line - line, np.array(lines, np.int32), columns, bad, scan.inside)

    def fast(self, data: bytes, line: int, *, final: bool) -> _Taken | None:  # noqa: C901 - one decision after another
        """Read rows of the block with pyarrow, up to the first row that the exact reader might read differently."""
        if b"\0" in data or data.startswith(BOM):
            return None
        if b"\r" in data and data.count(b"\r") != data.count(b"\r\n") + (not final and data.endswith(b"\r")):
            if b'"' in data:
                return None
            data = BARE_RETURN.sub(b"\n", data)
        array = np.frombuffer(data, np.uint8)
        feeds = ends = np.flatnonzero(array == ord("\n"))
        quotes = find_quotes(array, self.dialect) if b'"' in data else None
        if quotes is not None and not len(quotes.places):
            quotes = None  # quotes are ordinary characters
        if quotes is not None:
            ends = feeds[(np.searchsorted(quotes.places, feeds) % 2 == 0) & (feeds < quotes.sound)]
            final = final and quotes.sound == len(data) and len(quotes.places) % 2 == 0
        if final and not (len(ends) and ends[-1] == len(data) - 1):
            ends = np.append(ends, len(data))
        if not len(ends):
            return None
        ends = ends[:ROWS]
        used = min(int(ends[-1]) + 1, len(data))
        starts = np.concatenate([[0], ends[:-1] + 1])
        if int((ends - starts).max()) > self.dialect.longest:
            return None
        lines = (line + (np.searchsorted(feeds, starts) if quotes else np.arange(len(starts)))).astype(np.int32)
        rows = pa.py_buffer(data).slice(0, used)
        passed = self._passed_over(data, array, starts, ends)
        blanks = quotes.blanks[quotes.blanks < used] if quotes else np.empty(0, np.intp)
        if passed.any() or len(blanks):
            if quotes and any(b'"' in data[starts[index] : ends[index]] for index in np.flatnonzero(passed)):
                return None  # quotes in a comment are not special
            kept = np.repeat(~passed, np.diff(np.append(starts, used)))
            kept[blanks] = False
            rows = pa.py_buffer(array[:used][kept])
            starts, ends, lines = starts[~passed], ends[~passed], lines[~passed]
        table = self._table(rows, len(lines), quoting=quotes is not None)
        if table is None:
            return None
        columns, bad = table
        malformed = (self._malformed(data[starts[index] : ends[index]], int(lines[index])) for index in bad)
        problems = [problem for problem in malformed if problem is not None]
        if len(problems) < len(bad):
            return None
        counted = int(np.searchsorted(feeds, used))
        return _Taken(used, counted, np.delete(lines, bad) if bad else lines, columns, problems)

    def _malformed(self, data: bytes, line: int) -> Malformed | None:
        """Parse *data* as one row, and return it as Malformed, or None if the row is valid."""
        data = data.removesuffix(b"\r")
        cells = self.dialect.quoted_line(data) if b'"' in data else data.split(self.dialect.delimiter)
        row = Row(line, 0, len(data), cells) if cells else next(iter(Scan(self.dialect, data, line, final=True)))
        return malformed(row, data, self.dialect, self.width)

    def _passed_over(self, data: bytes, array: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Return a mask of the rows that are blank lines or comments."""
        firsts = array[np.minimum(starts, len(array) - 1)]
        passed: np.ndarray = (starts == ends) | ((ends - starts == 1) & (firsts == ord("\r")))
        odd = np.zeros(256, bool)
        odd[list(self.dialect.blanks)] = True
        if self.dialect.comment:
            odd[self.dialect.comment[0]] = True
        for index in np.flatnonzero(odd[firsts] & ~passed).tolist():
            passed[index] = self.dialect.passes_over(data[starts[index] : ends[index]])
        return passed

    def _table(self, buffer: pa.Buffer, count: int, *, quoting: bool) -> tuple[list[pa.Array], list[int]] | None:
        """Return the columns, and the indexes of rows with a wrong number of cells.

        Return None if the row count differs.
        """
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
                delimiter=self.dialect.delimiter.decode(),
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
