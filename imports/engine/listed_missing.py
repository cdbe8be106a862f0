"""Count the missing records of a run, and list the first of each source."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from django.db import connection

from datasets.sql.dialect import pk_column, quoted
from imports.engine.source_load import SourceLoad
from imports.engine.spool import Spool
from imports.run_diff_file import Entry
from imports.sources import Column

LISTED = 10_000  # missing records of each source in reports and on pages


@dataclass
class MissingRecords:
    """The number of missing records of a run, and the first of each source, first those with corrections."""

    count: int = 0
    count_corrected: int = 0
    corrected: Spool[Entry] = field(default_factory=Spool[Entry])
    others: Spool[Entry] = field(default_factory=Spool[Entry])
    notes: list[str] = field(default_factory=list)  # about sources of which not every missing record is listed

    def __iter__(self) -> Iterator[Entry]:
        return chain(self.corrected, self.others)


def count_missing(load: SourceLoad, missing: MissingRecords) -> int:
    """Add the missing records in the stage to *missing*, and set the numbers of each file. Return their sum."""
    if not load.stage.has(load.stage.missing):
        return 0
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT name, count(*), sum(corrected) FROM {quoted(load.stage.missing)} GROUP BY name")
        counts = {name: numbers for name, *numbers in cursor.fetchall()}
    if counts:
        for entry in _listed(load):
            (missing.corrected if "corrected" in entry else missing.others).add(entry)
    for file in load.files:
        file.missing, file.missing_corrected = counts.pop(file.name, (0, 0))  # of the first of files with one name
    count = sum(file.missing for file in load.files)
    missing.count += count
    missing.count_corrected += sum(file.missing_corrected for file in load.files)
    if count > LISTED:
        missing.notes.append(
            f"{count:,} records of {load.source.name} are missing from the files. The first {LISTED:,} are listed."
        )
    return count


def _listed(load: SourceLoad) -> Iterator[Entry]:
    pk_name = pk_column(load.source.model)
    known_by = [column.stored_as for column in load.source.key_columns] or [pk_name]
    # The primary key of a record without a key is meaningless to users, so its values are listed instead.
    values = [] if load.source.key else [c.stored_as for c in load.source.bound.values() if type(c) is Column][:4]
    columns = [f"r.{quoted(name)}" for name in known_by + values]
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(['m.corrected', 'm.name', 'm.changed_line', 'm.pk', *columns])}"
            f" FROM (SELECT * FROM {quoted(load.stage.missing)}"
            f" ORDER BY corrected DESC, name, changed_line LIMIT {LISTED}) m"
            f" JOIN {quoted(load.source.name)} r ON r.{quoted(pk_name)} = m.pk"
            " ORDER BY m.name, m.changed_line"
        )
        while rows := cursor.fetchmany(2000):
            for corrected, name, line, pk, *key in rows:
                entry: Entry = {
                    "source": load.source.name,
                    "pk": pk,
                    "record": key[0] if len(known_by) == 1 else key[: len(known_by)],
                    "values": dict(zip(values, key[len(known_by) :], strict=True)),
                    "file": name,
                    "line": line,
                }
                yield {**entry, "corrected": True} if corrected else entry
