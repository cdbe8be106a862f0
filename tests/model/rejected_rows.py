"""The expected states of the rejected rows of people.csv, over all imports of the file."""

from typing import Any

from tests.model.tables import Action, Place, Tables


class RejectedRows:
    """The rows that each import of the file could not use, and which of them are fixed or ignored."""

    def __init__(self, tables: Tables):
        self.tables = tables
        self.imports: list[tuple[Action, dict[int, Any]]] = []  # the keys of the rows by line
        self.fixes: list[tuple[Any, Action, Place]] = []  # the key of the row, the run, and the record
        self.ignored: dict[Any, str] = {}  # the reasons

    def last_import(self) -> tuple[Action | None, dict[int, Any]]:
        """Return the last import of the file that is applied, and its rows."""
        return next((pair for pair in reversed(self.imports) if not pair[0].undone), (None, {}))

    def record_of(self, key: Any) -> Place | None:
        """Return the record that was made of a row, if its run is applied and the record exists."""
        records = (place for fixed, action, place in self.fixes if fixed == key and not action.undone)
        return next((place for place in records if place in self.tables.records), None)

    def state(self, key: Any) -> str:
        """Return the state of a row."""
        if self.record_of(key):
            return "fixed"
        return "ignored" if key in self.ignored else "open"

    def in_state(self, *states: str) -> list[int]:
        """Return the lines of the last import whose rows are in one of *states*."""
        return sorted(line for line, key in self.last_import()[1].items() if self.state(key) in states)
