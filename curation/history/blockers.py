"""The runs and edits that block an undo: for each record in conflict, the last one that changed the record."""

from django.db import connection
from django.db.models import Model

from curation.history.conflicts import SHOWN
from curation.history.undo_result import Blocker
from datasets.models import Record
from datasets.sql.dialect import pk_column, quoted
from imports.models import Edit, ImportRun

BY_UNDO = f"('{Edit.Action.UNDONE}', '{Edit.Action.REDONE}')"
# The condition that the Change l, of the run lr or the edit le, has an effect. An undo and what it undid cancel out if
# both are later than the Change b.floor; otherwise the last undo or redo has an effect.
HAS_EFFECT = (
    f"(lr.status <> '{ImportRun.Status.UNDONE}' OR le.action NOT IN {BY_UNDO} AND NOT le.is_undone"
    f" OR le.action IN {BY_UNDO}"
    " AND NOT EXISTS (SELECT 1 FROM edits n WHERE n.id > le.id"
    " AND (n.undone_run_id = le.undone_run_id OR n.undone_edit_id = le.undone_edit_id))"
    ' AND NOT EXISTS (SELECT 1 FROM changes x WHERE x."table" = l."table" AND x.record = l.record AND x.id > b.floor'
    " AND (x.run_id = le.undone_run_id OR x.edit_id = le.undone_edit_id)))"
)


def changed_by(model: type[Model], blocked: str) -> tuple[list[Blocker], int]:
    """Return what last changed the records in *blocked*, a query of keys and of the Change after which changes block.

    The newest of the runs and edits are returned, and the number of the others.
    """
    return _named(_last_changes(model, blocked, HAS_EFFECT))


def stored_by(model: type[Model], stored: str) -> tuple[list[Blocker], int]:
    """Return what last changed, or else created, the existing records whose keys the query *stored* returns."""
    changed = _last_changes(model, f"SELECT s.*, 0 FROM ({stored}) s", HAS_EFFECT)
    if not issubclass(model, Record):
        return _named(changed)
    table, pk = quoted(model._meta.db_table), quoted(pk_column(model))
    return _named(
        f"{changed} UNION ALL SELECT 0, f.run_id, NULL, CAST(r.{pk} AS text) FROM {table} r"
        f" JOIN source_files f ON f.id = r.created_in_id WHERE r.{pk} IN ({stored})"
        f" AND CAST(r.{pk} AS text) NOT IN (SELECT record FROM ({changed}) y)"
    )


def deleted_by(model: type[Model], deleted: str) -> tuple[list[Blocker], int]:
    """Return what deleted the records whose keys the query *deleted* returns."""
    return _named(_last_changes(model, f"SELECT s.*, 0 FROM ({deleted}) s", "1 = 1"))


def _last_changes(model: type[Model], blocked: str, condition: str) -> str:
    """Return a query of the last Change with *condition* of each record in *blocked*: its id, run, edit and record."""
    return (
        "SELECT c.id, c.run_id, c.edit_id, c.record FROM changes c WHERE c.id IN ("
        f"WITH b(record, floor) AS ({blocked}) SELECT max(l.id) FROM b"
        f" JOIN changes l ON l.record = CAST(b.record AS text) AND l.{quoted('table')} = '{model._meta.db_table}'"
        " AND l.id > b.floor LEFT JOIN import_runs lr ON lr.id = l.run_id LEFT JOIN edits le ON le.id = l.edit_id"
        f" WHERE {condition} GROUP BY l.record)"
    )


def _named(changes: str) -> tuple[list[Blocker], int]:
    """Return the newest runs and edits of *changes*, a query as of _last_changes, and the number of the others."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT y.run_id, y.edit_id, count(*), count(*) OVER (), max(y.id) AS last"
            f" FROM ({changes}) y GROUP BY y.run_id, y.edit_id ORDER BY last DESC, y.run_id DESC LIMIT {SHOWN}"
        )
        found = cursor.fetchall()
    runs = ImportRun.objects.in_bulk([run for run, *_ in found if run])
    edits = Edit.objects.select_related("user", "undone_run", "undone_edit")
    edits_by_key = edits.in_bulk([edit for _, edit, *_ in found if edit])
    named = [Blocker(runs[run] if run else edits_by_key[edit], count) for run, edit, count, *_ in found]
    return named, (found[0][3] - len(named) if found else 0)
