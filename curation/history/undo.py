"""Undo and redo of a run or an edit: restore the previous state of its records, or refuse with the conflicts."""

from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, connection

from curation.history.preview_tokens import digest_of
from curation.history.reversal import Reversal
from curation.history.run_status import set_status
from curation.history.tombstones import set_tombstones
from curation.history.undo_conflicts import UndoConflicts
from curation.history.undo_result import Conflict, RedoRefusedError, Undone, UndoOvertakenError, UndoRefusedError
from datasets.sql.dry_run import rolled_back
from datasets.sql.page_cache import LARGE, page_cache
from datasets.sql.query_timeout import unlimited
from datasets.versions import raise_version
from imports.engine import references
from imports.engine.locks import ImportRefusedError, import_lock
from imports.models import Edit, ImportRun

MANY = 10_000  # changes of a run or an edit that PostgreSQL's statistics should include


@unlimited()
def undo_run(
    run: ImportRun, user: User | None = None, *, reason: str = "", dry_run: bool = False, expecting: str = ""
) -> Undone:
    """Undo the changes of *run*; raise UndoRefusedError if later changes or references depend on them.

    A later change whose effect was reversed, such as a deletion and a restoration, is no conflict. Raise
    UndoOvertakenError if *expecting*, the seal that the user confirmed, is not the seal of the current effect.
    """
    return _of_run(run, {"user": user, "reason": reason}, expecting, dry_run=dry_run, redo=False)


@unlimited()
def redo_run(
    run: ImportRun, user: User | None = None, *, reason: str = "", dry_run: bool = False, expecting: str = ""
) -> Undone:
    """Apply the undone *run* again, with the same keys and origins; raise RedoRefusedError as :func:`undo_run` does."""
    return _of_run(run, {"user": user, "reason": reason}, expecting, dry_run=dry_run, redo=True)


@unlimited()
def undo_edit(
    edit: Edit, user: User | None = None, *, reason: str = "", dry_run: bool = False, expecting: str = ""
) -> Undone:
    """Undo the changes of *edit*; raise UndoRefusedError as :func:`undo_run` does."""
    return reverse(edit, {"user": user, "reason": reason}, expecting, dry_run=dry_run, redo=False)


@unlimited()
def redo_edit(
    edit: Edit, user: User | None = None, *, reason: str = "", dry_run: bool = False, expecting: str = ""
) -> Undone:
    """Apply the undone *edit* again; raise RedoRefusedError as :func:`undo_run` does."""
    return reverse(edit, {"user": user, "reason": reason}, expecting, dry_run=dry_run, redo=True)


def _of_run(run: ImportRun, by: dict[str, Any], expecting: str, *, dry_run: bool, redo: bool) -> Undone:
    try:
        with import_lock(run.dataset):
            return reverse(run, by, expecting, dry_run=dry_run, redo=redo)
    except ImportRefusedError as error:
        raise _refused([str(error)], redo=redo) from None


def reverse(
    action: ImportRun | Edit,
    by: dict[str, Any],
    expecting: str = "",
    *,
    redo: bool,
    dry_run: bool = False,
    sealed: bool = False,
) -> Undone:
    """Undo or redo *action* as an Edit with the details *by*: user and reason. A run needs its dataset's lock.

    The effect has a seal if it is *sealed*, a dry run, or *expecting* a seal.
    """
    result = Undone(action, redo)
    _prepare(action)
    try:
        with page_cache(LARGE), rolled_back() as preview:
            references.expect_long_queries()
            _set_state(action, redo=redo)
            reversed_action = action.undoings.filter(action=Edit.Action.UNDONE).first() if redo else action
            reversal = Reversal(reversed_action or action)
            conflicts = UndoConflicts(reversal, action)
            _expect_none(list(conflicts.before()), redo=redo)
            target: dict[str, Any] = {"undone_run" if isinstance(action, ImportRun) else "undone_edit": action}
            done = Edit.Action.REDONE if redo else Edit.Action.UNDONE
            edit = Edit.objects.create(action=done, dataset=action.dataset, **target, **by)
            sealed = sealed or dry_run or bool(expecting)
            seal = reversal.seal() if sealed else ""
            _apply(reversal, conflicts, edit, result)
            result.seal = digest_of(f"{result}: {seal}; {'; '.join(result.done())}") if sealed else ""
            if expecting and result.seal != expecting:
                raise UndoOvertakenError([result])
            raise_version(*{model._meta.app_label for model in reversal.models}, by=edit)
            if not dry_run:
                preview.keep()
    except IntegrityError:
        raise _refused(["Later records conflict with the restored records."], redo=redo) from None
    if not dry_run:
        action.refresh_from_db()
    return result


def _apply(reversal: Reversal, conflicts: UndoConflicts, edit: Edit, result: Undone) -> None:
    with connection.cursor() as cursor:
        with references.deferred_checks():
            for model in reversal.models:
                reversal.re_create(cursor, model, edit, result)
            for model in reversal.models:
                reversal.restore(cursor, model, edit, result)
        _expect_none(list(conflicts.missing_references()), redo=result.redo)
        # Checked after the restored records have lost their references to created records.
        _expect_none(list(conflicts.references_to_created()), redo=result.redo)
        for model in reversed(reversal.models):
            reversal.delete_created(cursor, model, edit, result)
        if isinstance(reversal.action, ImportRun):
            with references.deferred_checks():  # each would read the whole table of the records that may use the term
                for model in reversal.models:
                    reversal.delete_terms(cursor, model, edit, result)
        if isinstance(result.action, Edit):
            set_tombstones(cursor, result.action, undone=not result.redo)


def _set_state(action: ImportRun | Edit, *, redo: bool) -> None:
    """Mark *action* as undone or redone; raise UndoRefusedError if it already is. A concurrent undo waits here."""
    if isinstance(action, ImportRun):
        action.refresh_from_db()
        expected = ImportRun.Status.UNDONE if redo else ImportRun.Status.APPLIED
        if action.status != expected:
            status = action.get_status_display().lower()
            verb = "redone" if redo else "undone"
            only = f"Only an {'undone' if redo else 'applied'} run can be {verb}."
            raise _refused([f"Run {action.pk} is {status}. {only}"], redo=redo)
        set_status(action, undone=not redo)
        return
    edits = Edit.objects.filter(pk=action.pk, is_undone=redo)
    edits = edits.exclude(action__in=(Edit.Action.UNDONE, Edit.Action.REDONE))
    if not edits.update(is_undone=not redo):
        reason = "The edit has not been undone." if redo else "The edit is an undo or has already been undone."
        raise _refused([reason], redo=redo)


def _prepare(action: ImportRun | Edit) -> None:
    """Update PostgreSQL's planner statistics of the changes if they may lack those of a large *action*."""
    if connection.vendor == "postgresql" and action.changes.all()[: MANY + 1].count() > MANY:
        with connection.cursor() as cursor:
            cursor.execute('ANALYZE changes (run_id, edit_id, "table", record, kind)')


def _expect_none(conflicts: list[Conflict], *, redo: bool) -> None:
    if conflicts:
        raise _refused([conflict.sentence for conflict in conflicts], conflicts, redo=redo)


def _refused(reasons: list[str], conflicts: list[Conflict] | None = None, *, redo: bool) -> UndoRefusedError:
    return (RedoRefusedError if redo else UndoRefusedError)(reasons, conflicts)
