"""Rejected rows on their way from the checker to the database, kept out of memory and out of the transaction."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice

from django.conf import settings

from imports.engine.rejected_row_size import bounded
from imports.engine.spool import Spool
from imports.models import RejectedRow, SourceFile
from imports.sources import Column, Reference, Source
from imports.validation import Rejection, problem

FIRST = 10_000  # rejected rows of a file that are kept, where the import is stopped for their number


def is_reached(rejected: int, read: int) -> bool:
    """Tell whether more rows than FIRST were rejected, and more than the share REJECTED_PERCENT of those read."""
    return rejected > FIRST and rejected * 100 > settings.REJECTED_PERCENT * read


class Rejections:
    """The rows of one source that the checker turned down, in the order of the files."""

    def __init__(self, source: Source):
        self.source = source
        self.checked: Counter[int] = Counter()  # how many there are, by file
        self.found: Counter[int] = Counter()  # the same by the file that is read, of which an export's files are parts
        self._checked = Spool()

    def add(self, file: SourceFile, rejections: Sequence[Rejection], read: int = 0) -> bool:
        """Keep rejections; returns whether the file, of which *read* rows were read with these, is to be stopped.

        Then the first are kept, and the others counted.
        """
        before = self.found[file.pk]
        self.found[file.pk] += len(rejections)
        stopped = bool(read) and is_reached(self.found[file.pk], read)
        kept = max(0, FIRST - before) if stopped else len(rejections)
        for rejection in islice(rejections, kept):
            rejection = bounded(rejection)
            of = rejection.file or file.pk
            self.checked[of] += 1
            identity = rejection.identity.hex() if rejection.identity else None
            self._checked.add([of, asdict(rejection) | {"identity": identity}])
        self.checked[file.pk] += max(0, len(rejections) - kept)
        return stopped

    def count(self, file: SourceFile) -> int:
        return self.checked[file.pk]

    def with_unknown(self, unknown: Mapping[str, set]) -> Iterator[tuple[int, Rejection]]:
        """Yield them by file; *unknown* has, by column, what was looked for in the tables and is not there."""
        for file, entry in self._checked:
            entry["identity"] = bytes.fromhex(entry["identity"]) if entry["identity"] else None
            rejection = Rejection(**entry)
            for name, values in rejection.references.items():
                missing = [value for value in values if value in unknown.get(name, ())]
                rejection.problems += [unknown_reference(self.source.bound[name], str(value)) for value in missing]
            yield file, rejection

    def __iter__(self) -> Iterator[tuple[int, Rejection]]:
        return self.with_unknown({})


class LateRejections:
    """Staged rows that only the tables could turn down; their values are read from their files when they are wanted."""

    def __init__(self):
        self.counts: Counter[int] = Counter()  # by file
        self._rows = Spool()

    def turn_down(self, file: int, line: int, problems: list[dict]) -> None:
        self.counts[file] += 1
        self._rows.add([file, line, problems])

    def __iter__(self) -> Iterator[tuple[int, int, list[dict]]]:
        """Yield file, line and problems of each."""
        yield from self._rows


def first_of_each_file(entries: Iterable[Sequence]) -> Iterator[Sequence]:
    """Yield the FIRST entries of each file, which is what an entry begins with."""
    seen: Counter[int] = Counter()
    for entry in entries:
        seen[entry[0]] += 1
        if seen[entry[0]] <= FIRST:
            yield entry


def unknown_reference(column: Reference, value) -> dict:
    """Return the problem of a cell that names no record."""
    table = column.model._meta
    message = f"names no {table.verbose_name} that is known (looked for in {table.db_table}.{column.by_field.column})"
    return problem(column.name, value, message)


def absent_column(column: Column) -> dict:
    """Return the problem of a row that is new, whose file lacks a column that a new record needs."""
    expected = f"expected {column.kind.expected}"
    return problem(column.name, None, f"is missing: the file has no such column, and the record is new; {expected}")


def store(rejections: Iterable[tuple[int, Rejection]]) -> None:
    """Write rejected rows beside the files that they came from."""
    rows = (
        RejectedRow(file_id=file, line=rejection.line, values=rejection.values, problems=rejection.problems)
        for file, rejection in ((file, bounded(rejection)) for file, rejection in rejections)
    )
    while chunk := list(islice(rows, 1000)):
        RejectedRow.objects.bulk_create(chunk)
