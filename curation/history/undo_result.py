"""The result of an undo or redo, and the errors that refuse one."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db.models import Model

from curation.history.record_counts import counted, model_of
from imports.models import Edit, ImportRun


def named(action: ImportRun | Edit) -> str:
    """Return a run or an edit as messages name it: ``run 5``."""
    return f"{'run' if isinstance(action, ImportRun) else 'edit'} {action.pk}"


@dataclass(frozen=True)
class Blocker:
    """A run or an edit that blocks an undo, and the number of records in conflict."""

    action: ImportRun | Edit
    records: int

    def __str__(self) -> str:
        return f"{named(self.action)} ({self.records:,} {'record' if self.records == 1 else 'records'})"


@dataclass(frozen=True)
class Conflict:
    """Records that block an undo: a sentence about them, the keys of the first, and what made them so, newest first."""

    sentence: str
    model: type[Model]
    count: int  # of the records
    keys: tuple[str, ...]
    blockers: tuple[Blocker, ...]
    more: int = 0  # blockers that are not listed


class UndoRefusedError(Exception):
    """An undo that is not possible; *reasons* has one sentence for each conflict."""

    undoing = "undone"

    def __init__(self, reasons: list[str], conflicts: list[Conflict] | None = None):
        super().__init__(f"This cannot be {self.undoing}. " + " ".join(reasons))
        self.reasons, self.conflicts = reasons, conflicts or []

    def lines(self) -> Iterator[str]:
        """Yield each reason, followed by the blocking changes: ``  blocked by run 5 (2 records)``."""
        yield from () if self.conflicts else self.reasons
        for conflict in self.conflicts:
            yield conflict.sentence
            for blocker in conflict.blockers:
                yield f"  blocked by {blocker}"
            if conflict.more:
                yield f"  and {conflict.more:,} more"


class RedoRefusedError(UndoRefusedError):
    """A redo that is not possible."""

    undoing = "redone"


class UndoForbiddenError(UndoRefusedError):
    """An undo that includes runs or edits that the user may not undo."""


class UndoOvertakenError(UndoRefusedError):
    """An undo whose effect has changed since its preview; *undone* is the current effect."""

    def __init__(self, undone: "list[Undone]"):
        super().__init__(["The records have changed since the preview."])
        self.undone = undone


@dataclass
class Undone:
    """The effect of an undo or redo: the number of records by database table, and the deleted terms by vocabulary."""

    action: ImportRun | Edit
    redo: bool = False
    deleted: dict[str, int] = field(default_factory=dict)
    restored: dict[str, int] = field(default_factory=dict)
    recreated: dict[str, int] = field(default_factory=dict)
    deleted_terms: dict[str, list[str]] = field(default_factory=dict)
    seal: str = ""  # a digest of the effect and of the records; empty unless a user must confirm the undo

    def __str__(self) -> str:
        return f"{'redo' if self.redo else 'undo'} {named(self.action)}"

    def done(self) -> list[str]:
        """Return the effect in the past tense: ``25 people deleted``."""
        return [f"{records} {done}" for records, _, done in self._effects()]

    def planned(self) -> list[str]:
        """Return the effect as a plan: ``delete 25 people``."""
        return [f"{planned} {records}" for records, planned, _ in self._effects()]

    def _effects(self) -> list[tuple[str, str, str]]:
        counts = [
            ("delete", "deleted", self.deleted),
            ("update", "updated", self.restored) if self.redo else ("restore", "restored", self.restored),
            ("re-create", "re-created", self.recreated),
        ]
        effects = [
            (counted(model_of(table), count), planned, done)
            for planned, done, tables in counts
            for table, count in tables.items()
        ]
        for table, terms in self.deleted_terms.items():
            effects.append((f"{counted(model_of(table), len(terms))} ({', '.join(terms)})", "delete", "deleted"))
        return effects
