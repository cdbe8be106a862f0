"""Rejected rows on their way from the checker to the database, kept out of memory and out of the transaction."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from datasets.checking import Rejection, problem
from datasets.loading.spool import Spool
from datasets.models import RejectedRow, SourceFile
from datasets.sources import Reference, Source


class Rejections:
    """The rows of one source that its checker turned down, in the order of the files."""

    def __init__(self, source: Source):
        self.source = source
        self.counts: Counter[int] = Counter()  # by file
        self.unknown: dict[str, set] = {}  # by column, what was looked for in the tables and is not there
        self._spool = Spool()

    def __len__(self) -> int:
        return len(self._spool)

    def add(self, file: SourceFile, rejections: Iterable[Rejection]) -> None:
        for rejection in rejections:
            self.counts[file.pk] += 1
            identity = rejection.identity.hex() if rejection.identity else None
            self._spool.add([file.pk, asdict(rejection) | {"identity": identity}])

    def __iter__(self) -> Iterator[tuple[int, Rejection]]:
        for file, entry in self._spool:
            entry["identity"] = bytes.fromhex(entry["identity"]) if entry["identity"] else None
            rejection = Rejection(**entry)
            for name, value in rejection.references.items():
                if value in self.unknown.get(name, ()):
                    rejection.problems.append(unknown_reference(self.source.bound[name], value))
            yield file, rejection


def unknown_reference(column: Reference, value) -> dict:
    """Return the problem of a cell that names no record."""
    table = column.model._meta
    message = f"names no {table.verbose_name} that is known (looked for in {table.db_table}.{column.by_field.column})"
    return problem(column.name, value, message)


def store(rejections: Iterable[tuple[int, Rejection]]) -> None:
    """Write rejected rows beside the files that they came from."""
    rows = (RejectedRow(file_id=f, line=r.line, values=r.values, problems=r.problems) for f, r in rejections)
    while chunk := [row for row, _ in zip(rows, range(1000), strict=False)]:
        RejectedRow.objects.bulk_create(chunk)
