"""What undoing a run or an edit did, or would do, and why it may be refused."""

from dataclasses import dataclass, field


class UndoRefused(Exception):
    """What cannot be taken back, and for which reasons: a sentence each."""

    def __init__(self, reasons: list[str]):
        super().__init__("It cannot be undone. " + " ".join(reasons))
        self.reasons = reasons


class UndoOvertakenError(UndoRefused):
    """An undo that would not do what was confirmed; *undone* is what it would do."""

    def __init__(self, undone: "Undone"):
        super().__init__(["What would be undone is not what was confirmed."])
        self.undone = undone


@dataclass
class Undone:
    """What taking something back did, or would do: how many records of each table."""

    removed: dict[str, int] = field(default_factory=dict)  # that it had created
    reverted: dict[str, int] = field(default_factory=dict)  # that it had changed
    brought_back: dict[str, int] = field(default_factory=dict)  # that it had deleted
    lookups_removed: dict[str, list[str]] = field(default_factory=dict)
    seal: str = ""  # of the records and what becomes of them, where somebody is to confirm it

    def told(self) -> list[str]:
        """Return a line for each table and what becomes of its records."""
        done = {"removed": self.removed, "as before": self.reverted, "brought back": self.brought_back}
        lines = [f"{table}: {count:,} {what}" for what, counts in done.items() for table, count in counts.items()]
        return lines + [f"{table}: {', '.join(names)} removed" for table, names in self.lookups_removed.items()]
