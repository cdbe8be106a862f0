"""Rejected rows on their way from the checker to the database, kept out of memory and out of the transaction."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from datasets.checking import Rejection, problem
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
        self.late: Counter[int] = Counter()  # how many the tables did
        self.unknown: dict[str, set] = {}  # by column, what was looked for in the tables and is not there
        self._checked = Spool()
        self._late = Spool()

    def add(self, file: SourceFile, rejections: Iterable[Rejection]) -> None:
        for rejection in rejections:
            self.checked[file.pk] += 1
            identity = rejection.identity.hex() if rejection.identity else None
            self._checked.add([file.pk, asdict(rejection) | {"identity": identity}])

    def turn_down(self, file: int, line: int, problems: list[dict]) -> None:
        """Add a row that is staged; its values are read from its file when they are wanted."""
        self.late[file] += 1
        self._late.add([file, line, problems])

    def count(self, file: SourceFile) -> int:
        return self.checked[file.pk] + self.late[file.pk]

    def by_checker(self) -> Iterator[tuple[int, Rejection]]:
        """Yield what the checker turned down, with what the tables had to add, by file."""
        for file, entry in self._checked:
            entry["identity"] = bytes.fromhex(entry["identity"]) if entry["identity"] else None
            rejection = Rejection(**entry)
            for name, values in rejection.references.items():
                unknown = [value for value in values if value in self.unknown.get(name, ())]
                rejection.problems += [unknown_reference(self.source.bound[name], str(value)) for value in unknown]
            yield file, rejection

    def by_tables(self) -> Iterator[tuple[int, int, list[dict]]]:
        """Yield file, line and problems of the rows that only the tables could turn down."""
        yield from self._late


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
    rows = (RejectedRow(file_id=f, line=r.line, values=r.values, problems=r.problems) for f, r in rejections)
    while chunk := [row for row, _ in zip(rows, range(1000), strict=False)]:
        RejectedRow.objects.bulk_create(chunk)
