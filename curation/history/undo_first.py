"""Undo or redo alone, or with everything that blocks it: the blocking runs and edits first, in one transaction."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max

from curation.history.blockers import newest_change
from curation.history.preview_tokens import digest_of
from curation.history.undo import redo_edit, redo_run, reverse, undo_edit, undo_run
from curation.history.undo_permissions import may_undo
from curation.history.undo_result import (
    UndoForbiddenError,
    Undone,
    UndoOvertakenError,
    UndoRefusedError,
)
from datasets.sql.dry_run import rolled_back
from datasets.sql.query_timeout import unlimited
from imports.engine.locks import ImportRefusedError, import_lock
from imports.models import Edit, ImportRun

Event = ImportRun | Edit
MOST = 100  # runs and edits that one confirmation can undo


def undo_or_redo(
    action: ImportRun | Edit, user: User | None = None, *, redo: bool, blockers_first: bool, **options: Any
) -> list[Undone]:
    """Undo or redo *action* with the *options* of :func:`~curation.history.undo.undo_run`.

    With *blockers_first*, first undo the changes that block it. Return the effects in the order of their execution.
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
    """Undo all changes that block the undo or redo of *action*, and then *action*. Each is an Edit.

    Return the effects in the order of their execution. Raise UndoRefusedError for a conflict without a blocking run or
    edit, UndoForbiddenError if *user* may not undo one of them, and UndoOvertakenError as
    :func:`~curation.history.undo.undo_run` does.
    """
    try:
        with import_lock(action.dataset), rolled_back() as preview:
            steps = _Reversals(action, {"user": user, "reason": reason}, redo=redo).steps()
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


class _Reversals:
    """The undo or redo of *action* and of everything that blocks it, as edits with the details *by*.

    An event is a run, an edit, or the undo or redo of one, which a redo or undo reverses. Events are reversed from the
    newest to the oldest: a record that is restored too early could block the reversal of an event in between.
    """

    def __init__(self, action: ImportRun | Edit, by: dict[str, Any], *, redo: bool):
        self.by, self.redo = by, redo
        self.latest = Edit.objects.aggregate(latest=Max("pk"))["latest"] or 0  # the reversals are later edits
        self.reversed: list[tuple[Event, str, Undone]] = []  # with the savepoint before each
        self.positions: dict[Event, tuple[int, bool, int]] = {}  # of the events to reverse, oldest first
        self.first = self._last_event(action) or action
        self._add([self.first])

    def steps(self) -> list[Undone]:
        """Reverse the events, and return the undos and redos in the order of their execution.

        Raise UndoRefusedError if a conflict has no blocking event, or if there are too many events.
        """
        while remaining := self.positions.keys() - self._reversed_events():
            self._reverse(max(remaining, key=self.positions.__getitem__))
        return [step for _, _, step in self.reversed]

    def _reverse(self, event: Event) -> None:
        """Reverse *event*, or add the events that block it and roll back the reversals of older events."""
        is_undo = isinstance(event, Edit) and event.action == Edit.Action.UNDONE
        savepoint = transaction.savepoint()
        try:
            with transaction.atomic():
                redo = self.redo if event == self.first else is_undo
                step = reverse(_root(event), self.by, redo=redo, sealed=True)
        except UndoRefusedError as refusal:
            blocking = self._blocking(refusal)
            if not blocking or len(self.positions) + len(blocking) > MOST:
                raise
            self._add(blocking)
            newest = max(self.positions[event] for event in blocking)
            while self.reversed and self.positions[self.reversed[-1][0]] < newest:
                transaction.savepoint_rollback(self.reversed.pop()[1])
        else:
            self.reversed.append((event, savepoint, step))

    def _blocking(self, refusal: UndoRefusedError) -> list[Event]:
        """Return the blocking events that are not in the list yet, or none if a conflict has no such event."""
        if not all(conflict.blockers for conflict in refusal.conflicts):
            return []
        actions = (blocker.action for conflict in refusal.conflicts for blocker in conflict.blockers)
        events = {event for action in actions if (event := self._last_event(action))}
        return [event for event in events if event not in self.positions]

    def _last_event(self, action: ImportRun | Edit) -> Event | None:
        """Return the last event of the run or edit that *action* is, undoes or redoes, except the reversed ones."""
        root, done = _root(action), self._reversed_events()
        events = (*root.undoings.filter(pk__lte=self.latest).order_by("-pk"), root)
        return next((event for event in events if event not in done), None)

    def _reversed_events(self) -> set[Event]:
        return {event for event, _, _ in self.reversed}

    def _add(self, events: Iterable[Event]) -> None:
        self.positions |= {event: (newest_change(event), isinstance(event, ImportRun), event.pk) for event in events}


def _root(event: Event) -> ImportRun | Edit:
    """Return the run or edit that *event* is, undoes or redoes."""
    return event if isinstance(event, ImportRun) else event.undone_run or event.undone_edit or event
