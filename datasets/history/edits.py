"""What somebody does to records by hand: corrects, gives back, deletes, restores; each written down as one Edit."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, models, transaction

from datasets.history.rows import as_json, is_corrected, json_value, members, value_of, values
from datasets.models import Change, Edit
from datasets.staging import is_distinct, quoted, temporary

SELECTED = "selected_records"  # the keys of the records of an edit, in a temporary table
SHOWN = 10


class EditRefused(Exception):
    """An edit that cannot be made: a sentence that says why."""


def correct(records: models.QuerySet, column: str, value: Any, user) -> Edit:
    """Set *column* of *records* to *value*, and remember of each record from a file what the file says.

    A value that is the file's own is no correction. Raises EditRefused for a column that tells records apart.
    """
    model = records.model
    field = model._meta.get_field(column)
    if field.primary_key or not field.editable:
        raise EditRefused(f"{field.verbose_name} cannot be corrected.")
    stored = field.get_db_prep_save(getattr(value, "pk", value), connection)
    with _edit(Edit.Action.CORRECTED, records, user) as edit, connection.cursor() as cursor:
        name = quoted(field.column)
        remembered = _file_side(field)
        cursor.execute(
            f"UPDATE {quoted(model._meta.db_table)} AS r SET {name} = %s, corrections = CASE"
            f" WHEN r.changed_in_id IS NULL THEN r.corrections"
            f" WHEN {_param(field)} {is_distinct()} {remembered} THEN {_with(field)} ELSE {_without(field)} END"
            f" WHERE r.{quoted(model._meta.pk.column)} IN (SELECT pk FROM {SELECTED})",
            [stored, stored],
        )
    return edit


def release(records: models.QuerySet, column: str, user) -> Edit:
    """Give a corrected *column* back to the file: the record's value is again what the file says."""
    model = records.model
    field = model._meta.get_field(column)
    with _edit(Edit.Action.RELEASED, records, user) as edit, connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {quoted(model._meta.db_table)} AS r"
            f" SET {quoted(field.column)} = {value_of(field, 'r.corrections')}, corrections = {_without(field)}"
            f" WHERE {is_corrected('r.corrections', field.column)}"
            f" AND r.{quoted(model._meta.pk.column)} IN (SELECT pk FROM {SELECTED})"
        )
    return edit


def delete(records: models.QuerySet, user) -> Edit:
    """Delete *records*; imports pass over those that came from a file.

    Raises EditRefused where others refer to them.
    """
    model = records.model
    table, pk = quoted(model._meta.db_table), quoted(model._meta.pk.column)
    with _edit(Edit.Action.DELETED, records, user, Change.Kind.DELETED) as edit, connection.cursor() as cursor:
        if held := list(_referring(model)):
            raise EditRefused(f"They cannot be deleted: {', '.join(held)} refer to them.")
        for field in model._meta.many_to_many:
            through, owner = quoted(field.m2m_db_table()), quoted(field.m2m_column_name())
            cursor.execute(f"DELETE FROM {through} WHERE {owner} IN (SELECT pk FROM {SELECTED})")
        cursor.execute(f"DELETE FROM {table} WHERE {pk} IN (SELECT pk FROM {SELECTED})")
        yes = "true" if connection.vendor == "postgresql" else "1"
        cursor.execute(
            f"UPDATE changes SET standing = {yes} WHERE edit_id = %s AND {_text('changed_in_id')} IS NOT NULL",
            [edit.pk],
        )
    return edit


def restore(deletions: models.QuerySet, model: type[models.Model], user) -> Edit:
    """Bring back the records that *deletions* (Changes) took away, as they were, with their keys.

    Raises EditRefused where another record has taken a key, or what one refers to is gone.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        edit = Edit.objects.create(action=Edit.Action.RESTORED, user=user)
        _select(deletions)
        put_back(cursor, model, f"changes c WHERE c.id IN (SELECT pk FROM {SELECTED})", "c.before")
        cursor.execute(
            f'INSERT INTO changes (edit_id, "table", record, kind, "after", standing) SELECT %s, c."table", c.record,'
            f" '{Change.Kind.CREATED}', c.before, {no()} FROM changes c WHERE c.id IN (SELECT pk FROM {SELECTED})",
            [edit.pk],
        )
        cursor.execute(f"UPDATE changes SET standing = {no()} WHERE id IN (SELECT pk FROM {SELECTED})")
        cursor.execute(f"DROP TABLE {temporary(SELECTED)}")
    return edit


def created(record: models.Model, user) -> Edit:
    """Write down that *record* was made by hand."""
    with _edit(
        Edit.Action.CREATED, type(record)._default_manager.filter(pk=record.pk), user, Change.Kind.CREATED
    ) as edit:
        pass
    return edit


def put_back(cursor, model: type[models.Model], rows: str, document: str) -> None:
    """Insert the rows of *model* that the JSON *document* of *rows* holds, and their many-to-many."""
    columns = values(model, document)
    names = ", ".join(quoted(name) for name in columns)
    overriding = " OVERRIDING SYSTEM VALUE" if connection.vendor == "postgresql" else ""
    cursor.execute(
        f"INSERT INTO {quoted(model._meta.db_table)} ({names}){overriding}"
        f" SELECT {', '.join(columns.values())} FROM {rows}"
    )
    for field in model._meta.many_to_many:
        put_back_links(cursor, field, rows, document)


def put_back_links(cursor, field: models.ManyToManyField, rows: str, document: str) -> None:
    """Insert the many-to-many *field* of the rows that the JSON *document* of *rows* holds."""
    names = (field.m2m_db_table(), field.m2m_column_name(), field.m2m_reverse_name())
    through, owner, member = (quoted(name) for name in names)
    cursor.execute(f"INSERT INTO {through} ({owner}, {member}) {members(field, rows, document)}")


def no() -> str:
    return "false" if connection.vendor == "postgresql" else "0"


@contextmanager
def _edit(action: str, records: models.QuerySet, user, kind: str = Change.Kind.UPDATED) -> Iterator[Edit]:
    """Write down the rows of *records* before and after what is done within."""
    model = records.model
    table, pk, row = quoted(model._meta.db_table), quoted(model._meta.pk.column), as_json(model, "r")
    with transaction.atomic(), connection.cursor() as cursor:
        edit = Edit.objects.create(action=action, user=user)
        _select(records)
        if connection.vendor == "postgresql":
            rows = f"SELECT 1 FROM {table} WHERE {pk} IN (SELECT pk FROM {SELECTED}) FOR UPDATE"
            cursor.execute(f"SELECT count(*) FROM ({rows}) locked")
        before = "NULL" if kind == Change.Kind.CREATED else row
        cursor.execute(
            f'INSERT INTO changes (edit_id, "table", record, kind, "before", standing) SELECT %s, %s,'
            f" CAST(r.{pk} AS text), %s, {before}, {no()} FROM {table} r WHERE r.{pk} IN (SELECT pk FROM {SELECTED})",
            [edit.pk, model._meta.db_table, kind],
        )
        yield edit
        if kind != Change.Kind.DELETED:
            cursor.execute(
                f'UPDATE changes SET "after" = {row} FROM {table} r'
                f" WHERE changes.edit_id = %s AND changes.record = CAST(r.{pk} AS text)",
                [edit.pk],
            )
        cursor.execute(f"DROP TABLE {temporary(SELECTED)}")


def _select(records: models.QuerySet) -> None:
    query, parameters = records.order_by().values_list("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {temporary(SELECTED)}")
        kind = records.model._meta.pk.rel_db_type(connection)
        cursor.execute(f"CREATE TEMPORARY TABLE {SELECTED} (pk {kind})")
        cursor.execute(f"INSERT INTO {SELECTED} {query}", parameters)


def _referring(model: type[models.Model]) -> Iterator[str]:
    """Yield what refers to the selected records: how many of which table, and the first of them."""
    for relation in model._meta.related_objects:
        child = relation.related_model
        if not child._meta.managed or relation.many_to_many or relation.on_delete is models.CASCADE:
            continue
        with connection.cursor() as cursor:
            there = (
                f"{quoted(child._meta.db_table)} WHERE {quoted(relation.field.column)} IN (SELECT pk FROM {SELECTED})"
            )
            cursor.execute(f"SELECT count(*) FROM {there}")
            if count := cursor.fetchone()[0]:
                cursor.execute(f"SELECT {quoted(child._meta.pk.column)} FROM {there} ORDER BY 1 LIMIT {SHOWN}")
                first = ", ".join(str(key) for (key,) in cursor.fetchall())
                yield f"{count} of {child._meta.db_table} ({first}{', …' if count > SHOWN else ''})"


# The parts of the queries; r is the record.


def _param(field: models.Field) -> str:
    return f"CAST(%s AS {field.rel_db_type(connection)})" if connection.vendor == "postgresql" else "%s"


def _file_side(field: models.Field) -> str:
    corrected = is_corrected("r.corrections", field.column)
    return f"CASE WHEN {corrected} THEN {value_of(field, 'r.corrections')} ELSE r.{quoted(field.column)} END"


def _with(field: models.Field) -> str:
    """Return the corrections with what the file says of *field*."""
    name, own = field.column, f"r.{quoted(field.column)}"
    if connection.vendor == "postgresql":
        return f"jsonb_build_object('{name}', {own}) || coalesce(r.corrections, '{{}}')"
    corrected = is_corrected("r.corrections", name)
    added = f"json_set(coalesce(r.corrections, '{{}}'), '$.{name}', {json_value(field, own)})"
    return f"CASE WHEN {corrected} THEN r.corrections ELSE {added} END"


def _without(field: models.Field) -> str:
    if connection.vendor == "postgresql":
        return f"nullif(r.corrections - '{field.column}', '{{}}')"
    return f"nullif(json_remove(r.corrections, '$.{field.column}'), '{{}}')"


def _text(name: str) -> str:
    if connection.vendor == "postgresql":
        return f"\"before\"->>'{name}'"
    return f"json_extract(\"before\", '$.{name}')"
