"""Undo of a run or an edit: restore the previous state, or refuse with the conflicts."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, connection
from django.db.backends.utils import CursorWrapper
from django.db.models import ForeignKey, Model
from django.utils.text import capfirst

from curation.history.conflicts import missing_references, owner_field, reason_for, unique_conflicts
from curation.history.edits import put_back, put_back_links
from curation.history.preview_tokens import seal_of_rows
from curation.history.tombstones import set_tombstones_again
from curation.history.undo_result import Undone, UndoOvertakenError, UndoRefusedError
from datasets import matviews
from datasets.fields import through_model
from datasets.models import Record, Vocabulary
from datasets.sql.dialect import column_name, column_type, pk_column, quoted, sql_false
from datasets.sql.dry_run import rolled_back
from datasets.sql.query_timeout import unlimited
from datasets.sql.row_json import values
from datasets.versions import raise_version
from imports.engine import references
from imports.engine.locks import ImportRefusedError, import_lock
from imports.models import Change, Edit, ImportRun
from imports.sources import sources_of


@unlimited()
def undo_run(
    run: ImportRun, user: User | None = None, *, reason: str = "", dry_run: bool = False, expecting: str = ""
) -> Undone:
    """Undo the changes of *run*; raise UndoRefusedError if later changes or references depend on them.

    Raise UndoOvertakenError if *expecting*, the seal that the user confirmed, is not the seal of the current effect.
    """
    try:
        with import_lock(run.dataset):
            run.refresh_from_db()
            if run.status != ImportRun.Status.APPLIED:
                status = run.get_status_display().lower()
                raise UndoRefusedError([f"Run {run.pk} is {status}. Only an applied run can be undone."])
            undone = _undo_applied(run, {"user": user, "reason": reason}, expecting, dry_run=dry_run)
    except ImportRefusedError as error:
        raise UndoRefusedError([str(error)]) from None
    if not dry_run:
        run.refresh_from_db()
        matviews.refresh(run.dataset)
    return undone


def _undo_applied(run: ImportRun, by: dict[str, Any], expecting: str, *, dry_run: bool) -> "Undone":
    undoing = _Undoing(f"c.run_id = {run.pk}", [source.model for source in sources_of(run.dataset)], run.pk)
    return _undo(undoing, by | {"dataset": run.dataset, "undone_run_id": run.pk}, expecting, dry_run=dry_run)


@unlimited()
def undo_edit(
    edit: Edit, models: Sequence[type[Model]], user: User | None = None, *, reason: str = "", dry_run: bool = False
) -> Undone:
    """Undo the changes of *edit* to the records of *models*; raise UndoRefusedError as :func:`undo_run` does."""
    if edit.action == Edit.Action.UNDONE or hasattr(edit, "undoing"):
        raise UndoRefusedError(["The edit is an undo or has already been undone."])
    details = {"user": user, "reason": reason, "dataset": edit.dataset, "undone_edit_id": edit.pk}
    return _undo(_Undoing(f"c.edit_id = {edit.pk}", models), details, dry_run=dry_run)


def _undo(undoing: "_Undoing", details: dict[str, Any], expecting: str = "", *, dry_run: bool) -> Undone:
    """Undo the changes as an Edit with *details*."""
    result = Undone()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:  # after a large run, the planner has no statistics yet
            cursor.execute('ANALYZE changes (run_id, edit_id, "table", record, kind)')
    try:
        with rolled_back() as preview:
            if reasons := list(undoing.conflicts()):
                raise UndoRefusedError(reasons)
            edit = Edit.objects.create(action=Edit.Action.UNDONE, **details)
            sealed = undoing.seal() if undoing.by_run and (dry_run or expecting) else ""
            undoing.apply(edit, result)
            result.seal = f"{sealed}; {'; '.join(result.done())}" if sealed else ""
            if expecting and result.seal != expecting:
                raise UndoOvertakenError(result)
            if edit.undone_edit and edit.undone_edit.action == Edit.Action.RESTORED:
                with connection.cursor() as cursor:
                    set_tombstones_again(cursor, edit.undone_edit)
            raise_version(*{model._meta.app_label for model in undoing.models})
            if undoing.by_run:
                ImportRun.objects.filter(pk=details["undone_run_id"]).update(status=ImportRun.Status.UNDONE)
            if not dry_run:
                preview.keep()
    except IntegrityError:
        raise UndoRefusedError(["Later records conflict with this undo."]) from None
    return result


class _Undoing:
    """The changes that match a condition on alias ``c``, and the records that a run created."""

    def __init__(self, condition: str, models: Sequence[type[Model]], run: int | None = None):
        self.condition, self.models = condition, models
        self.by_run = run is not None
        files = f"SELECT id FROM source_files WHERE run_id = {run}" if self.by_run else "NULL"
        self.created = f"r.created_in_id IN ({files})"

    # Conflicts.

    def conflicts(self) -> Iterator[str]:
        """Yield a sentence for each conflict."""
        for model in self.models:
            yield from self._changed_later(model)
            yield from self._key_conflicts(model)
            if not self.by_run:  # a run changes no unique column
                yield from unique_conflicts(model, self._changes(model, (Change.Kind.UPDATED,)), "c.before")

    def _changed_later(self, model: type[Model]) -> Iterator[str]:
        table = model._meta.db_table
        later = (
            f"SELECT l.record FROM changes l{{join}} LEFT JOIN import_runs lr ON lr.id = l.run_id"
            f" LEFT JOIN edits le ON le.id = l.edit_id LEFT JOIN edits u ON u.undone_edit_id = le.id"
            f" WHERE l.{quoted('table')} = '{table}' AND ({self.condition.replace('c.', 'l.')}) IS NOT TRUE"
            # Undone changes and undos do not conflict.
            f" AND coalesce(lr.status, '') <> '{ImportRun.Status.UNDONE}'"
            f" AND coalesce(le.action, '') <> '{Edit.Action.UNDONE}' AND u.id IS NULL AND {{which}}"
        )
        join = f" JOIN changes c ON c.{quoted('table')} = '{table}' AND c.record = l.record AND c.id < l.id"
        # A later deletion of a created record is a change, too.
        created = self.created.replace("r.created_in_id", values(model, "l.before")["created_in_id"])
        both = later.format(join=join, which=self.condition), later.format(join="", which=created)
        query = " UNION ".join(both)  # each query can use a join; an OR would scan row by row
        yield from reason_for(query, "Changed later: {records} ({first}).", model)

    def _referred_to(self, model: type[Model]) -> Iterator[str]:
        """Yield a sentence for each table whose remaining records refer to records that the undo would delete."""
        table, pk = quoted(model._meta.db_table), quoted(pk_column(model))
        for relation in model._meta.related_objects:
            child = relation.related_model
            if not child._meta.managed or relation.many_to_many:
                continue
            owned = owner_field(child)  # the owner stands for a many-to-many row
            owner, key = (owned.related_model, owned.column) if owned else (child, pk_column(child))
            query = (
                f"SELECT DISTINCT CAST(x.{quoted(key)} AS text) FROM {quoted(child._meta.db_table)} x"
                f" JOIN {table} r ON r.{pk} = x.{quoted(column_name(relation.field))} WHERE {self._created(model, 'r')}"
            )
            if issubclass(owner, Record):
                there = f"o.{quoted(pk_column(owner))} = x.{quoted(key)} AND {self._created(owner, 'o')}"
                query += f" AND NOT EXISTS (SELECT 1 FROM {quoted(owner._meta.db_table)} o WHERE {there})"
            created = capfirst(model._meta.verbose_name_plural)
            yield from reason_for(query, f"{created} that it created are used by {{records}} ({{first}}).", owner)

    def _created(self, model: type[Model], row: str) -> str:
        """Return the condition that the run or edit created *row* of *model*."""
        if self.by_run:
            return self.created.replace("r.", f"{row}.")
        key = values(model, "c.after")[pk_column(model)]
        return f"{row}.{quoted(pk_column(model))} IN (SELECT {key} FROM {self._changes(model, ('created',))})"

    def _key_conflicts(self, model: type[Model]) -> Iterator[str]:
        """Yield a sentence if deleted records cannot be restored because existing records have their keys."""
        stored = values(model, "c.before")
        unique = {pk_column(model)} | {column_name(f) for f in model._meta.concrete_fields if f.unique}
        unique |= {"identity"} & set(stored)
        # One join per column: a join with OR would scan row by row.
        query = " UNION ".join(
            f"SELECT c.record FROM changes c JOIN {quoted(model._meta.db_table)} r ON r.{quoted(column)} ="
            f" {stored[column]} WHERE {self.condition} AND c.kind = '{Change.Kind.DELETED}'"
            f" AND c.{quoted('table')} = '{model._meta.db_table}'"
            for column in sorted(unique)
        )
        yield from reason_for(query, "Deleted and since re-created: {records} ({first}).", model)

    def _missing_references(self, model: type[Model]) -> Iterator[str]:
        """Yield a sentence if restored records refer to records that have since been deleted."""
        rows = self._changes(model, (Change.Kind.DELETED, Change.Kind.UPDATED, Change.Kind.KEPT))
        keys = f"SELECT {values(model, 'c.before')[pk_column(model)]} FROM {rows}"
        tables = [(model, pk_column(model))]
        tables += [(through_model(many), many.m2m_column_name()) for many in model._meta.many_to_many]
        for table, key in tables:
            relations = [field for field in table._meta.concrete_fields if isinstance(field, ForeignKey)]
            if references.broken_references(table, relations, f"r.{quoted(key)} IN ({keys})"):
                yield from missing_references(model, rows, "c.before")
                return

    def seal(self) -> str:
        """Return the seal of the current state of the records that the undo changes."""
        seals = []
        for model in self.models:
            rows = self._changes(model, (Change.Kind.UPDATED, Change.Kind.KEPT))
            keys = f"SELECT CAST(c.record AS {column_type(model._meta.pk)}) FROM {rows}"
            table, pk = quoted(model._meta.db_table), quoted(pk_column(model))
            seals.append(seal_of_rows(model, f"SELECT r.{pk} FROM {table} r WHERE {self.created} UNION {keys}"))
        return " ".join(seals)

    # Undo.

    def apply(self, edit: Edit, result: Undone) -> None:
        references.expect_long_queries()
        with connection.cursor() as cursor:
            with references.deferred_checks():
                for model in self.models:
                    self._re_create(cursor, model, edit, result)
                for model in self.models:
                    self._revert(cursor, model, edit, result)
            if reasons := [reason for model in self.models for reason in self._missing_references(model)]:
                raise UndoRefusedError(reasons)
            # Checked after the reverts, which drop references to created records.
            if reasons := [reason for model in self.models for reason in self._referred_to(model)]:
                raise UndoRefusedError(reasons)
            for model in reversed(self.models):
                self._delete_created(cursor, model, edit, result)
            for model in self.models:
                self._delete_terms(cursor, model, result)

    def _changes(self, model: type[Model], kinds: tuple[str, ...]) -> str:
        names = ", ".join(f"'{kind}'" for kind in kinds)
        return (
            f"changes c WHERE {self.condition} AND c.kind IN ({names})"
            f" AND c.{quoted('table')} = '{model._meta.db_table}'"
        )

    def _re_create(self, cursor: CursorWrapper, model: type[Model], edit: Edit, result: Undone) -> None:
        rows = self._changes(model, (Change.Kind.DELETED,))
        put_back(cursor, model, rows, "c.before")
        count = self._store_changes(cursor, rows, edit, f"'{Change.Kind.CREATED}', NULL, c.before")
        which = rows.partition(" WHERE ")[2]
        cursor.execute(f"UPDATE changes AS c SET is_tombstone = {sql_false()} WHERE c.is_tombstone AND {which}")
        _count(result.recreated, model, count)

    def _revert(self, cursor: CursorWrapper, model: type[Model], edit: Edit, result: Undone) -> None:
        table, pk = quoted(model._meta.db_table), pk_column(model)
        rows = self._changes(model, (Change.Kind.UPDATED, Change.Kind.KEPT))
        source, _, condition = rows.partition(" WHERE ")
        stored = values(model, "c.before")
        key = stored.pop(pk)
        assignments = ", ".join(f"{quoted(column)} = {value}" for column, value in stored.items())
        cursor.execute(
            f"UPDATE {table} AS r SET {assignments} FROM {source} WHERE r.{quoted(pk)} = {key} AND {condition}"
        )
        _count(result.restored, model, cursor.rowcount)
        for many in model._meta.many_to_many:
            through, owner = quoted(many.m2m_db_table()), quoted(many.m2m_column_name())
            cursor.execute(f"DELETE FROM {through} WHERE {owner} IN (SELECT {key} FROM {rows})")
            put_back_links(cursor, many, rows, "c.before")
        self._store_changes(cursor, rows, edit, f"'{Change.Kind.UPDATED}', c.after, c.before")

    def _delete_created(self, cursor: CursorWrapper, model: type[Model], edit: Edit, result: Undone) -> None:
        table, pk = quoted(model._meta.db_table), quoted(pk_column(model))
        condition = self._created(model, "r")
        for many in model._meta.many_to_many:
            through, owner = quoted(many.m2m_db_table()), quoted(many.m2m_column_name())
            cursor.execute(f"DELETE FROM {through} WHERE {owner} IN (SELECT r.{pk} FROM {table} r WHERE {condition})")
        self._store_changes(cursor, self._changes(model, ("created",)), edit, f"'{Change.Kind.DELETED}', c.after, NULL")
        cursor.execute(f"DELETE FROM {table} AS r WHERE {condition}")
        _count(result.deleted, model, cursor.rowcount)

    def _delete_terms(self, cursor: CursorWrapper, model: type[Model], result: Undone) -> None:
        """Delete the terms that this run created, if nothing uses them."""
        for field_ in model._meta.concrete_fields:
            vocabulary = field_.related_model if field_.is_relation else None
            if vocabulary is None or not issubclass(vocabulary, Vocabulary):
                continue
            used = " AND ".join(
                f"NOT EXISTS (SELECT 1 FROM {quoted(relation.related_model._meta.db_table)} x"
                f" WHERE x.{quoted(column_name(relation.field))} = r.id)"
                for relation in vocabulary._meta.related_objects
                if relation.related_model._meta.managed
            )
            table = quoted(vocabulary._meta.db_table)
            # Keep a term that a curator has renamed.
            used += (
                " AND NOT EXISTS (SELECT 1 FROM changes c JOIN edits e ON e.id = c.edit_id"
                f" WHERE c.{quoted('table')} = '{vocabulary._meta.db_table}' AND c.record = CAST(r.id AS text)"
                f" AND e.action <> '{Edit.Action.UNDONE}'"
                " AND NOT EXISTS (SELECT 1 FROM edits u WHERE u.undone_edit_id = e.id))"
            )
            cursor.execute(f"SELECT name FROM {table} r WHERE {self.created} AND {used} ORDER BY name")
            if names := [name for (name,) in cursor.fetchall()]:
                cursor.execute(f"DELETE FROM {table} AS r WHERE {self.created} AND {used}")
                result.deleted_terms[vocabulary._meta.db_table] = names

    def _store_changes(self, cursor: CursorWrapper, rows: str, edit: Edit, values: str) -> int:
        columns = '(edit_id, "table", record, kind, "before", "after", is_tombstone)'
        cursor.execute(
            f'INSERT INTO changes {columns} SELECT {edit.pk}, c."table", c.record, {values}, {sql_false()} FROM {rows}'
        )
        return cursor.rowcount


def _count(counts: dict[str, int], model: type[Model], count: int) -> None:
    if count:
        counts[model._meta.db_table] = counts.get(model._meta.db_table, 0) + count
