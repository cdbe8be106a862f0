"""Find repeated headers among the rows of a table, such as in concatenated files."""

import re
from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from imports.cell_types import DateCell, FloatCell, IntegerCell
from imports.readers import Batch, Malformed, ReadError
from imports.readers.headers import plain
from imports.readers.text_columns import formats_removed
from imports.sources import CSVSource, Source

SECOND = "This line repeats the header, as in concatenated files. It contains no values."
OTHER = "This line is the header of a file with other columns. Import that file separately."
QUOTES = "\"' "
JOINED = "The header of another file follows on the same line. Insert a line break before it."


class SecondHeadings:
    """Finds the rows of a table that repeat its header.

    In a column of numbers or dates, a header is an invalid cell. If there is no such column, the first column is
    compared with all accepted headers.
    """

    def __init__(self, source: Source, places: Mapping[str, int], headings: list[str], name: str):
        self.places, self.name, self.is_table = places, name, isinstance(source, CSVSource) and bool(places)
        self.columns = source.spellings
        self.names = {*self.columns.values()}
        self.headings = [self._column(heading) for heading in headings]
        strict = [name for name in places if isinstance(source.bound[name].kind, IntegerCell | FloatCell | DateCell)]
        self.watched, self.by_problem = (strict or list(places) or [""])[0], bool(strict)
        written = {*map(str, headings), *self.columns}
        self.spellings = pa.array(sorted({w for text in written for w in _ways_to_write(text)}), pa.string())

    def find(self, batch: Batch, texts: pa.Array, indices: pa.Array | None, problems: Iterable[int]) -> list[int]:
        """Return the rows of *batch* that repeat the header, based on the watched column.

        Raises ReadError for a header with the columns in another order, because the rows after it would be misread.
        """
        if not self.is_table:
            return []
        rows = sorted(problems) if self.by_problem else self._alike(texts, indices)
        return [row for row in rows if self._is_heading(batch, row)]

    def message(self, malformed: Malformed) -> str:
        """Return the message for a malformed row, which may consist of two joined lines."""
        if not self.is_table:
            return malformed.message
        # A row with text after a closing quote has no cells, so its raw text is split.
        cells = malformed.cells or re.split(r"[,;\t]", malformed.raw)
        width = len(self.headings)
        first, following = cells[width - 1 : width], cells[width:]
        if self._column(cells[0].strip(QUOTES)) in self.names and self._are_headings(cells, needed=2):
            return f"{malformed.message} {OTHER}"
        if width > 1 and self._are_headings(following, needed=1 if self._ends_in_heading(first) else 2):
            return f"{malformed.message} {JOINED}"
        return malformed.message

    def _are_headings(self, cells: list[str], needed: int) -> bool:
        """Return whether the cells are a header of the source: most are known headers, and none is repeated."""
        known = [name for cell in cells if (name := self._column(cell.strip(QUOTES))) in self.names]
        return len({*known}) == len(known) >= needed and 2 * len(known) >= len(cells)

    def _ends_in_heading(self, cells: list[str]) -> bool:
        """Return whether the last cell of a row ends in the first header of another file."""
        return any(plain(cell.strip(QUOTES)).endswith(tuple(self.columns)) for cell in cells)

    def _alike(self, texts: pa.Array, indices: pa.Array | None) -> list[int]:
        matches = pc.is_in(pc.utf8_lower(formats_removed(texts)), self.spellings)
        if not pc.any(matches).as_py():
            return []
        return np.flatnonzero(
            (matches if indices is None else matches.take(indices)).fill_null(fill_value=False)
        ).tolist()

    def _is_heading(self, batch: Batch, row: int) -> bool:
        first = next(iter(self.places.values()))
        if self._column(batch.columns[first][row].as_py() or "") not in self.names:
            return False  # the case for nearly all rows
        cells = [self._column(column[row].as_py() or "") for column in batch.columns]
        if all(cells[index] == self.headings[index] for index in self.places.values()):
            return len(self.places) > 1 or cells == self.headings
        known = [cells[index] for index in self.places.values()]
        if len(set(known)) == len(known) > 1 and set(known) <= self.names:
            raise ReadError(
                f"{self.name}, line {batch.lines[row]}: expected a row, found a second header with other columns or "
                f"another column order: {', '.join(known)}. The rows after it would be read into the wrong columns. "
                "Nothing was imported. Split the file and import each part separately."
            )
        return False

    def _column(self, heading: str) -> str:
        """Return the column that a header names, or the normalized header."""
        if heading.startswith("\ufeff"):  # the byte order mark of a concatenated file; the quotes after it are literal
            heading = heading.strip("\ufeff\"'")
        return self.columns.get(plain(heading), plain(heading))


def _ways_to_write(heading: str) -> set[str]:
    heading = heading.lower()
    return {heading, *("".join(sign if c in "-_. " else c for c in heading) for sign in ("-", "_", ".", " "))}
