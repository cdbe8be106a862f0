"""The result of an undo, and the errors that refuse one."""

from dataclasses import dataclass, field

from curation.history.record_counts import counted, model_of


class UndoRefusedError(Exception):
    """An undo that is not possible; *reasons* has one sentence for each conflict."""

    def __init__(self, reasons: list[str]):
        super().__init__("This cannot be undone. " + " ".join(reasons))
        self.reasons = reasons


class UndoOvertakenError(UndoRefusedError):
    """An undo whose effect has changed since the user confirmed it; *undone* is the current effect."""

    def __init__(self, undone: "Undone"):
        super().__init__(["The records have changed since you confirmed the undo."])
        self.undone = undone


@dataclass
class Undone:
    """The effect of an undo: the number of records by database table, and the deleted terms by vocabulary."""

    deleted: dict[str, int] = field(default_factory=dict)  # records that the run or edit had created
    restored: dict[str, int] = field(default_factory=dict)  # records that it had changed
    recreated: dict[str, int] = field(default_factory=dict)  # records that it had deleted
    deleted_terms: dict[str, list[str]] = field(default_factory=dict)
    seal: str = ""  # of the records and of their new state; empty unless a user must confirm the undo

    def done(self) -> list[str]:
        """Return the effect in the past tense: ``25 people deleted``."""
        return [f"{records} {done}" for records, _, done in self._effects()]

    def planned(self) -> list[str]:
        """Return the effect as a plan: ``delete 25 people``."""
        return [f"{planned} {records}" for records, planned, _ in self._effects()]

    def _effects(self) -> list[tuple[str, str, str]]:
        counts = [
            ("delete", "deleted", self.deleted),
            ("restore", "restored", self.restored),
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
