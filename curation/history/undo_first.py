"""Undo or redo alone, or with everything that blocks it: the blocking runs and edits first, in one transaction."""

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from curation.history.preview_tokens import digest_of
from curation.history.undo import redo_edit, redo_run, reverse, undo_edit, undo_run
from curation.history.undo_permissions import may_undo
from curation.history.undo_result import (
    Blocker,
    Conflict,
    UndoForbiddenError,
    Undone,
    UndoOvertakenError,
    UndoRefusedError,
)
from datasets.sql.dry_run import rolled_back
from datasets.sql.query_timeout import unlimited
from imports.engine.locks import ImportRefusedError, import_lock
from imports.models import Edit, ImportRun

MOST = 100  # runs and edits that one confirmation can undo


def undo_or_redo(
    action: ImportRun | Edit, user: User | None = None, *, redo: bool, blockers_first: bool, **options: Any
) -> list[Undone]:
    """Undo or redo *action* with the *options* of :func:`~curation.history.undo.undo_run`.

    With *blockers_first*, undo what blocks it first. Return the effects in the order of their execution.
    """
    if blockers_first:
        return reverse_with_blockers(action, user, redo=redo, **options)
    if isinstance(action, ImportRun):
        return [(redo_run if redo else undo_run)(action, user, **options)]
    return [(redo_edit if redo else undo_edit)(action, user, **options)]


@unlimited()
def reverse_with_blockers(
    action: ImportRun | Edit,
    user: User | None = None,
    *,
    redo: bool,
    reason: str = "",
    dry_run: bool = False,
    expecting: str = "",
) -> list[Undone]:
    """Undo what blocks the undo or redo of *action*, and what blocks that, and then *action*. Each is an Edit.

    Of several blockers, the newest is undone first.

    Return the effects in the order of their execution. Raise UndoRefusedError for a conflict without a blocking run or
    edit, UndoForbiddenError if *user* may not undo one of them, and UndoOvertakenError as
    :func:`~curation.history.undo.undo_run` does.
    """
    steps: list[Undone] = []
    try:
        with import_lock(action.dataset), rolled_back() as preview:
            _reverse_first(action, redo, {"user": user, "reason": reason}, steps, [])
            if lacking := [step for step in steps if user and not may_undo(user, step.action)]:
                raise UndoForbiddenError([f"You do not have permission to {step}." for step in lacking])
            if expecting and seal_of_steps(steps) != expecting:
                raise UndoOvertakenError(steps)
            if not dry_run:
                preview.keep()
    except ImportRefusedError as error:
        raise UndoRefusedError([str(error)]) from None
    action.refresh_from_db()  # a preview has rolled its state back
    return steps


def seal_of_steps(steps: list[Undone]) -> str:
    """Return the seal of undos and redos: what each does, and to which records."""
    return steps[0].seal if len(steps) == 1 else digest_of(" ".join(step.seal for step in steps))


def _reverse_first(
    action: ImportRun | Edit,
    redo: bool,  # noqa: FBT001 - a private function
    by: dict[str, Any],
    steps: list[Undone],
    begun: list[ImportRun | Edit],
) -> None:
    """Append the undo or redo of *action* to *steps*, after those of its blockers; *begun* are the actions above it."""
    begun.append(action)
    while True:
        try:
            with transaction.atomic():
                steps.append(reverse(action, by, redo=redo, sealed=True))
            return
        except UndoRefusedError as refusal:
            target = _newest(refusal.conflicts)
            if target is None or target[0] in begun or len(begun) == MOST:
                raise
        _reverse_first(*target, by, steps, begun)


def _newest(conflicts: list[Conflict]) -> tuple[ImportRun | Edit, bool] | None:
    """Return the blocker to undo or redo first, and whether to redo it: the latest edit, else the latest run.

    An undo that blocks is undone by a redo of what it undid. None if a conflict has no blocker.
    """
    blockers: list[Blocker] = [blocker for conflict in conflicts for blocker in conflict.blockers[:1]]
    if not blockers or len(blockers) < len(conflicts):
        return None
    actions = [blocker.action for blocker in blockers]
    latest = max(actions, key=_time)
    if isinstance(latest, Edit) and (root := latest.undone_run or latest.undone_edit):
        undone = root.is_undone if isinstance(root, Edit) else root.status == ImportRun.Status.UNDONE
        return root, undone
    return latest, False


def _time(action: ImportRun | Edit) -> Any:
    return action.at if isinstance(action, Edit) else action.finished_at or action.started_at
