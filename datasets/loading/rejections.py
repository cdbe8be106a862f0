"""Rejected rows on their way from the checker to the database, kept out of memory and out of the transaction."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice

from datasets.checking import Rejection, problem
from datasets.loading.mostly_rejected import FIRST, is_reached
from datasets.loading.rejected_values import bounded
from datasets.loading.spool import Spool
from datasets.models import RejectedRow, SourceFile
from datasets.sources import Column, Reference, Source


class Rejections:
    """The rows of one source that cannot be used.

    Most are turned down by the checker, in the order of the files; of others only the tables can tell, when the run's
    rows are staged.
    """

    def __init__(self, source: Source):
        self.source = source
        self.checked: Counter[int] = Counter()  # how many the checker turned down, by file
        self.found: Counter[int] = Counter()  # the same by the file that is read, of which an export's files are parts
        self.late: Counter[int] = Counter()  # how many the tables did
        self.unknown: dict[str, set] = {}  # by column, what was looked for in the tables and is not there
        self.most: int | None = None  # how many of a file are stored, where the import was stopped for their number
        self._checked = Spool()
        self._late = Spool()

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

    def turn_down(self, file: int, line: int, problems: list[dict]) -> None:
        """Add a row that is staged; its values are read from its file when they are wanted."""
        self.late[file] += 1
        self._late.add([file, line, problems])

    def count(self, file: SourceFile) -> int:
        return self.checked[file.pk] + self.late[file.pk]

    def by_checker(self) -> Iterator[tuple[int, Rejection]]:
        """Yield what the checker turned down, with what the tables had to add, by file."""
        for file, entry in self._checked if self.most is None else _first(self._checked, self.most):
            entry["identity"] = bytes.fromhex(entry["identity"]) if entry["identity"] else None
            rejection = Rejection(**entry)
            for name, values in rejection.references.items():
                unknown = [value for value in values if value in self.unknown.get(name, ())]
                rejection.problems += [unknown_reference(self.source.bound[name], str(value)) for value in unknown]
            yield file, rejection

    def by_tables(self) -> Iterator[tuple[int, int, list[dict]]]:
        """Yield file, line and problems of the rows that only the tables could turn down."""
        yield from self._late if self.most is None else _first(self._late, self.most)


def _first(entries: Iterable[list], most: int) -> Iterator[list]:
    """Yield the first entries of each file, which is what an entry begins with."""
    seen: Counter[int] = Counter()
    for entry in entries:
        seen[entry[0]] += 1
        if seen[entry[0]] <= most:
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
