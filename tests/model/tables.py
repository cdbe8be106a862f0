"""The expected content of the tables: a model of imports, edits and undo without a database."""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

# Parents first; for each table the key in its files, and the editable fields.
KEYS = {
    "users": "user_id",
    "compounds": "compound_id",
    "user_experiments": "experiment_id",
    "places": "city",
    "people": "identity",
    "subjects": "subject_id",
    "sessions": "name",
}
DATASETS = {
    "experiments": ["users", "compounds", "user_experiments"],
    "people": ["places", "people"],
    "subjects": ["subjects", "sessions"],
}
REFERS = {
    "user_experiments": {"user": "users", "compounds": "compounds"},
    "people": {"place_of_birth": "places"},
    "sessions": {"subject": "subjects"},
}
Place = tuple[str, Any]  # a table and a primary key


class ActionRefusedError(Exception):
    """A step that the site must refuse without any change."""


@dataclass
class Rec:
    """A record: its key, its values, the file values of its corrected fields, and its last file and line."""

    key: Any
    values: dict[str, Any]
    file: str | None = None
    line: int | None = None
    corrections: dict[str, Any] = field(default_factory=dict)

    def file_value(self, name: str) -> Any:
        """Return the value in the file."""
        return self.corrections.get(name, self.values[name])


@dataclass
class Action:
    """A run or an edit: its changes, record by record, and the tombstones before and after it."""

    kind: str
    handle: Any = None  # the key of the run or edit
    changes: dict[Place, tuple[Rec | None, Rec | None]] = field(default_factory=dict)
    standing: dict[Place, tuple[Any, Any]] = field(default_factory=dict)
    rows: dict[Place, Any] = field(default_factory=dict)  # rows in the database before the action
    undone: bool = False


class Tables:
    """The expected tables, and the actions that led to them."""

    def __init__(self):
        self.records: dict[Place, Rec] = {}
        self.standing: dict[Place, Any] = {}  # by record: its key and the index of the action
        self.actions: list[Action] = []

    def of(self, table: str) -> dict[Any, Rec]:
        """Return the records of a table by primary key."""
        return {pk: rec for (name, pk), rec in self.records.items() if name == table}

    def find(self, table: str, key: Any) -> Any:
        """Return the primary key of the record with *key* in its file, or None."""
        return next((pk for pk, rec in self.of(table).items() if rec.key == key), None)

    def is_deleted(self, table: str, key: Any) -> bool:
        """Return whether the record has a tombstone."""
        return any(name == table and known == key for (name, _), (known, _) in self.standing.items())

    def broken(self, records: dict[Place, Rec]) -> bool:
        """Return whether a record refers to a deleted record."""
        for (table, _), rec in records.items():
            for name, parent in REFERS.get(table, {}).items():
                value = rec.values[name]
                wanted = value if isinstance(value, tuple) else (value,)
                if any((parent, key) not in records for key in wanted):
                    return True
        return False

    def do(self, kind: str, after: dict[Place, Rec], standing: dict[Place, Any] | None = None) -> Action:
        """Set the tables to *after* and store the action; raise ActionRefusedError if nothing changes."""
        standing = self.standing if standing is None else standing
        action = Action(kind)
        for place in {*self.records, *after}:
            was, becomes = self.records.get(place), after.get(place)
            if was != becomes:
                action.changes[place] = deepcopy((was, becomes))
        for place in {*self.standing, *standing}:
            was, becomes = self.standing.get(place), standing.get(place)
            if was != becomes:
                action.standing[place] = (was, becomes)
        if not action.changes and kind != "run":
            raise ActionRefusedError("nothing changes")
        self.records, self.standing = after, dict(standing)
        self.actions.append(action)
        return action

    # Edits.

    def correct(self, table: str, pks: list, new: dict[str, Any]) -> Action:
        """Set fields of records; store the file values of imported records."""
        after = deepcopy(self.records)
        for pk in pks:
            rec = after.get((table, pk))
            if rec is None:
                continue
            for name, value in new.items():
                if rec.file is not None:
                    sent = rec.file_value(name)
                    rec.corrections.pop(name, None)
                    if sent != value:
                        rec.corrections[name] = sent
                rec.values[name] = value
        if self.broken(after):
            raise ActionRefusedError("refers to nothing")
        return self.do("corrected", after)

    def revert(self, table: str, pk: Any, name: str) -> Action:
        """Revert a field to its file value."""
        after = deepcopy(self.records)
        rec = after.get((table, pk))
        if rec is None or name not in rec.corrections:
            raise ActionRefusedError("not corrected")
        rec.values[name] = rec.corrections.pop(name)
        if self.broken(after):
            raise ActionRefusedError("refers to nothing")
        return self.do("reverted", after)

    def delete(self, table: str, pks: list) -> Action:
        """Delete records; imports skip those that came from a file."""
        after, standing = dict(self.records), dict(self.standing)
        for pk in pks:
            rec = after.pop((table, pk), None)
            if rec is not None and rec.file is not None:
                standing[table, pk] = (rec.key, len(self.actions))
        if self.broken(after):
            raise ActionRefusedError("others refer to them")
        return self.do("deleted", after, standing)

    def last_of(self, place: Place) -> Action | None:
        """Return the last effective action that changed a record."""
        return next((a for a in reversed(self.actions) if not a.undone and place in a.changes), None)

    def restorable(self) -> list[Place]:
        """Return the records whose last change is a deletion by a curator."""
        places = {place for action in self.actions for place in action.changes if place not in self.records}
        return sorted((p for p in places if (a := self.last_of(p)) and a.kind == "deleted"), key=repr)

    def restore(self, table: str, pk: Any) -> Action:
        """Restore a record that a curator deleted."""
        last = self.last_of((table, pk))
        if (table, pk) in self.records or last is None or last.kind != "deleted":
            raise ActionRefusedError("no deletion to take back")
        rec = deepcopy(last.changes[table, pk][0])
        if self.find(table, rec.key) is not None:
            raise ActionRefusedError("another has its key")
        after, standing = dict(self.records), dict(self.standing)
        after[table, pk] = rec
        if (table, pk) in last.standing:
            standing.pop((table, pk), None)
        if self.broken(after):
            raise ActionRefusedError("refers to nothing")
        return self.do("restored", after, standing)

    def create(self, table: str, pk: Any, key: Any, values: dict[str, Any]) -> Action:
        """Create a record by an edit."""
        return self.do("created", self.records | {(table, pk): Rec(key, values)})

    # Undo.

    def undo(self, action: Action) -> None:
        """Undo an action; raise ActionRefusedError if later actions depend on it."""
        if action.undone:
            raise ActionRefusedError("undone already")
        later = self.actions[self.actions.index(action) + 1 :]
        if any(place in other.changes for other in later if not other.undone for place in action.changes):
            raise ActionRefusedError("changed since")
        after = dict(self.records)
        for place, (before, _) in action.changes.items():
            after.pop(place, None)
            if before is not None:
                if any(name == place[0] and rec.key == before.key for (name, _), rec in after.items()):
                    raise ActionRefusedError("another has its key")
                after[place] = deepcopy(before)
        if self.broken(after):
            raise ActionRefusedError("refers to nothing, or is referred to")
        self.records = after
        for place, (before, _) in action.standing.items():
            self.standing.pop(place, None)
            if before is not None:
                self.standing[place] = before
        action.undone = True
