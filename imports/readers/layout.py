"""Detect the layout of a CSV file: its delimiter, its header, and the positions of the expected columns."""

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from datasets.text import composed, shown
from exports.formula_escaping import MARK, undefused
from imports.readers.csv_scanner import DELIMITERS, LONGEST, Dialect, Scan, malformed
from imports.readers.decoding import BOM, Text
from imports.readers.errors import HeaderMismatchError, MissingColumnsError, OddTextError, ReadError, listed
from imports.readers.headers import meant, plain
from imports.readers.table_kinds import table_of
from imports.readers.tables import Table

HEAD = 64 << 10  # bytes to read at first; more are read if the first row is longer
SEPARATOR_LINE = re.compile(r"sep=\S?", re.IGNORECASE)  # Excel's line that declares the delimiter
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
MOST_ROWS = 100  # rows to examine if the first one is malformed


@dataclass(frozen=True)
class ExpectedColumns:
    """The columns that a source expects in a file.

    `names`: each column and its other accepted headers, in the order of a file without a header. `key`: the columns of
    the key. `headerless`: whether the header is optional. `comment`: the prefix of comment lines, which are skipped.
    `dictionaries`: columns of small vocabularies, which are read as dictionaries. `documents`: columns of JSON
    documents. `passed_over`: the headers of known columns that are not read, normalized by :func:`plain`.
    """

    names: Mapping[str, tuple[str, ...]]
    required: frozenset[str]
    key: frozenset[str] = frozenset()
    headerless: bool = False
    comment: str | None = None
    dictionaries: frozenset[str] = frozenset()
    documents: frozenset[str] = frozenset()
    passed_over: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Layout:
    """The layout of a file.

    `header`: the original cells of the header, or None. `columns`: the position of each existing column. `unknown`:
    header cells that match no column. `width`: the number of cells in a row. `first_line`: the line number of the first
    row after the header. `absent`: missing expected columns. `defused`: the position of the column that marks escaped
    formulas, or None.
    """

    delimiter: str
    header: tuple[str, ...] | None
    columns: Mapping[str, int]
    unknown: tuple[str, ...]
    width: int
    first_line: int
    absent: tuple[str, ...] = ()
    defused: int | None = None


@dataclass(frozen=True)
class _First:
    """The first row of a file, split by one delimiter."""

    delimiter: str
    cells: tuple[str, ...]
    problem: str
    line: int
    next_line: int
    fitting: int  # number of cells with the name of an expected column


def find_layout(
    path: str | os.PathLike[str], expected: ExpectedColumns, *, encoding: str = "utf-8", allow_missing: bool = False
) -> Layout:
    """Return the layout of the file.

    With *allow_missing*, a file with a key needs only the columns of its key. Raises ReadError if the file cannot be
    read, and HeaderMismatchError if its columns do not match.
    """
    spellings = {plain(name): column for column, names in expected.names.items() for name in (column, *names)}
    required = expected.key if allow_missing and expected.key else expected.required
    if table := table_of(path, encoding):
        return _layout_of_table(path, table, expected, spellings, required)
    firsts = _first_rows(path, expected, encoding, spellings)
    _refuse_separator_line(path, firsts)
    # Choose the delimiter by the number of recognized header cells, or else by the number of cells.
    sound = [first for first in firsts if not first.problem]
    best = max(sound or firsts, key=lambda first: (first.fitting, len(first.cells)))
    if best.fitting:
        return _with_header(path, best, expected, spellings, required)
    if expected.headerless:
        fit = [first for first in sound if len(first.cells) == len(expected.names)]
        if first := fit[0] if fit else _beginning_badly(path, expected, encoding, firsts):
            columns = {name: position for position, name in enumerate(expected.names)}
            return Layout(first.delimiter, None, columns, (), len(columns), first.line)
    broken = next((first for first in firsts if first.problem), best)
    raise _unfit(path, broken if len(best.cells) < 2 else best, expected)


def _layout_of_table(
    path: str | os.PathLike[str],
    table: Table,
    expected: ExpectedColumns,
    spellings: dict[str, str],
    required: frozenset[str],
) -> Layout:
    cells = tuple(composed(name.strip()) for name in table.header)
    first = _First("", cells, "", 1, table.first_line, sum(plain(cell) in spellings for cell in cells))
    if not first.fitting:
        raise _unfit(path, first, replace(expected, headerless=False))
    return _with_header(path, first, expected, spellings, required)


def matches(path: str | os.PathLike[str], expected: ExpectedColumns, *, encoding: str = "utf-8") -> bool:
    """Return whether the file matches these columns, by its header or by its number of cells.

    Raises ReadError if the file is not text, does not exist, or is empty.
    """
    try:
        find_layout(path, expected, encoding=encoding)
    except HeaderMismatchError:
        return False
    return True


def _first_rows(
    path: str | os.PathLike[str], expected: ExpectedColumns, encoding: str, spellings: dict[str, str]
) -> list[_First]:
    """Return the first row of the file as split by each delimiter."""
    with Text(path, encoding) as text:
        data, line, final = b"", 1, False
        while not final:
            block = text.read(max(HEAD, len(data)))
            data, final = data + block, not block
            scans = [Scan(Dialect(delimiter, expected.comment), data, line, final=final) for delimiter in DELIMITERS]
            firsts = [first for scan in scans if (first := _first_row(scan, spellings))]
            if len(firsts) == len(scans) or (firsts and (final or len(data) > LONGEST)):
                return firsts
            least = min(scans, key=lambda scan: scan.used)
            if not firsts and not least.inside:  # discard blank lines and comments
                data, line = data[least.used :], least.line
                if text.bytes_read > LONGEST:
                    raise ReadError(
                        f"{path}: the first {text.bytes_read:,} bytes are blank lines or comments; expected the "
                        f"columns {listed(expected.names)} in the first row. Delete the lines before it."
                    )
    kind = "blank lines and comments" if expected.comment else "blank lines"
    problem = f"contains only {kind}" if text.bytes_read > len(BOM) else "is empty"
    raise ReadError(f"{path}: the file {problem}; expected the columns {listed(expected.names)}.")


def _first_row(scan: Scan, spellings: dict[str, str]) -> _First | None:
    row = next(iter(scan), None)
    if row is None:
        return None
    bad = malformed(row, scan.data, scan.dialect)
    cells = () if row.cells is None else tuple(composed(cell.decode().strip()) for cell in row.cells)
    fitting = sum(plain(cell) in spellings for cell in cells)
    return _First(scan.dialect.delimiter.decode(), cells, bad.message if bad else "", row.line, scan.line, fitting)


def _beginning_badly(
    path: str | os.PathLike[str], expected: ExpectedColumns, encoding: str, firsts: list[_First]
) -> _First | None:
    """Return the malformed first row of a file without a header, if most of the rows after it have the right width."""
    with Text(path, encoding) as text:
        data = text.read(HEAD)
        final = not text.read(1)
    for first in firsts:
        rows = list(islice(Scan(Dialect(first.delimiter, expected.comment), data, final=final), MOST_ROWS))
        if 2 * sum(row.cells is not None and len(row.cells) == len(expected.names) for row in rows) > len(rows):
            return first
    return None


def _refuse_separator_line(path: str | os.PathLike[str], firsts: list[_First]) -> None:
    for first in firsts:
        if len(first.cells) == 1 and SEPARATOR_LINE.fullmatch(first.cells[0]):
            raise OddTextError(
                f"{path}, line {first.line}: expected a row, found {shown(first.cells[0])}, a spreadsheet's "
                "declaration of the delimiter. Delete this line; the import detects the delimiter."
            )


def find_header(path: str | os.PathLike[str], *, encoding: str = "utf-8") -> Layout:
    """Return the layout of a file of unknown columns, each named by its position.

    A file without a header begins with a row of numbers. Raises ReadError if the file cannot be read.
    """
    expected = ExpectedColumns({}, frozenset())
    firsts = _first_rows(path, expected, encoding, {})
    _refuse_separator_line(path, firsts)
    best = max([first for first in firsts if not first.problem] or firsts, key=lambda first: len(first.cells))
    if best.problem:
        raise _unfit(path, best, expected)
    columns = {str(position): position for position in range(len(best.cells))}
    if all(NUMBER.fullmatch(cell) for cell in best.cells):
        return Layout(best.delimiter, None, columns, (), len(columns), best.line)
    return Layout(best.delimiter, best.cells, columns, (), len(columns), best.next_line)


def numbered_headings(cells: Sequence[str]) -> list[str]:
    """Return the *cells* of a header, with names for those without a name or with that of an earlier one.

    ``column 3`` is the third column if it has no heading, and ``year (2)`` the second column with the heading year.
    """
    counts: Counter[str] = Counter()
    headings = []
    for position, cell in enumerate(cells, 1):
        counts[plain(cell)] += 1
        again = counts[plain(cell)]
        headings.append(f"column {position}" if not plain(cell) else f"{cell} ({again})" if again > 1 else cell)
    return headings


def _with_header(
    path: str | os.PathLike[str],
    first: _First,
    expected: ExpectedColumns,
    spellings: dict[str, str],
    required: frozenset[str],
) -> Layout:
    if first.problem:
        raise _unfit(path, first, expected)
    columns: dict[str, int] = {}
    unknown = []
    defused = None
    headings = numbered_headings(first.cells)
    for position, cell in enumerate(first.cells):
        column = spellings.get(plain(headings[position]), spellings.get(plain(cell)))
        if column is None and plain(cell) == MARK:
            defused = position
        elif column is None and plain(cell) in expected.passed_over:
            continue
        elif column is None:
            unknown.append(cell if plain(cell) else f"(column {position + 1}, without a name)")
        elif column in columns:
            both = f"{shown(first.cells[columns[column]])} and as {shown(cell)}"
            raise HeaderMismatchError(
                f"{path}, line {first.line}: the column {column} occurs twice, as {both}. Rename or delete one of them."
            )
        else:
            columns[column] = position
    absent = tuple(name for name in expected.names if name not in columns)
    missing = [name for name in absent if name in required]
    if missing:
        names = listed(meant(missing, unknown, expected.names))
        raise MissingColumnsError(
            f"{path}, line {first.line}: the {'column' if len(missing) == 1 else 'columns'} {names} "
            f"{'is' if len(missing) == 1 else 'are'} missing. Expected {listed(expected.names)}; "
            f"found {_listed_cells(first.cells)}. Name each column in the first row.",
            absent,
        )
    width, header = len(first.cells), first.cells
    if defused is not None:
        header, unknown = tuple(map(undefused, header)), list(map(undefused, unknown))
    return Layout(first.delimiter, header, columns, tuple(unknown), width, first.next_line, absent, defused)


def _unfit(path: str | os.PathLike[str], first: _First, expected: ExpectedColumns) -> HeaderMismatchError:
    wanted = f"a header with the columns {listed(expected.names)}"
    if expected.headerless:
        wanted += f", or {len(expected.names)} cells in that order and no header"
    if first.problem:
        return HeaderMismatchError(
            f"{path}, line {first.line}: expected {wanted}; found a row that cannot be read. {first.problem}"
        )
    count = f"{len(first.cells)} {'cell' if len(first.cells) == 1 else 'cells'}"
    return HeaderMismatchError(
        f"{path}, line {first.line}: expected {wanted}; found {count}: {_listed_cells(first.cells)}."
    )


def _listed_cells(cells: tuple[str, ...], most: int = 30) -> str:
    rest = f" and {len(cells) - most} more" if len(cells) > most else ""
    return listed(shown(cell) for cell in cells[:most]) + rest
