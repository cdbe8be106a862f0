"""What became of records in a run, one by one, for its page: out of the tables, or of what a preview has kept.

A preview is rolled back, so what it would change is kept on disk beside the uploads.
Kept corrections and missing records are kept so of every run, for no table tells them afterwards.
"""

import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection

from datasets import exact_json
from datasets.models import ContentRecord
from datasets.records.personal_data import personal_names
from datasets.sql.chunks import chunks, values_by_key
from datasets.sql.dialect import quoted
from datasets.sql.row_json import as_json, equal_but_for
from imports.models import Change, ImportRun, SourceFile
from imports.run_diff_file import EntriesWriter, KeptEntries
from imports.sources import Detail, LookUp, Reference, Source, sources_of

KINDS = ("changed", "new", "missing", "kept")
AT_ONCE = 2000


def folder_of(run: ImportRun) -> Path:
    """Return where the run's outcome is kept."""
    return Path(settings.MEDIA_ROOT, "imports", "outcomes", str(run.pk))


def keep(run: ImportRun, merges: list, missing: Iterable[dict], *, whole: bool) -> None:
    """Keep what *merges* did, before they are rolled back or committed; without *whole*, what tables will not tell.

    Of previews at the command line, which nobody can apply, only the last of each dataset is kept.
    """
    forget(run)
    if whole and run.task_id is None:
        for old in ImportRun.objects.filter(dataset=run.dataset, status=ImportRun.Status.PREVIEWED, task_id=None):
            forget(old)
    personal = {source.name: _personal_columns(source) for source in sources_of(run.dataset)}
    with ExitStack() as books:

        def write(kind: str, entries: Iterable[dict]) -> None:
            if (first := next(entries := iter(entries), None)) is not None:
                writer = books.enter_context(EntriesWriter(folder_of(run), kind))
                for entry in chain([first], entries):
                    writer.add(entry, seen=not _is_unseen(entry, personal))

        write("missing", missing)
        write("kept", (entry for merge in merges for entry in _kept(merge)))
        if whole:
            folder_of(run).mkdir(parents=True, exist_ok=True)  # even if nothing would change
            names = _names(run)
            write(
                "changed", (e for merge in merges for e in _changed(merge.source, _changes(run, merge.source), names))
            )
            write("new", (entry for merge in merges for entry in _new(merge.source, names)))
            (folder_of(run) / "whole").touch()


def forget(run: ImportRun) -> None:
    """Drop what was kept of the run."""
    shutil.rmtree(folder_of(run), ignore_errors=True)


def entries(run: ImportRun, kind: str, unseen: Collection[str] = ()) -> "KeptEntries | Stored | None":
    """Return the records of one kind, to be counted and sliced; None where nobody has kept them.

    *unseen* has the names of sources whose personal data the reader may not see: records that differ in nothing else
    are left out.
    """
    if kind in ("missing", "kept"):
        return KeptEntries(folder_of(run), kind, seen=bool(unseen))
    if run.status in (ImportRun.Status.APPLIED, ImportRun.Status.UNDONE):
        return Stored(run, kind, unseen)
    return KeptEntries(folder_of(run), kind, seen=bool(unseen)) if (folder_of(run) / "whole").exists() else None


def with_rows(run: ImportRun, missing: list[dict]) -> list[dict]:
    """Return entries of *missing* records, each with all that the record holds, or held when the run deleted it."""
    told = [dict(entry) for entry in missing]
    for source in sources_of(run.dataset):
        mine = [entry for entry in told if entry["source"] == source.name and "pk" in entry]
        rows = _rows(run, source, [entry["pk"] for entry in mine])
        values = dict(zip(rows, _told(source, list(rows.values())), strict=True))
        unknown = dict.fromkeys(next(iter(values.values()), ()))  # it has gone since
        for entry in mine:
            if row := values.get(str(entry["pk"]), unknown):
                entry["row"] = row
    return told


def _rows(run: ImportRun, source: Source, keys: list) -> dict[str, dict]:
    """Return the rows of records by their keys: those that the run deleted as they were, others as they are."""
    if not keys:
        return {}
    gone = Change.objects.filter(table=source.name, record__in=map(str, keys), run=run, kind=Change.Kind.DELETED)
    rows = dict(gone.values_list("record", "before"))
    pk, marks = source.model._meta.pk.column, ", ".join(["%s"] * len(keys))
    row = f"CAST({as_json(source.model, 'r')} AS text)"
    query = f"SELECT {row} FROM {quoted(source.name)} r WHERE r.{quoted(pk)} IN ({marks})"
    there = {str(found[pk]): found for part in _fetched(query, keys) for found in part}
    return there | rows


class Stored:
    """Entries that the tables tell: what a run that was applied has changed or created."""

    def __init__(self, run: ImportRun, kind: str, unseen: Collection[str] = ()):
        self.run, self.kind, self.sources = run, kind, sources_of(run.dataset)
        self.changes = _changes(run)
        for source in self.sources:
            if source.name in unseen:
                self.changes = self.changes.extra(where=[_differs_in_seen(source)])  # noqa: S610 - of our own names

    def __len__(self) -> int:
        if self.kind == "changed":
            return self.changes.count()
        return sum(self._created(source) for source in self.sources)

    def __getitem__(self, part: slice) -> list[dict]:
        start, stop, _ = part.indices(len(self))
        names = _names(self.run)
        if self.kind == "changed":
            changes = list(self.changes[start:stop])
            by_table = {source.name: source for source in self.sources}
            told = {
                entry["change"]: entry
                for table in {change.table for change in changes}
                for entry in _changed(by_table[table], [c for c in changes if c.table == table], names)
            }
            return [told[change.pk] for change in changes]
        found: list[dict] = []
        wanted = stop - start
        for source in self.sources:
            if len(found) >= wanted:
                break
            found += _new(source, names, f" LIMIT {wanted - len(found)} OFFSET {start}")
            start = max(0, start - self._created(source))
        return found

    def _created(self, source: Source) -> int:
        files = self.run.files.filter(source=source.name).values("pk")
        return source.model._default_manager.filter(created_in__in=files).count()


# What each kind of entry says; a row is told by the names of the source's columns, its references by what they name.


def _names(run: ImportRun) -> dict[int, SourceFile]:
    return {file.pk: file for file in run.files.all()}


def _personal_columns(source: Source) -> set[str]:
    personal = personal_names(source.model)
    return {name for name, column in source.bound.items() if column.field.name in personal}


def _is_unseen(entry: dict, personal: dict[str, set[str]]) -> bool:
    """Tell whether an entry of a changed or kept record differs in personal data alone."""
    differing = {cell["column"] for cell in entry.get("cells", ()) if cell["differs"]}
    return bool(differing) and differing <= personal[entry["source"]]


def _differs_in_seen(source: Source) -> str:
    """Return the condition on changes that is true unless one of *source* differs in personal data alone."""
    columns = [source.model._meta.get_field(name).column for name in sorted(personal_names(source.model))]
    equal = equal_but_for("changes.before", "changes.after", [*columns, "changed_in_id", "changed_line", "corrections"])
    return f"NOT (changes.{quoted('table')} = '{source.name}' AND {equal})"


def _changes(run: ImportRun, source: Source | None = None):
    changes = Change.objects.filter(run=run, kind=Change.Kind.UPDATED).order_by("pk")
    return changes.filter(table=source.name).iterator(AT_ONCE) if source else changes


def _changed(source: Source, changes: Iterable[Change], names: dict[int, SourceFile]) -> Iterator[dict]:
    changes = iter(changes)
    while chunk := list(islice(changes, AT_ONCE)):
        before, after = (_told(source, [getattr(c, side) for c in chunk]) for side in ("before", "after"))
        for change, old, new in zip(chunk, before, after, strict=True):
            cells = [{"column": n, "old": old[n], "new": new[n], "differs": old[n] != new[n]} for n in new]
            yield _head(source, change.record, names, change.after, "changed") | {"change": change.pk, "cells": cells}


def _new(source: Source, names: dict[int, SourceFile], part: str = "") -> Iterator[dict]:
    runs = {file.run_id for file in names.values() if file.source == source.name}
    if not runs:
        return
    files = f"SELECT id FROM source_files WHERE run_id = {runs.pop()} AND source = '{source.name}'"
    table, pk = quoted(source.name), source.model._meta.pk.column
    # In the order of keys, which is the order of lines where keys were given on the way, and needs no sorting.
    mine = f"SELECT {quoted(pk)} FROM {table} WHERE created_in_id IN ({files}) ORDER BY {quoted(pk)}{part}"
    row = f"CAST({as_json(source.model, 'r')} AS text)"
    query = f"SELECT {row} FROM {table} r WHERE r.{quoted(pk)} IN ({mine}) ORDER BY r.{quoted(pk)}"
    for rows in _fetched(query):
        for row, values in zip(rows, _told(source, rows), strict=True):
            yield _head(source, row[pk], names, row, "created") | {"row": values}


def _kept(merge) -> Iterator[dict]:
    """Yield the records where a correction or a deletion by hand stands against what the files say."""
    source, load = merge.source, merge.load
    if load.direct:
        return
    files = {file.pk: file for file in load.files}
    yield from merge.kept_back(files)
    for row in _corrected(merge):
        remembered = row["corrections"]
        ours, theirs = _told(source, [row, row | remembered])
        cells = [{"column": n, "old": ours[n], "new": theirs[n], "differs": True} for n in ours if ours[n] != theirs[n]]
        if cells:
            key = row[source.model._meta.pk.column]
            yield _head(source, key, files, row, "changed") | {"why": "corrected", "cells": cells}
    deletions = Change.objects.filter(table=source.name, standing=True)
    if source.key:
        found = merge.done.deletions
    elif identities := set(merge.staged.known.deleted_and_seen()):
        found = [pk for pk, digits in deletions.values_list("pk", "before__identity") if digits in identities]
    else:
        return
    for deletion in (one for some in chunks(sorted(found)) for one in deletions.filter(pk__in=some).order_by("pk")):
        (values,) = _told(source, [deletion.before])
        head = _head(source, deletion.record, files, deletion.before, "changed")
        yield head | {"why": "deleted", "row": values}


def _corrected(merge) -> Iterator[dict]:
    """Yield the rows of records that hold a correction and that the files have."""
    source, table = merge.source, quoted(merge.source.name)
    row = f"CAST({as_json(source.model, 'r')} AS text)"
    if not issubclass(source.model, ContentRecord):
        against = f" AND {merge.updates.against()}" if merge.load.parts else ""
        there = f"EXISTS (SELECT 1 FROM {merge.rows.resolved()} s WHERE {merge.rows.same}{against})"
        for rows in _fetched(f"SELECT {row} FROM {table} r WHERE r.corrections IS NOT NULL AND {there}"):
            yield from rows
        return
    condition = f"r.corrections IS NOT NULL AND r.changed_in_id IN ({merge.load.known_files_query})"
    for rows in _fetched(f"SELECT {row} FROM {table} r WHERE {condition}"):
        octets = b"".join(bytes.fromhex(found["identity"]) for found in rows)
        seen = merge.staged.known.was_seen(np.frombuffer(octets, "<u8").reshape(-1, 2).T)
        yield from (found for found, was in zip(rows, seen, strict=True) if was)


def _fetched(query: str, parameters: Iterable = ()) -> Iterator[list[dict]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(query, list(parameters) or None)
        while rows := cursor.fetchmany(AT_ONCE):
            yield [exact_json.loads(row) for (row,) in rows]


def _head(source: Source, record: Any, files: dict[int, SourceFile], row: dict, verb: str) -> dict:
    file = files.get(row[f"{verb}_in_id"])
    return {
        "source": source.name,
        "record": str(record),
        "file": file.name if file else None,
        "line": row[f"{verb}_line"] if file else None,
    }


def _told(source: Source, rows: list[dict]) -> list[dict]:
    """Return *rows* by the source's columns, with what they refer to named as files name it."""
    columns = {name: column for name, column in source.bound.items() if not isinstance(column, Detail)}
    told = [{} for _ in rows]
    for name, column in columns.items():
        stored = column.field.name if column.field.many_to_many else column.stored_as
        values = [row.get(stored) for row in rows]
        if isinstance(column, LookUp | Reference):
            by = column.by_field.name if isinstance(column, Reference) else "name"
            keys = {key for value in values for key in (value if isinstance(value, list) else [value])} - {None}
            named = values_by_key(column.model._default_manager.all(), keys, by)
            values = [[named.get(k, k) for k in v] if isinstance(v, list) else named.get(v, v) for v in values]
        for one, value in zip(told, values, strict=True):
            one[name] = value
    return told
