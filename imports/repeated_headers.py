"""Headings that come a second time among the rows of a table, as in files that were put one behind another."""

import re
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from imports.cell_types import Day, Number, Whole
from imports.readers import Batch, Malformed, ReadError
from imports.readers.headers import plain
from imports.readers.text_columns import formats_removed
from imports.sources import CSVSource, Source

SECOND = "This line is a repeated heading, as where one file was put behind another: it holds no values."
OTHER = "This line is a second heading, of a file with other columns: import that file by itself."
QUOTES = "\"' "
JOINED = "The heading of another file follows on the same line: put a line break before it."


class SecondHeadings:
    """Finds the rows of a table that repeat its heading.

    Where a column holds numbers or dates, a heading is among its cells that cannot be used; otherwise the first column
    is compared with all ways to spell a heading.
    """

    def __init__(self, source: Source, places: dict[str, int], headings: list[str], name: str):
        self.places, self.name, self.is_table = places, name, isinstance(source, CSVSource) and bool(places)
        self.columns = {
            plain(spelling): name for name, column in source.bound.items() for spelling in (name, *column.names)
        }
        self.names = {*self.columns.values()}
        self.headings = [self._column(heading) for heading in headings]
        strict = [name for name in places if isinstance(source.bound[name].kind, Whole | Number | Day)]
        self.watched, self.by_problem = (strict or list(places) or [""])[0], bool(strict)
        written = {*map(str, headings), *self.columns}
        self.spellings = pa.array(sorted({w for text in written for w in _ways_to_write(text)}), pa.string())

    def find(self, batch: Batch, texts: pa.Array, indices: pa.Array | None, problems: Iterable[int]) -> list[int]:
        """Return the rows of *batch* that repeat the heading, by what was found in the watched column.

        Raises ReadError for a heading with the columns in another order, after which nothing is in its column.
        """
        if not self.is_table:
            return []
        rows = sorted(problems) if self.by_problem else self._alike(texts, indices)
        return [row for row in rows if self._is_heading(batch, row)]

    def message(self, malformed: Malformed) -> str:
        """Return what is wrong with a row of too many cells: two lines may have been joined into it."""
        if not self.is_table:
            return malformed.message
        # Text behind a closing quote, as a line of another file behind a quoted cell, leaves no cells.
        cells = malformed.cells or re.split(r"[,;\t]", malformed.raw)
        width = len(self.headings)
        first, following = cells[width - 1 : width], cells[width:]
        if self._column(cells[0].strip(QUOTES)) in self.names and self._are_headings(cells, needed=2):
            return f"{malformed.message} {OTHER}"
        if width > 1 and self._are_headings(following, needed=1 if self._ends_in_heading(first) else 2):
            return f"{malformed.message} {JOINED}"
        return malformed.message

    def _are_headings(self, cells: list[str], needed: int) -> bool:
        """Tell whether cells are a heading, of any file of the source: most are known, and none is there twice."""
        known = [name for cell in cells if (name := self._column(cell.strip(QUOTES))) in self.names]
        return len({*known}) == len(known) >= needed and 2 * len(known) >= len(cells)

    def _ends_in_heading(self, cells: list[str]) -> bool:
        """Tell whether a cell, the last one of a file, has the first heading of another one behind it."""
        return any(plain(cell.strip(QUOTES)).endswith(tuple(self.columns)) for cell in cells)

    def _alike(self, texts: pa.Array, indices: pa.Array | None) -> list[int]:
        found = pc.is_in(pc.utf8_lower(formats_removed(texts)), self.spellings)
        if not pc.any(found).as_py():
            return []
        return np.flatnonzero((found if indices is None else found.take(indices)).fill_null(False)).tolist()

    def _is_heading(self, batch: Batch, row: int) -> bool:
        first = next(iter(self.places.values()))
        if self._column(batch.columns[first][row].as_py() or "") not in self.names:
            return False  # as nearly all are, of a column that cannot be read
        cells = [self._column(column[row].as_py() or "") for column in batch.columns]
        if all(cells[place] == self.headings[place] for place in self.places.values()):
            return len(self.places) > 1 or cells == self.headings
        known = [cells[place] for place in self.places.values()]
        if len(set(known)) == len(known) > 1 and set(known) <= self.names:
            raise ReadError(
                f"{self.name}, line {batch.lines[row]}: expected a row, found a second heading with other columns, or "
                f"with the columns in another order: {', '.join(known)}. The rows after it would come into the wrong "
                "columns. Nothing was imported; import the files that were put together here each by itself."
            )
        return False

    def _column(self, heading: str) -> str:
        """Return the expected column that a heading names, or the heading without what spellings differ in."""
        if heading.startswith("\ufeff"):  # of a file that was put behind another one; its quotes quote nothing
            heading = heading.strip("\ufeff\"'")
        return self.columns.get(plain(heading), plain(heading))


def _ways_to_write(heading: str) -> set[str]:
    heading = heading.lower()
    return {heading, *("".join(sign if c in "-_. " else c for c in heading) for sign in ("-", "_", ".", " "))}
