"""A reversal: put the records that a run or an edit changed back to their state before it, by SQL, as one Edit."""

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Min, Model

from curation.history.edited_models import edited_models
from curation.history.edits import put_back, put_back_links
from curation.history.preview_tokens import seal_of_rows
from curation.history.undo_result import Undone
from datasets.models import Record, Vocabulary
from datasets.sql.dialect import column_name, column_type, is_distinct, pk_column, quoted, sql_false
from datasets.sql.literal_keys import literal_keys
from datasets.sql.row_json import as_json, values
from imports.models import Change, Edit, ImportRun
from imports.sources import sources_of


class Reversal:
    """The changes of a run or an edit that are to be reversed, and the records that the run created."""

    def __init__(self, action: ImportRun | Edit):
        self.action = action
        files = "NULL"
        if isinstance(action, ImportRun):
            self.condition = f"c.run_id = {action.pk}"
            self.models: list[type[Model]] = [source.model for source in sources_of(action.dataset)]
            files = literal_keys(f"SELECT id FROM source_files WHERE run_id = {action.pk}")
        else:
            self.condition = f"c.edit_id = {action.pk}"
            self.models = edited_models(action)
        self.files = files

    def changes(self, model: type[Model], *kinds: Change.Kind) -> str:
        """Return the FROM and WHERE clause of the changes of *model*, alias ``c``, of some *kinds*."""
        names = ", ".join(f"'{kind}'" for kind in kinds)
        table = f"c.{quoted('table')} = '{model._meta.db_table}'"
        return f"changes c WHERE {self.condition} AND c.kind IN ({names}) AND {table}"

    def is_created(self, model: type[Model], row: str) -> str:
        """Return the condition that the run or edit created *row* of *model*."""
        if isinstance(self.action, ImportRun):
            return f"{row}.created_in_id IN ({self.files})"
        key = values(model, "c.after")[pk_column(model)]
        return f"{row}.{quoted(pk_column(model))} IN (SELECT {key} FROM {self.changes(model, Change.Kind.CREATED)})"

    def seal(self) -> str:
        """Return the seal of the current state of the records that the reversal changes."""
        seals = []
        for model in self.models:
            rows = self.changes(model, Change.Kind.UPDATED, Change.Kind.KEPT)
            keys = f"SELECT CAST(c.record AS {column_type(model._meta.pk)}) FROM {rows}"
            table, pk = quoted(model._meta.db_table), quoted(pk_column(model))
            created = f"SELECT r.{pk} FROM {table} r WHERE {self.is_created(model, 'r')}"
            seals.append(seal_of_rows(model, f"{created} UNION {keys}"))
        return " ".join(seals)

    def re_create(self, cursor: CursorWrapper, model: type[Model], edit: Edit, result: Undone) -> None:
        """Insert the records again that the run or edit deleted."""
        rows = self.changes(model, Change.Kind.DELETED)
        put_back(cursor, model, rows, "c.before")
        count = _store_changes(cursor, edit, f"c.record, '{Change.Kind.CREATED}', NULL, c.before", model, rows)
        _count(result.recreated, model, count)

    def restore(self, cursor: CursorWrapper, model: type[Model], edit: Edit, result: Undone) -> None:
        """Give the records that the run or edit changed their values before it."""
        table, pk = quoted(model._meta.db_table), pk_column(model)
        source, _, condition = self.changes(model, Change.Kind.UPDATED, Change.Kind.KEPT).partition(" WHERE ")
        stored = values(model, "c.before")
        key = stored.pop(pk)
        rows = f"{source} JOIN {table} r ON r.{quoted(pk)} = {key} WHERE {condition}"
        change = f"c.record, '{Change.Kind.UPDATED}', {as_json(model, 'r')}, c.before"
        _count(result.restored, model, _store_changes(cursor, edit, change, model, rows))
        if assignments := [f"{quoted(column)} = {stored[column]}" for column in _differing(cursor, stored, rows)]:
            cursor.execute(
                f"UPDATE {table} AS r SET {', '.join(assignments)} FROM {source}"
                f" WHERE r.{quoted(pk)} = {key} AND {condition}"
            )
        for many in model._meta.many_to_many:
            through, owner = quoted(many.m2m_db_table()), quoted(many.m2m_column_name())
            cursor.execute(f"DELETE FROM {through} WHERE {owner} IN (SELECT {key} FROM {source} WHERE {condition})")
            put_back_links(cursor, many, f"{source} WHERE {condition}", "c.before")

    def delete_created(self, cursor: CursorWrapper, model: type[Model], edit: Edit, result: Undone) -> None:
        """Delete the records that the run or edit created."""
        _count(result.deleted, model, _delete(cursor, model, edit, self.is_created(model, "r")))

    def delete_terms(self, cursor: CursorWrapper, model: type[Model], edit: Edit, result: Undone) -> None:
        """Delete the terms that the run created, if nothing uses them and no curator has renamed them."""
        for field in model._meta.concrete_fields:
            vocabulary = field.related_model if field.is_relation else None
            if vocabulary is None or not issubclass(vocabulary, Vocabulary):
                continue
            table = vocabulary._meta.db_table
            condition = f"r.created_in_id IN ({self.files})"
            condition += "".join(
                f" AND NOT EXISTS (SELECT 1 FROM {quoted(relation.related_model._meta.db_table)} x"
                f" WHERE x.{quoted(column_name(relation.field))} = r.id{part})"
                for relation in vocabulary._meta.related_objects
                if relation.related_model._meta.managed
                for part in self._written_since(relation.related_model)
            )
            condition += (
                " AND NOT EXISTS (SELECT 1 FROM changes c JOIN edits e ON e.id = c.edit_id"
                f" WHERE c.{quoted('table')} = '{table}' AND c.record = CAST(r.id AS text)"
                f" AND e.action NOT IN ('{Edit.Action.UNDONE}', '{Edit.Action.REDONE}') AND NOT e.is_undone)"
            )
            # A locked term cannot be used by other transactions.
            lock = " FOR UPDATE OF r" if connection.vendor == "postgresql" else ""
            cursor.execute(f"SELECT name FROM {quoted(table)} r WHERE {condition} ORDER BY name{lock}")
            if names := [name for (name,) in cursor.fetchall()]:
                _delete(cursor, vocabulary, edit, condition)
                result.deleted_terms[table] = names

    def _written_since(self, model: type[Model]) -> list[str]:
        """Return SQL conditions that together select the records ``x`` of *model* that may use a term of the run.

        These are the records from its files and later files, and the records that a curator has created or corrected.
        """
        if not issubclass(model, Record) or not isinstance(self.action, ImportRun):
            return [""]
        first = self.action.files.aggregate(first=Min("pk"))["first"]
        parts = (f"x.changed_in_id >= {first}", "x.changed_in_id IS NULL", "x.corrections IS NOT NULL")
        return [f" AND {part}" for part in parts]


def _delete(cursor: CursorWrapper, model: type[Model], edit: Edit, condition: str) -> int:
    """Delete the rows ``r`` of *model* with *condition*, and store a Change with the whole row for each."""
    table, pk = quoted(model._meta.db_table), quoted(pk_column(model))
    rows = f"{table} r WHERE {condition}"
    deleted = f"CAST(r.{pk} AS text), '{Change.Kind.DELETED}', {as_json(model, 'r')}, NULL"
    _store_changes(cursor, edit, deleted, model, rows)
    for many in model._meta.many_to_many:
        through, owner = quoted(many.m2m_db_table()), quoted(many.m2m_column_name())
        cursor.execute(f"DELETE FROM {through} WHERE {owner} IN (SELECT r.{pk} FROM {rows})")
    cursor.execute(f"DELETE FROM {table} AS r WHERE {condition}")
    return cursor.rowcount


def _differing(cursor: CursorWrapper, values: dict[str, str], rows: str) -> list[str]:
    """Return the columns whose *values* differ from those of any row ``r`` of *rows*.

    SQLite writes the index of each column that an UPDATE sets, even if the value stays the same.
    """
    differ = (f"r.{quoted(column)} {is_distinct()} {value}" for column, value in values.items())
    cursor.execute(f"SELECT {', '.join(f'max(CASE WHEN {each} THEN 1 ELSE 0 END)' for each in differ)} FROM {rows}")
    return [column for column, is_different in zip(values, cursor.fetchone(), strict=True) if is_different]


def _store_changes(cursor: CursorWrapper, edit: Edit, change: str, model: type[Model], rows: str) -> int:
    columns = '(edit_id, "table", record, kind, "before", "after", is_tombstone)'
    cursor.execute(
        f"INSERT INTO changes {columns} SELECT {edit.pk}, '{model._meta.db_table}', {change}, {sql_false()} FROM {rows}"
    )
    return cursor.rowcount


def _count(counts: dict[str, int], model: type[Model], count: int) -> None:
    if count:
        counts[model._meta.db_table] = counts.get(model._meta.db_table, 0) + count
