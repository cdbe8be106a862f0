"""The diff of each record in a run: read from the tables if applied, or from stored entries if previewed.

A preview is rolled back, so its changes are stored on disk beside the uploads. Kept corrections and missing records are
stored on disk for every run, because no table contains them.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path
from typing import Any

from django.db.models import QuerySet

from datasets.models import ContentRecord
from datasets.records.masking import personal_names
from datasets.sql.chunks import chunks
from datasets.sql.dialect import pk_column, quoted
from datasets.sql.row_json import as_json
from imports import fingerprints
from imports.engine.changed_columns import differs_in, differs_in_seen
from imports.engine.chosen_pairs import chosen_records
from imports.engine.created_records import count_present, deleted_since, present
from imports.engine.merge import Merge
from imports.engine.readable_rows import AT_ONCE, Row, fetched, readable_rows
from imports.file_storage import FOLDERS, delete_folders, fetched_folder, kept_at, store_folder
from imports.models import Change, ImportRun, SourceFile
from imports.run_diff_file import MOST_FOUND, Cell, EntriesWriter, Entry, KeptEntries, PairEntry, Place
from imports.sources import Source, sources_of

KINDS = ("changed", "new", "missing", "kept")


def folder_of(run: ImportRun) -> Path:
    """Return the folder of the run's stored entries. Each preview of a run has another one."""
    return fetched_folder(_folder_name(run))


def keep(run: ImportRun, merges: list[Merge], missing: Iterable[Entry], *, whole: bool) -> None:
    """Store the changes of *merges* before they are committed or rolled back.

    Without *whole*, store only entries that no table contains. Previews on the command line cannot be applied, so only
    the latest one of each dataset is stored.
    """
    forget(run)
    if whole and run.task_id is None:
        for old in ImportRun.objects.filter(dataset=run.dataset, status=ImportRun.Status.PREVIEWED, task_id=None):
            forget(old)
    folder = kept_at(FOLDERS) / _folder_name(run)
    personal = {source.name: personal_columns(source) for source in sources_of(run.dataset)}
    keyless = {source.name for source in sources_of(run.dataset) if not source.key}
    with ExitStack() as books:

        def write(kind: str, entries: Iterable[Entry]) -> None:
            if (first := next(entries := iter(entries), None)) is not None:
                writer = books.enter_context(EntriesWriter(folder, kind))
                for entry in chain([first], entries):
                    findable = "pair" in entry or (kind in ("new", "missing") and entry["source"] in keyless)
                    writer.add(entry, seen=not is_unseen(entry, personal), findable=findable)

        write("missing", missing)
        write("kept", (entry for merge in merges for entry in _kept(merge)))
        if whole:
            folder.mkdir(parents=True, exist_ok=True)  # even if nothing changes
            names = _names(run)
            changes = ((merge.source, _changes(run).filter(table=merge.source.name)) for merge in merges)
            parts = (_changed(run, source, part.iterator(AT_ONCE), names) for source, part in changes)
            write("changed", chain.from_iterable(parts))
            write("new", (entry for merge in merges for entry in _new(run, merge.source, names)))
            (folder / "whole").touch()
    store_folder(folder)


def forget(run: ImportRun) -> None:
    """Delete the run's stored entries."""
    delete_folders(f"{run.pk}-")


def _folder_name(run: ImportRun) -> str:
    return f"{run.pk}-{run.begun_at.timestamp() if run.begun_at else 0:.6f}"


def entries(
    run: ImportRun, kind: str, unseen: Collection[str] = (), differing: Place | None = None
) -> "KeptEntries | StoredEntries | None":
    """Return the entries of one kind, which can be counted and sliced, or None if they were not stored.

    *unseen* are the sources whose personal data is hidden from the user. Their records that differ only in personal
    data are left out. With *differing*, only the changed or kept records that differ in that column are left.
    """
    kept = KeptEntries(folder_of(run), kind, seen=bool(unseen), differing=differing)
    if kind in ("missing", "kept"):
        return kept
    if run.status in (ImportRun.Status.APPLIED, ImportRun.Status.UNDONE):
        return StoredEntries(run, kind, unseen, differing)
    return kept if (folder_of(run) / "whole").exists() else None


def with_rows(run: ImportRun, missing: list[Entry]) -> list[Entry]:
    """Return the entries of *missing* records with all values of each record, now or when the run deleted it."""
    result = [entry.copy() for entry in missing]
    for source in sources_of(run.dataset):
        of_source = [entry for entry in result if entry["source"] == source.name and "pk" in entry]
        rows = _rows(run, source, [entry["pk"] for entry in of_source])
        values = dict(zip(rows, readable_rows(source, list(rows.values())), strict=True))
        unknown = dict.fromkeys(next(iter(values.values()), ()))  # for a record that has been deleted since
        for entry in of_source:
            if row := values.get(str(entry["pk"]), unknown):
                entry["row"] = row
    return result


def _rows(run: ImportRun, source: Source, keys: list[Any]) -> dict[str, Row]:
    """Return the rows of records by key: the current rows, or the rows that the run deleted."""
    if not keys:
        return {}
    deletions = Change.objects.filter(table=source.name, record__in=map(str, keys), run=run, kind=Change.Kind.DELETED)
    deleted: dict[str, Row] = {record: row for record, row in deletions.values_list("record", "before") if row}
    pk, marks = pk_column(source.model), ", ".join(["%s"] * len(keys))
    row = f"CAST({as_json(source.model, 'r')} AS text)"
    query = f"SELECT {row} FROM {quoted(source.name)} r WHERE r.{quoted(pk)} IN ({marks})"
    stored = {str(row[pk]): row for rows in fetched(query, keys) for row in rows}
    return stored | deleted


class StoredEntries:
    """Entries read from the tables: the changed or created records of an applied run."""

    def __init__(self, run: ImportRun, kind: str, unseen: Collection[str] = (), differing: Place | None = None):
        self.run, self.kind, self.sources = run, kind, sources_of(run.dataset)
        self.changes = _changes(run)
        for source in self.sources:
            if differing and source.name == differing[0]:
                self.changes = self.changes.filter(table=source.name).extra(where=[differs_in(source, differing[1])])  # noqa: S610 - of our own names
        for source in self.sources:
            if source.name in unseen:
                self.changes = self.changes.extra(where=[differs_in_seen(source)])  # noqa: S610 - of our own names

    def __len__(self) -> int:
        if self.kind == "changed":
            return self.changes.count()
        return sum(count for count, *_ in self._created())

    def __getitem__(self, part: slice) -> list[Entry]:
        start, stop, _ = part.indices(len(self))
        if self.kind == "changed":
            return self._entries_of(list(self.changes[start:stop]))
        created, names = list[Entry](), _names(self.run)
        wanted = stop - start
        for count, source, query in self._created():
            if start < count and len(created) < wanted:
                limit = f" LIMIT {wanted - len(created)} OFFSET {start}"
                created += _entries_of_new(source, names, query(self.run, source, limit))
            start = max(0, start - count)
        return created

    def _entries_of(self, changes: list[Change]) -> list[Entry]:
        by_table = {source.name: source for source in self.sources}
        names = _names(self.run)
        by_change = {
            entry["change"]: entry
            for table in {change.table for change in changes}
            for entry in _changed(self.run, by_table[table], [c for c in changes if c.table == table], names)
        }
        return [by_change[change.pk] for change in changes]

    def of_record(self, record: str) -> list[Entry]:
        """Return the entries of the records of all sources with this key, if they were changed."""
        if self.kind != "changed":
            return []
        changes = self.changes.filter(table__in=[source.name for source in self.sources], record=record)
        return self._entries_of(list(changes[:MOST_FOUND]))

    def _created(self) -> Iterator[tuple[int, Source, Callable[..., str]]]:
        """Yield the number of created records of each source that exist, and of those deleted since, with queries."""
        for source in self.sources:
            files = list(self.run.files.filter(source=source.name))
            existing = count_present(self.run, source, files)
            yield existing, source, present
            yield max(0, sum(f.created for f in files) - existing), source, deleted_since


# The entries of each kind. Rows use the names of the source's columns, and references have the values used in files.


def _names(run: ImportRun) -> dict[int, SourceFile]:
    return {file.pk: file for file in run.files.all()}


def personal_columns(source: Source) -> set[str]:
    personal = personal_names(source.model)
    return {name for name, column in source.bound.items() if column.field.name in personal}


def is_unseen(entry: Entry, personal: dict[str, set[str]]) -> bool:
    """Return whether the entry of a changed or kept record differs only in personal data."""
    differing = {cell["column"] for cell in entry.get("cells", ()) if cell["differs"]}
    return bool(differing) and differing <= personal[entry["source"]]


def _changes(run: ImportRun) -> QuerySet[Change]:
    return Change.objects.filter(run=run, kind=Change.Kind.UPDATED).order_by("pk")


def _changed(
    run: ImportRun, source: Source, changes: Iterable[Change], names: dict[int, SourceFile]
) -> Iterator[Entry]:
    changes, chosen = iter(changes), chosen_records(run, source.name)
    while chunk := list(islice(changes, AT_ONCE)):
        before, after = (readable_rows(source, [getattr(c, side) for c in chunk]) for side in ("before", "after"))
        for change, old, new in zip(chunk, before, after, strict=True):
            head = _head(source, change.record, names, change.after, "changed")
            cells = [Cell(column=n, old=old[n], new=new[n], differs=old[n] != new[n]) for n in new]
            entry: Entry = {**head, "change": change.pk, "cells": cells}
            yield entry if source.key else {**entry, **_pair(change.record, change.likeness, chosen)}


def _pair(record: str, likeness: float | None, chosen: Collection[str]) -> PairEntry:
    """Return the part of an entry about the pair of a row and a record."""
    return {"pair": "chosen" if record in chosen else "paired", "likeness": likeness}


def _new(run: ImportRun, source: Source, names: dict[int, SourceFile]) -> Iterator[Entry]:
    return _entries_of_new(source, names, present(run, source))


def _entries_of_new(source: Source, names: dict[int, SourceFile], query: str) -> Iterator[Entry]:
    pk = pk_column(source.model)
    for rows in fetched(query):
        for row, values in zip(rows, readable_rows(source, rows), strict=True):
            yield {**_head(source, row[pk], names, row, "created"), "row": values}


def _kept(merge: Merge) -> Iterator[Entry]:
    """Yield the records whose correction or deletion by a curator was kept although the files differ."""
    source, load = merge.source, merge.load
    if load.direct:
        return
    files = {file.pk: file for file in load.files}
    yield from merge.withheld(files)
    # Pairs that changed no value, because the row differs only in corrected columns.
    only_kept = Change.objects.filter(run=load.run, table=source.name, kind=Change.Kind.KEPT, likeness__isnull=False)
    paired = dict(only_kept.values_list("record", "likeness")) if merge.paired.pairs else {}
    chosen = chosen_records(load.run, source.name)
    for row in _corrected(merge):
        remembered = row["corrections"]
        kept, filed = readable_rows(source, [row, row | remembered])
        cells = [Cell(column=n, old=kept[n], new=filed[n], differs=True) for n in kept if kept[n] != filed[n]]
        if cells:
            head = _head(source, row[pk_column(source.model)], files, row, "changed")
            entry: Entry = {**head, "why": "corrected", "cells": cells}
            likeness = paired.get(head["record"])
            yield entry if likeness is None else {**entry, **_pair(head["record"], likeness, chosen)}
    deletions = Change.objects.filter(table=source.name, is_tombstone=True)
    if source.key:
        matching = merge.done.deletions
    elif identities := set(merge.staged.known.deleted_and_seen()):
        matching = [pk for pk, digits in deletions.values_list("pk", "before__identity") if digits in identities]
    else:
        return
    for deletion in (d for chunk in chunks(sorted(matching)) for d in deletions.filter(pk__in=chunk).order_by("pk")):
        (values,) = readable_rows(source, [deletion.before])
        head = _head(source, deletion.record, files, deletion.before, "changed")
        yield {**head, "why": "deleted", "row": values}


def _corrected(merge: Merge) -> Iterator[Row]:
    """Yield the rows of corrected records that the files contain."""
    source, table = merge.source, quoted(merge.source.name)
    row = f"CAST({as_json(source.model, 'r')} AS text)"
    if not issubclass(source.model, ContentRecord):
        against = f" AND {merge.updates.against()}" if merge.updates and merge.load.parts else ""
        in_files = f"EXISTS (SELECT 1 FROM {merge.rows.resolved()} s WHERE {merge.rows.same}{against})"
        for rows in fetched(f"SELECT {row} FROM {table} r WHERE r.corrections IS NOT NULL AND {in_files}"):
            yield from rows
        return
    for rows in fetched(f"SELECT {row} FROM {table} r WHERE {merge.load.corrected_sql}"):
        seen = merge.staged.known.was_seen(fingerprints.lanes_of(bytes.fromhex(row["identity"]) for row in rows))
        yield from (row for row, was_seen in zip(rows, seen, strict=True) if was_seen)
    if merge.paired.pairs:
        pairs = f"SELECT pk FROM {quoted(merge.load.stage.pairs)}"
        pk = quoted(pk_column(source.model))
        for rows in fetched(f"SELECT {row} FROM {table} r WHERE r.corrections IS NOT NULL AND r.{pk} IN ({pairs})"):
            yield from rows


def _head(source: Source, record: Any, files: dict[int, SourceFile], row: Row, verb: str) -> Entry:
    file = files.get(row[f"{verb}_in_id"])
    return {
        "source": source.name,
        "record": str(record),
        "file": file.name if file else None,
        "line": row[f"{verb}_line"] if file else None,
    }
