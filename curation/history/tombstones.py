"""Tombstones: deletions by curators. Imports skip these records until a curator restores them."""

from django.db import connection, models
from django.db.backends.utils import CursorWrapper

from curation.history.editable_fields import key_names
from datasets.fields import field_of
from datasets.sql.dialect import column_name, quoted, sql_false, sql_true
from datasets.sql.row_json import values
from imports.models import Change, Edit, ImportRun


def set_tombstones(cursor: CursorWrapper, edit: Edit, *, undone: bool = False) -> None:
    """Set or remove the tombstones of *edit*, a deletion or a restoration that takes effect or is *undone*."""
    if edit.action in (Edit.Action.DELETED, Edit.Action.RESTORED):
        stands = (edit.action == Edit.Action.DELETED) is not undone
        flag = sql_true() if stands else sql_false()
        condition = f"id IN ({tombstones_of(edit)}) AND {_from_a_file()}"
        cursor.execute(f"UPDATE changes SET is_tombstone = {flag} WHERE {condition}")


def tombstones_of(action: Edit | ImportRun) -> str:
    """Return a query of the deletions that *action* marks as tombstones, or whose tombstones it reverses."""
    if isinstance(action, Edit) and action.action == Edit.Action.DELETED:
        return f"SELECT id FROM changes WHERE edit_id = {action.pk}"
    if isinstance(action, Edit) and action.action == Edit.Action.RESTORED:
        return (
            f"SELECT reversed_tombstone_id FROM changes WHERE edit_id = {action.pk}"
            " AND reversed_tombstone_id IS NOT NULL"
        )
    return "SELECT 0"


def has_other_tombstone(action: Edit | ImportRun) -> str:
    """Return the condition that the record of the deletion ``c`` has other tombstones than *action* left it with."""
    of_record = 'SELECT 1 FROM changes t WHERE t.record = c.record AND t."table" = c."table"'
    own = tombstones_of(action)
    return (
        f"(EXISTS ({of_record} AND t.is_tombstone AND t.id NOT IN ({own}))"
        f" OR EXISTS ({of_record} AND NOT t.is_tombstone AND t.id IN ({own}) AND {_from_a_file('t.')}))"
    )


def same_key_deleted(model: type[models.Model], rows: str) -> str:
    """Return a query of the records with a tombstone whose keys are in ``c.before`` of *rows*, changes ``c``."""
    names = {column_name(field_of(model, name)) for name in key_names(model)} or {"identity"}
    deleted, restored = values(model, "t.before"), values(model, "c.before")
    known = sorted(names & set(deleted))
    keys = "".join(f", {deleted[name]} AS key_{index}" for index, name in enumerate(known))
    same = [f"d.key_{index} = {restored[name]}" for index, name in enumerate(known)] or ["1 = 0"]
    source, _, condition = rows.partition(" WHERE ")
    return (
        f"WITH d AS MATERIALIZED (SELECT t.record{keys} FROM changes t WHERE t.is_tombstone"  # a row per tombstone
        f" AND t.{quoted('table')} = '{model._meta.db_table}') SELECT DISTINCT d.record FROM {source}"
        f" JOIN d ON d.record <> c.record AND {' AND '.join(same)} WHERE {condition}"
    )


def restorable_deletion(changes: models.QuerySet[Change], last: Change | None = None) -> Change | None:
    """Return the Change that a curator can reverse to restore a deleted record, else None.

    *changes* are all changes of the record, and *last* is the last of them. A curator can restore what a curator
    deleted, and what the undo of a run deleted. The undo of a restoration leads to the deletion before that.
    """
    last = last or changes.select_related("edit").last()
    while last and last.edit and last.kind == Change.Kind.DELETED:
        edit = last.edit
        if edit.action == Edit.Action.DELETED or (edit.action == Edit.Action.UNDONE and edit.undone_run_id):
            return last
        reversed_change = changes.select_related("edit").filter(edit=edit.undone_edit_id).last()
        if reversed_change and edit.action == Edit.Action.UNDONE:
            reversed_change = changes.select_related("edit").filter(pk__lt=reversed_change.pk).last()
        last = reversed_change
    return None


def _from_a_file(alias: str = "") -> str:
    if connection.vendor == "postgresql":
        return f"{alias}\"before\"->>'changed_in_id' IS NOT NULL"
    return f"json_extract({alias}\"before\", '$.changed_in_id') IS NOT NULL"
