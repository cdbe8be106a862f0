"""The runs and edits that block an undo: for each record in conflict, the last one that changed the record."""

from django.db import connection
from django.db.models import Max, Model

from curation.history.conflicts import SHOWN
from curation.history.undo_result import Blocker
from datasets.models import Record
from datasets.sql.dialect import is_distinct, pk_column, quoted
from datasets.sql.row_json import values
from imports.models import Change, Edit, ImportRun

BY_UNDO = f"('{Edit.Action.UNDONE}', '{Edit.Action.REDONE}')"
OF_RECORD = 'changes x WHERE x."table" = l."table" AND x.record = l.record'  # changes of the same record as l


def newest_change(*actions: ImportRun | Edit) -> int:
    """Return the key of the last Change until the end of *actions*, or 0. Later changes have higher keys."""
    edits = [action.pk for action in actions if isinstance(action, Edit)]
    newest = Change.objects.filter(edit__in=edits).aggregate(newest=Max("pk"))["newest"] or 0
    return max([newest, *(action.newest_change for action in actions if isinstance(action, ImportRun))])


def changed_by(model: type[Model], changed: str, floor: int) -> tuple[list[Blocker], int]:
    """Return the runs and edits that last changed records after the Change *floor*; *changed* is a query of their keys.

    The newest of the runs and edits are returned, and the number of the others.
    """
    return _named(_last_changes(model, changed, floor, _has_effect(model, floor)))


def stored_by(model: type[Model], stored: str, floor: int) -> tuple[list[Blocker], int]:
    """Return the runs and edits that last changed, or else created, existing records, by a query of keys."""
    condition = _has_effect(model, floor)
    if not issubclass(model, Record):
        return _named(_last_changes(model, stored, floor, condition))
    table, pk = quoted(model._meta.db_table), quoted(pk_column(model))
    # An import may have created the record again after these changes, which stores no Change.
    stored_in = f"(SELECT r.created_in_id FROM {table} r WHERE r.{pk} = b.record)"
    condition += f" AND NOT ({stored_in} {is_distinct()} {_created_in(model, 'l')})"
    changed = _last_changes(model, stored, floor, condition)
    return _named(
        f"{changed} UNION ALL SELECT 0, f.run_id, NULL, CAST(r.{pk} AS text) FROM {table} r"
        f" JOIN source_files f ON f.id = r.created_in_id WHERE r.{pk} IN ({stored})"
        f" AND CAST(r.{pk} AS text) NOT IN (SELECT record FROM ({changed}) y)"
    )


def _has_effect(model: type[Model], floor: int) -> str:
    """Return the condition that the Change l, of the run lr or the edit le, affects the state since the Change *floor*.

    A run or an edit has no effect if it is undone. Of its undos and redos, only the last has an effect, and only if its
    outcome differs from the outcome before *floor*: undone, or not undone, as without an undo. If the run or edit is
    itself later, its own Change has the effect.
    """
    root = "({0}.undone_run_id = le.undone_run_id OR {0}.undone_edit_id = le.undone_edit_id)"
    is_own = "(x.run_id = le.undone_run_id OR x.edit_id = le.undone_edit_id)"
    outcome = (
        'SELECT m.action FROM edits m JOIN changes x ON x.edit_id = m.id WHERE x."table" = l."table"'
        f" AND x.record = l.record AND x.id <= {floor} AND {root.format('m')} ORDER BY x.id DESC LIMIT 1"
    )
    return (
        f"(lr.status <> '{ImportRun.Status.UNDONE}' OR le.action NOT IN {BY_UNDO} AND NOT le.is_undone"
        f" OR le.action IN {BY_UNDO} AND NOT EXISTS (SELECT 1 FROM edits n WHERE n.id > le.id AND {root.format('n')})"
        f" AND NOT EXISTS (SELECT 1 FROM {OF_RECORD} AND x.id > {floor} AND {is_own})"
        f" AND NOT {_undid_creation(model, floor)}"
        f" AND le.action <> coalesce(({outcome}), '{Edit.Action.REDONE}'))"
    )


def _undid_creation(model: type[Model], floor: int) -> str:
    """Return the condition that l deleted a record that the undone run had created since *floor*, without a Change."""
    if not issubclass(model, Record):
        return "(1 = 0)"
    return (
        f"(l.kind = '{Change.Kind.DELETED}' AND EXISTS (SELECT 1 FROM source_files f JOIN import_runs u"
        f" ON u.id = f.run_id WHERE f.id = {values(model, 'l.before')['created_in_id']}"
        f" AND u.id = le.undone_run_id AND u.newest_change >= {floor}))"
    )


def _created_in(model: type[Model], change: str) -> str:
    """Return the expression for the file that created the record of *change*, which no later change of it alters."""
    return values(model, f"coalesce({change}.after, {change}.before)")["created_in_id"]


def _last_changes(model: type[Model], blocked: str, floor: int, condition: str) -> str:
    """Return a query of the last Change with *condition* after *floor* of each record in *blocked*.

    Its columns are the id, run, edit and record of the Change.
    """
    return (
        "SELECT c.id, c.run_id, c.edit_id, c.record FROM changes c WHERE c.id IN ("
        # A CROSS JOIN keeps SQLite from reading all changes of the table for each record.
        f"WITH b(record) AS ({blocked}) SELECT max(l.id) FROM b CROSS JOIN changes l"
        " LEFT JOIN import_runs lr ON lr.id = l.run_id LEFT JOIN edits le ON le.id = l.edit_id"
        f" WHERE l.record = CAST(b.record AS text) AND l.{quoted('table')} = '{model._meta.db_table}'"
        f" AND l.id > {floor} AND {condition} GROUP BY l.record)"
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
