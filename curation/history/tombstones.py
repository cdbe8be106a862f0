"""Tombstones: deletions by curators. Imports skip these records until a curator restores them."""

from typing import Any

from django.db import connection, models
from django.db.backends.utils import CursorWrapper

from curation.history.timeline import changes_of
from datasets.sql.dialect import sql_true
from imports.models import Change, Edit, ImportRun


def set_tombstones(cursor: CursorWrapper, condition: str) -> None:
    """Mark the deletions that match *condition* as tombstones, if their records came from a file."""
    cursor.execute(f"UPDATE changes SET is_tombstone = {sql_true()} WHERE {_from_a_file()} AND {condition}")


def set_tombstones_again(cursor: CursorWrapper, restoring: Edit) -> None:
    """Mark the deletions as tombstones again that *restoring*, an edit that is being undone, had reversed."""
    last = (
        "SELECT max(d.id) FROM changes c JOIN changes d ON d.record = c.record AND d.id < c.id"
        f' AND d."table" = c."table" JOIN edits e ON e.id = d.edit_id AND e.action = \'{Edit.Action.DELETED}\''
        " WHERE c.edit_id = {} AND d.kind = '{}' AND NOT EXISTS"
        " (SELECT 1 FROM edits u WHERE u.undone_edit_id = e.id) GROUP BY c.id"
    )
    set_tombstones(cursor, f"changes.id IN ({last.format(restoring.pk, Change.Kind.DELETED)})")


def deletion_by_curator(model: type[models.Model], key: Any) -> Change | None:
    """Return the Change by which a curator deleted the record *key*, if it is the record's last effective change.

    Changes that were undone and undos themselves are not effective.
    """
    last = (
        changes_of(model, key)
        .exclude(edit__action=Edit.Action.UNDONE)
        .filter(edit__undoing__isnull=True)
        .exclude(run__status=ImportRun.Status.UNDONE)
        .select_related("edit")
        .last()
    )
    return last if last and last.edit and last.edit.action == Edit.Action.DELETED else None


def _from_a_file() -> str:
    if connection.vendor == "postgresql":
        return "\"before\"->>'changed_in_id' IS NOT NULL"
    return "json_extract(\"before\", '$.changed_in_id') IS NOT NULL"
