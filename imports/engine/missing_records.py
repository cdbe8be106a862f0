"""Find, list and delete missing records: records from earlier versions of a file that it no longer contains."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from django.db import connection, models
from django.db.backends.utils import CursorWrapper

from datasets.sql.dialect import analyze, column_name, pk_column, quoted, sql_false
from datasets.sql.row_json import as_json
from imports.engine.export_row_matching import line_of
from imports.engine.locks import ImportRefusedError
from imports.engine.options import Options
from imports.engine.rejections import Rejections
from imports.engine.source_load import SourceLoad, Staged
from imports.models import Change, ImportRun, SourceFile
from imports.resolved_rows import RowState
from imports.row_problems import Rejection
from imports.sources import Source, sources_of

FEW = 100  # up to this number, missing records never count as most of a table


def find_missing(staged: Staged, late: Rejections) -> None:
    """Store the missing records of the source in the stage."""
    load = staged.load
    if not load.source.key and not staged.known.count_unseen():
        return
    _remember_rejected(staged, late)
    with connection.cursor() as cursor:
        columns = f"r.{quoted(pk_column(load.source.model))} AS pk, f.name, r.changed_line"
        columns += ", CASE WHEN r.corrections IS NULL THEN 0 ELSE 1 END AS corrected"
        load.stage.collect(
            load.stage.missing,
            f"SELECT {columns} FROM {quoted(load.source.name)} r JOIN source_files f ON f.id = r.changed_in_id"
            + (_not_read_again(staged, cursor) if load.source.key else _unseen(staged))
            + (_not_continued(load) if load.resubmissions else "")
            + _not_fixed(staged),
        )
        analyze(load.stage.missing, "pk")


def _not_continued(load: SourceLoad) -> str:
    """Return the SQL condition that the file f is not continued by fixed rows.

    A file that is continued was not read again.
    """
    continued = ([file.name] for file in load.files if file.pk in load.resubmissions)
    load.stage.add(load.stage.continued, ["name"], continued)
    return f" AND f.name NOT IN (SELECT name FROM {quoted(load.stage.continued)})"


def _not_fixed(staged: Staged) -> str:
    """Return the SQL condition that a record was not created from a rejected row by an earlier import of fixed rows."""
    stage, records = staged.load.stage, staged.states.met_records
    if not records:
        return ""
    pk = staged.load.source.model._meta.pk
    stage.add(stage.fixed_before, ["pk"], ([pk.to_python(record)] for record in records))
    return f" AND r.{quoted(column_name(pk))} NOT IN (SELECT pk FROM {quoted(stage.fixed_before)})"


def _not_read_again(staged: Staged, cursor: CursorWrapper) -> str:
    """Return the SQL condition that a record with a key was last seen in an earlier version of a file."""
    load = staged.load
    # If a document is rejected, it is unknown which of its records are missing.
    load.stage.add(load.stage.unusable, ["name", "line"], {(name, 0) for name, *_ in staged.unusable})
    conditions = [f"r.changed_in_id IN ({load.known_files_sql}) AND f.id < {min(load.file_ids)}"]
    if load.stage.has(load.stage.unusable):
        conditions.append(f"f.name NOT IN (SELECT name FROM {quoted(load.stage.unusable)})")
    stored = [(column.name, column.stored_as) for column in load.source.key_columns]
    for seen in filter(load.stage.has, (load.stage.table, load.stage.seen)):
        if connection.vendor == "sqlite":
            names = ", ".join(quoted(name) for name in load.stage.key)
            cursor.execute(f"CREATE INDEX IF NOT EXISTS temp.{quoted(f'{seen}_key')} ON {quoted(seen)} ({names})")
        same = " AND ".join(f"x.{quoted(staged)} = r.{quoted(column)}" for staged, column in stored)
        conditions.append(f"NOT EXISTS (SELECT 1 FROM {quoted(seen)} x WHERE {same})")
    return f" WHERE {' AND '.join(conditions)}"


def _unseen(staged: Staged) -> str:
    """Return the SQL condition that no valid or rejected row had the identity of a record without a key."""
    load, stage, known, join = staged.load, staged.load.stage, staged.known, ""
    if 2 * known.count_unseen() > len(known):  # few have been seen
        stage.add_identities(stage.met, known.identities(seen=True))
        met = f"SELECT 1 FROM {quoted(stage.met)} m WHERE m.identity = r.identity"
        conditions = [f"r.changed_in_id IN ({load.known_files_sql}) AND NOT EXISTS ({met})"]
    else:
        stage.add_identities(stage.unseen, known.identities(seen=False))
        join, conditions = f" JOIN {quoted(stage.unseen)} u ON u.identity = r.identity", ["1 = 1"]
    if stage.has(stage.seen):
        conditions.append(f"NOT EXISTS (SELECT 1 FROM {quoted(stage.seen)} x WHERE x.identity = r.identity)")
    if stage.has(stage.unusable):
        # A fixed row differs from its line in the original file, but that line still exists.
        same_line = "y.name = f.name AND y.line = r.changed_line"
        conditions.append(f"NOT EXISTS (SELECT 1 FROM {quoted(stage.unusable)} y WHERE {same_line})")
    return f"{join} WHERE {' AND '.join(conditions)}"


@dataclass(frozen=True)
class MassDeletion:
    """More than half of a table's records are missing, so a file may be truncated or may be the wrong file."""

    missing: int
    before: int
    table: str

    def __str__(self) -> str:
        are = "is" if self.missing == 1 else "are"
        return f"{self.missing:,} of {self.before:,} records of {self.table} {are} missing and would be deleted"

    @property
    def shortly(self) -> str:
        return f"{self.missing:,} of {self.before:,} {self.table}"

    def note(self, *, confirmed: bool) -> str:
        """Return the note for a preview."""
        remedy = "" if confirmed else " To apply the import, allow it to delete most of the table."
        return f"{self}, which is most of the table.{remedy}"

    def refuse(self) -> None:
        """Raise ImportRefusedError, because the user has not allowed the deletion."""
        raise ImportRefusedError(
            f"{self}. Nothing was imported. Preview the import to review the missing records. If they should be "
            "deleted, repeat the import and allow it to delete most of the table."
        )


def most_of(source: Source, files: Iterable[SourceFile], created: int = 0) -> MassDeletion | None:
    """Return a MassDeletion if most of a source's table is missing from *files*, or None.

    *created* is the number of new records.
    """
    missing = sum(file.missing for file in files)
    if missing <= FEW:
        return None
    before = source.model._default_manager.count() - created
    return MassDeletion(missing, before, source.name) if 2 * missing > before else None


def most_of_previewed(run: ImportRun) -> list[MassDeletion]:
    """Return the mass deletions that would occur if a previewed run were applied now."""
    if not run.delete_missing or run.status != ImportRun.Status.PREVIEWED:
        return []
    files = list(run.files.all())
    deletions = (most_of(s, [f for f in files if f.source == s.name]) for s in sources_of(run.dataset))
    return [deletion for deletion in deletions if deletion]


@dataclass(frozen=True)
class Relation:
    """A foreign key from another table to this one."""

    table: str
    column: str
    cascades: bool


def delete_missing(load: SourceLoad, options: Options) -> list[str]:
    """Delete the records that :func:`find_missing` found, except those that other records refer to.

    Set the number of deleted records of each file, and return notes. Raises ImportRefusedError if this would delete
    most of the table and *options* do not allow that.
    """
    notes = []
    if most := most_of(load.source, load.files, sum(file.created for file in load.files)):
        if options.dry_run:
            notes.append(most.note(confirmed=options.delete_most))
        elif not options.delete_most:
            most.refuse()
    deleted, remaining = _delete(load)
    for file in load.files:
        file.deleted = deleted[file.pk]
    return notes + remaining


def _delete(load: SourceLoad) -> tuple[dict[int, int], list[str]]:
    """Delete the records. Return their number by file, and notes about the records that others refer to."""
    notes = []
    model, table, missing = load.source.model, quoted(load.source.name), quoted(load.stage.missing)
    pk = quoted(pk_column(model))
    # Many-to-many tables have their own foreign keys, which are separate relations.
    relations = [
        Relation(r.related_model._meta.db_table, column_name(r.field), r.on_delete is models.CASCADE)
        for r in model._meta.related_objects
        if r.related_model._meta.managed and not r.many_to_many
    ]
    # On PostgreSQL, rows without references are deleted and recorded by one statement.
    at_once = connection.vendor == "postgresql" and not relations
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql" and relations:
            # Lock these records, so that no new references to them are created.
            rows = f"SELECT 1 FROM {table} WHERE {pk} IN (SELECT pk FROM {missing}) FOR UPDATE"
            cursor.execute(f"SELECT count(*) FROM ({rows}) locked")
        for relation in relations:
            if relation.cascades:
                continue
            held = f"pk IN (SELECT {quoted(relation.column)} FROM {quoted(relation.table)})"
            cursor.execute(f"SELECT count(*) FROM {missing} WHERE {held}")
            if count := cursor.fetchone()[0]:
                records = f"{count} missing record{'' if count == 1 else 's'} of {load.source.name}"
                notes.append(f"{records} not deleted: records of {relation.table} refer to them.")
                cursor.execute(f"DELETE FROM {missing} WHERE {held}")
        delete = f"DELETE FROM {table} WHERE {pk} IN (SELECT pk FROM {missing})"
        cursor.execute(
            (f"WITH deleted AS ({delete} RETURNING *) " if at_once else "")
            + f'INSERT INTO changes (run_id, "table", record, kind, "before", is_tombstone) SELECT {load.run.pk},'
            f" '{load.source.name}', CAST(r.{pk} AS text), '{Change.Kind.DELETED}', {as_json(model, 'r')},"
            f" {sql_false()} FROM {'deleted r' if at_once else f'{table} r WHERE r.{pk} IN (SELECT pk FROM {missing})'}"
        )
        dependent = [(relation.table, relation.column) for relation in relations if relation.cascades]
        dependent += [(owned.m2m_db_table(), owned.m2m_column_name()) for owned in model._meta.many_to_many]
        for child, column in dependent:
            cursor.execute(f"DELETE FROM {quoted(child)} WHERE {quoted(column)} IN (SELECT pk FROM {missing})")
        if not at_once:
            cursor.execute(delete)
        cursor.execute(f"SELECT name, count(*) FROM {missing} GROUP BY name")
        deleted = dict(cursor.fetchall())
    return {file.pk: deleted.pop(file.name, 0) for file in load.files}, notes


def _remember_rejected(staged: Staged, late: Rejections) -> None:
    """Store the keys of rejected rows, so their records do not count as missing.

    The record of a row that was fixed before is identified by its primary key, and not by the key or line of the row.
    """
    load = staged.load
    keys = (key for _, r in _unfixed(staged.rejections) if (key := [r.identity] if r.identity else r.key))
    load.stage.add(load.stage.seen, load.stage.key, keys)
    if not load.source.key:
        names = {file.pk: file.name for file in load.files}
        rejected = _unfixed(chain(staged.rejections, late))
        lines = ((names[file], line_of(load, rejection)) for file, rejection in rejected)
        load.stage.add(load.stage.unusable, ["name", "line"], lines)
        if connection.vendor == "sqlite" and load.stage.has(load.stage.unusable):
            index, table = quoted(f"{load.stage.unusable}_line"), quoted(load.stage.unusable)
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE INDEX IF NOT EXISTS temp.{index} ON {table} (name, line)")


def _unfixed(rows: Iterable[tuple[int, Rejection]]) -> Iterator[tuple[int, Rejection]]:
    return ((file, rejection) for file, rejection in rows if rejection.state != RowState.FIXED)
