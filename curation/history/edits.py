"""Edits by curators: correct, revert, delete and restore records. Each is stored as one Edit, with its reason."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import EmptyResultSet
from django.db import connection, models, transaction
from django.db.backends.utils import CursorWrapper

from curation.history.conflicts import (
    SHOWN,
    key_conflicts,
    listed,
    missing_references,
    missing_references_of,
    protecting_references,
)
from curation.history.corrections_sql import assigned, given, links_of_file, of_file, remembering, stored, without
from curation.history.editable_fields import correctable, remembers_its_file, stored_name
from curation.history.preview_tokens import seal_of_rows
from curation.history.tombstones import same_key_deleted, set_tombstones
from datasets.fields import field_of, related_model
from datasets.sql.chunks import chunks
from datasets.sql.dialect import analyze, column_name, column_type, pk_column, quoted, sql_false, temporary
from datasets.sql.query_timeout import unlimited
from datasets.sql.row_json import as_json, is_corrected, members, values
from datasets.versions import raise_version
from imports.models import Change, Edit

SELECTED = "selected_records"  # the temporary table with the keys of the edited records


class EditRefusedError(Exception):
    """An edit that is not possible; the message gives the reason."""


class OvertakenError(EditRefusedError):
    """An edit whose records have changed since the user confirmed it."""


@unlimited()
def correct(records: models.QuerySet, new: Mapping[str, Any], user: User | None, *, reason: str = "") -> Edit:
    """Set fields of *records* to *new* values, and store the file value of each corrected field.

    A many-to-many field takes a list of keys or records. A value equal to the file value is not a correction. Raise
    EditRefusedError for a key field, and if no record changes.
    """
    model = records.model
    fields = {name: _correctable(model, name) for name in new}
    given_values = {name: stored(field, new[name]) for name, field in fields.items()}
    with _edit(Edit.Action.CORRECTED, records, user, reason) as edit, connection.cursor() as cursor:
        columns = {name: field for name, field in fields.items() if not field.many_to_many}
        assignments = [f"{quoted(column_name(field))} = {assigned(field)}" for field in columns.values()]
        if remembers_its_file(model):
            assignments.append(f"corrections = {remembering(list(fields.values()))}")
        if assignments:
            cursor.execute(
                f"UPDATE {quoted(model._meta.db_table)} AS r SET {', '.join(assignments)}"
                f" FROM {given(list(fields.values()))} WHERE {_selected(model)}",
                list(given_values.values()),
            )
        for name, field in fields.items():
            if isinstance(field, models.ManyToManyField):
                _unlink(cursor, field)
                _link(cursor, field, json.loads(given_values[name]))
    return edit


@unlimited()
def revert(records: models.QuerySet, name: str, user: User | None, *, reason: str = "") -> Edit:
    """Revert the corrected field *name* of *records* to the file value.

    Raise EditRefusedError if the file refers to a deleted record, or if the field has no correction.
    """
    model = records.model
    field = _correctable(model, name)
    corrected, table = is_corrected("r.corrections", stored_name(field)), quoted(model._meta.db_table)
    rows = f"{table} r WHERE {corrected} AND {_selected(model)}"
    with _edit(Edit.Action.REVERTED, records, user, reason) as edit, connection.cursor() as cursor:
        file_value = of_file(field)
        if field.is_relation:
            if isinstance(field, models.ManyToManyField):
                links = links_of_file(field, rows)
            else:
                links = f"SELECT 1, {file_value} FROM {rows}"
            if conflicts := list(missing_references_of(field, links)):
                raise EditRefusedError(" ".join(conflicts))
        if isinstance(field, models.ManyToManyField):
            through, owner, member = _through(field)
            pk = quoted(pk_column(model))
            cursor.execute(f"DELETE FROM {through} WHERE {owner} IN (SELECT r.{pk} FROM {rows})")
            cursor.execute(f"INSERT INTO {through} ({owner}, {member}) {links}")
        value = "" if field.many_to_many else f"{quoted(column_name(field))} = {file_value}, "
        cursor.execute(
            f"UPDATE {table} AS r SET {value}corrections = {without(field)} WHERE {rows.partition(' WHERE ')[2]}"
        )
    return edit


@unlimited()
def seal(records: models.QuerySet) -> str:
    """Return the seal of the current state of *records*."""
    with transaction.atomic(), connection.cursor() as cursor:
        _select(records)
        sealed = seal_of_rows(records.model, f"SELECT pk FROM {SELECTED}")
        cursor.execute(f"DROP TABLE {temporary(SELECTED)}")
    return sealed


@unlimited()
def delete(records: models.QuerySet, user: User | None, expecting: str = "", *, reason: str = "") -> Edit:
    """Delete *records*; imports skip the deleted records that came from a file.

    Raise EditRefusedError if other records refer to them. Raise OvertakenError if *expecting* is not the seal of their
    current state.
    """
    model = records.model
    table, pk = quoted(model._meta.db_table), quoted(pk_column(model))
    with _edit(Edit.Action.DELETED, records, user, reason, Change.Kind.DELETED) as edit, connection.cursor() as cursor:
        if expecting and seal_of_rows(model, f"SELECT pk FROM {SELECTED}") != expecting:
            raise OvertakenError("The records have changed since you confirmed the deletion.")
        if references := list(protecting_references(model, SELECTED)):
            raise EditRefusedError(
                f"The records cannot be deleted because other records refer to them: {', '.join(references)}."
            )
        for field in model._meta.many_to_many:
            _unlink(cursor, field)
        cursor.execute(f"DELETE FROM {table} WHERE {pk} IN (SELECT pk FROM {SELECTED})")
        set_tombstones(cursor, edit)
    return edit


@unlimited()
def restore(deletions: models.QuerySet, model: type[models.Model], user: User | None, *, reason: str = "") -> Edit:
    """Restore the records that *deletions* (a queryset of Change) deleted, with their values and keys.

    Raise EditRefusedError if an existing record has one of the keys, or if a record refers to a deleted one.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        edit = _new_edit(Edit.Action.RESTORED, model, user, reason)
        _select(deletions)
        rows = f"changes c WHERE c.id IN (SELECT pk FROM {SELECTED})"
        reasons = [*key_conflicts(model, rows, "c.before"), *missing_references(model, rows, "c.before")]
        if deleted := listed(f"{same_key_deleted(model, rows)} ORDER BY 1 LIMIT {SHOWN + 1}"):
            reasons.append(f"A curator has deleted records with the same key: {deleted}.")
        if reasons:
            raise EditRefusedError(" ".join(reasons))
        put_back(cursor, model, rows, "c.before")
        cursor.execute(
            'INSERT INTO changes (edit_id, "table", record, kind, "after", is_tombstone, reversed_tombstone_id)'
            f""" SELECT %s, c."table", c.record, '{Change.Kind.CREATED}', c.before, {sql_false()},"""
            f" CASE WHEN c.is_tombstone THEN c.id END FROM changes c WHERE c.id IN (SELECT pk FROM {SELECTED})",
            [edit.pk],
        )
        set_tombstones(cursor, edit)
        raise_version(model._meta.app_label, by=edit)
        cursor.execute(f"DROP TABLE {temporary(SELECTED)}")
    return edit


@unlimited()
def created(record: models.Model, user: User | None, *, reason: str = "") -> Edit:
    """Store the creation of *record* by a curator as an Edit."""
    records = type(record)._default_manager.filter(pk=record.pk)
    with _edit(Edit.Action.CREATED, records, user, reason, Change.Kind.CREATED) as edit:
        pass
    return edit


def put_back(cursor: CursorWrapper, model: type[models.Model], rows: str, document: str) -> None:
    """Insert the rows of *model* from the JSON column *document* of *rows*, with their many-to-many members."""
    columns = values(model, document)
    names = ", ".join(quoted(name) for name in columns)
    overriding = " OVERRIDING SYSTEM VALUE" if connection.vendor == "postgresql" else ""
    cursor.execute(
        f"INSERT INTO {quoted(model._meta.db_table)} ({names}){overriding}"
        f" SELECT {', '.join(columns.values())} FROM {rows}"
    )
    for field in model._meta.many_to_many:
        put_back_links(cursor, field, rows, document)


def put_back_links(cursor: CursorWrapper, field: models.ManyToManyField, rows: str, document: str) -> None:
    """Insert the members of the many-to-many *field* from the JSON column *document* of *rows*."""
    names = (field.m2m_db_table(), field.m2m_column_name(), field.m2m_reverse_name())
    through, owner, member = (quoted(name) for name in names)
    cursor.execute(f"INSERT INTO {through} ({owner}, {member}) {members(field, rows, document)}")


def _new_edit(action: str, model: type[models.Model], user: User | None, reason: str) -> Edit:
    return Edit.objects.create(dataset=model._meta.app_label, action=action, user=user, reason=reason)


@contextmanager
def _edit(
    action: str, records: models.QuerySet, user: User | None, reason: str, kind: str = Change.Kind.UPDATED
) -> Iterator[Edit]:
    """Create an Edit, and store each row of *records* before and after the block."""
    model = records.model
    table, pk, row = quoted(model._meta.db_table), quoted(pk_column(model)), as_json(model, "r")
    with transaction.atomic(), connection.cursor() as cursor:
        edit = _new_edit(action, model, user, reason)
        _select(records)
        if connection.vendor == "postgresql":
            rows = f"SELECT 1 FROM {table} WHERE {pk} IN (SELECT pk FROM {SELECTED}) FOR UPDATE"
            cursor.execute(f"SELECT count(*) FROM ({rows}) locked")
        before = "NULL" if kind == Change.Kind.CREATED else row
        cursor.execute(
            f'INSERT INTO changes (edit_id, "table", record, kind, "before", is_tombstone) SELECT %s, %s,'
            f" CAST(r.{pk} AS text), %s, {before}, {sql_false()}"
            f" FROM {table} r WHERE r.{pk} IN (SELECT pk FROM {SELECTED})",
            [edit.pk, model._meta.db_table, kind],
        )
        yield edit
        if kind != Change.Kind.DELETED:
            cursor.execute(
                f'UPDATE changes SET "after" = {row} FROM {table} r'
                f" WHERE changes.edit_id = %s AND r.{pk} = CAST(changes.record AS {column_type(model._meta.pk)})",
                [edit.pk],
            )
        if kind == Change.Kind.UPDATED:
            cursor.execute('DELETE FROM changes WHERE edit_id = %s AND "before" = "after"', [edit.pk])
        if not edit.changes.exists():
            raise EditRefusedError("No changes: the records were deleted or already have this value.")
        raise_version(model._meta.app_label, by=edit)
        cursor.execute(f"DROP TABLE {temporary(SELECTED)}")


def _select(records: models.QuerySet) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {temporary(SELECTED)}")
        kind = column_type(records.model._meta.pk)
        cursor.execute(f"CREATE TEMPORARY TABLE {SELECTED} (pk {kind})")
        with suppress(EmptyResultSet):  # Django raises it for a queryset that cannot match a row
            query, parameters = records.order_by().values_list("pk").query.sql_with_params()
            cursor.execute(f"INSERT INTO {SELECTED} {query}", parameters)
        analyze(SELECTED, "pk")


# Parts of queries; alias r is the record.


def _correctable(model: type[models.Model], name: str) -> models.Field:
    if name not in correctable(model):
        label = field_of(model, name).verbose_name
        raise EditRefusedError(f"{label} is a key or read-only field and cannot be edited.")
    return correctable(model)[name]


def _selected(model: type[models.Model]) -> str:
    return f"r.{quoted(pk_column(model))} IN (SELECT pk FROM {SELECTED})"


# Many-to-many: the rows of the through table.


def _through(field: models.ManyToManyField) -> tuple[str, str, str]:
    return quoted(field.m2m_db_table()), quoted(field.m2m_column_name()), quoted(field.m2m_reverse_name())


def _unlink(cursor: CursorWrapper, field: models.ManyToManyField) -> None:
    through, owner, _ = _through(field)
    cursor.execute(f"DELETE FROM {through} WHERE {owner} IN (SELECT pk FROM {SELECTED})")


def _link(cursor: CursorWrapper, field: models.ManyToManyField, keys: list[Any]) -> None:
    through, owner, member = _through(field)
    target = related_model(field)
    key = quoted(pk_column(target))
    for chunk in chunks(keys):
        marks = ", ".join(["%s"] * len(chunk))
        cursor.execute(
            f"INSERT INTO {through} ({owner}, {member}) SELECT s.pk, t.{key} FROM {SELECTED} s,"
            f" {quoted(target._meta.db_table)} t WHERE t.{key} IN ({marks})",
            chunk,
        )
