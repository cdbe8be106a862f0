"""Keep rejected rows on disk between their validation and their storage in the database."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

from django.conf import settings

from imports.engine.rejected_row_size import bounded
from imports.engine.row_states import RowStates
from imports.engine.spool import Spool
from imports.models import Problem, RejectedRow, SourceFile
from imports.resolved_rows import RowState
from imports.row_problems import Rejection, problem
from imports.sources import Column, Reference, Source

FileEntry = TypeVar("FileEntry", bound=tuple[Any, ...])
FIRST = 10_000  # rejected rows to keep if most rows of a file are rejected


def is_reached(rejected: int, read: int) -> bool:
    """Return whether more than FIRST rows and more than REJECTED_PERCENT of the rows read were rejected."""
    return rejected > FIRST and rejected * 100 > settings.REJECTED_PERCENT * read


class Rejections:
    """The rejected rows of one source with their values, in file order."""

    def __init__(self, source: Source, known: RowStates):
        self.source, self.known = source, known
        self.states: defaultdict[int, Counter[str]] = defaultdict(Counter)  # number of rows by file and state
        self.read: Counter[int] = Counter()  # number of open rows, with the parts of an export counted together
        self._rows = Spool[list[Any]]()

    def add(self, file: SourceFile, rejections: Collection[Rejection], read: int = 0) -> bool:
        """Add rejections, and return whether to stop reading the file, of which *read* rows have been read so far.

        From then on, only the first rejections are kept, and the others are counted.
        """
        before, identified = self.read[file.pk], self.known.identified(file, rejections)
        self.read[file.pk] += len(rejections)
        if self.known.any_resolved:
            identified = iter(rows := list(identified))
            self.read[file.pk] -= sum(rejection.state != RowState.OPEN for rejection in rows)
        stopped = bool(read) and is_reached(self.read[file.pk], read)
        kept = max(0, FIRST - before) if stopped else len(rejections)
        for rejection in islice(identified, kept):
            rejection = bounded(rejection)
            of = rejection.file or file.pk
            self.states[of][rejection.state] += 1
            identity = rejection.identity.hex() if rejection.identity else None
            self._rows.add([of, vars(rejection) | {"identity": identity}])
        self.states[file.pk][RowState.OPEN] += max(0, len(rejections) - kept)
        return stopped

    def count(self, file: SourceFile) -> int:
        """Return the number of rejected rows of *file* in all states."""
        return self.states[file.pk].total()

    def count_open(self, file: SourceFile) -> int:
        return self.states[file.pk][RowState.OPEN]

    def with_unknown(self, unknown: Mapping[str, set[Any]]) -> Iterator[tuple[int, Rejection]]:
        """Yield each rejection with its file. *unknown* has the references to records that do not exist, by column."""
        for file, entry in self._rows:
            entry["identity"] = bytes.fromhex(entry["identity"]) if entry["identity"] else None
            rejection = Rejection(**entry)
            for name, values in rejection.references.items():
                missing = [value for value in values if value in unknown.get(name, ())]
                rejection.problems += [unknown_reference(self.source.references[name], str(value)) for value in missing]
            yield file, rejection

    def __iter__(self) -> Iterator[tuple[int, Rejection]]:
        return self.with_unknown({})


class LateRejections:
    """Rows that were rejected after staging. Their values are read from the files again when needed."""

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()  # by file
        self._rows = Spool[list[Any]]()

    def add(self, file: int, line: int, problems: list[Problem]) -> None:
        self.counts[file] += 1
        self._rows.add([file, line, problems])

    def __iter__(self) -> Iterator[tuple[int, int, list[Problem]]]:
        """Yield the file, the line and the problems of each row."""
        return ((file, line, problems) for file, line, problems in self._rows)


def first_of_each_file(entries: Iterable[FileEntry]) -> Iterator[FileEntry]:
    """Yield the FIRST entries of each file. The first item of an entry is its file."""
    seen: Counter[int] = Counter()
    for entry in entries:
        seen[entry[0]] += 1
        if seen[entry[0]] <= FIRST:
            yield entry


def unknown_reference(column: Reference, value: str) -> Problem:
    """Return the problem of a cell that refers to an unknown record."""
    table = column.model._meta
    message = f"refers to an unknown {table.verbose_name} (looked up in {table.db_table}.{column.by_column})"
    return problem(column.name, value, message)


def absent_column(column: Column) -> Problem:
    """Return the problem of a row that would create a record if its file lacks a required column."""
    expected = f"expected {column.kind.expected}"
    return problem(column.name, None, f"is missing: the file lacks the column, and the record is new; {expected}")


def store(rejections: Iterable[tuple[int, Rejection]]) -> None:
    """Save the rejected rows of the files."""
    rows = (
        RejectedRow(
            file_id=file,
            line=rejection.line,
            values=rejection.values,
            problems=rejection.problems,
            identity=bytes.fromhex(rejection.row_identity),
            state=rejection.state,
        )
        for file, rejection in ((file, bounded(rejection)) for file, rejection in rejections)
    )
    while chunk := list(islice(rows, 1000)):
        RejectedRow.objects.bulk_create(chunk)
