"""The expected content of the tables: a model of imports, edits and undo without a database."""

from copy import deepcopy
from dataclasses import dataclass, field, replace
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
Step = tuple[str, str, int]  # undo or redo, run or edit, and its key


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

    def take(self, values: dict[str, Any], file: str, line: int) -> None:
        """Take the values of a row of a file; corrections stand."""
        for name, value in values.items():
            (self.corrections if name in self.corrections else self.values)[name] = value
        self.file, self.line = file, line


@dataclass
class Action:
    """A run or an edit: its changes, record by record; the tombstones and the deletions before and after it."""

    kind: str
    handle: Any = None  # the key of the run or edit
    changes: dict[Place, tuple[Rec | None, Rec | None]] = field(default_factory=dict)
    standing: dict[Place, tuple[Any, Any]] = field(default_factory=dict)
    deletions: dict[Place, tuple[Rec | None, Rec | None]] = field(default_factory=dict)
    rows: dict[Place, Any] = field(default_factory=dict)  # rows in the database before the action
    undone: bool = False
    undo: "Action | None" = None  # the changes by its last undo

    @property
    def name(self) -> str:
        """``run`` or ``edit``."""
        return "run" if self.kind == "run" else "edit"


class Tables:
    """The expected tables, and the actions that led to them."""

    def __init__(self):
        self.records: dict[Place, Rec] = {}
        self.standing: dict[Place, Any] = {}  # by record: its key and the index of the action
        self.deletions: dict[Place, Rec] = {}  # the deleted records that can be restored
        self.actions: list[Action] = []

    def copy(self) -> "Tables":
        """Return a copy, to try steps on; no step changes a record or the changes of an action in place."""
        other = Tables()
        other.records, other.standing, other.deletions = dict(self.records), dict(self.standing), dict(self.deletions)
        other.actions = [replace(action) for action in self.actions]
        return other

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
        deletions = dict(self.deletions)
        for place in {*self.records, *after}:
            if place in after:
                deletions.pop(place, None)
            elif kind == "deleted":
                deletions[place] = deepcopy(self.records[place])
        action = self._set(kind, after, self.standing if standing is None else standing, deletions)
        if not action.changes and kind != "run":
            raise ActionRefusedError("nothing changes")
        self.actions.append(action)
        return action

    def _set(
        self, kind: str, after: dict[Place, Rec], standing: dict[Place, Any], deletions: dict[Place, Rec]
    ) -> Action:
        """Set the state; return what changes."""
        action = Action(kind)
        states = [
            (action.changes, self.records, after),
            (action.standing, self.standing, standing),
            (action.deletions, self.deletions, deletions),
        ]
        for changes, old, new in states:
            for place in {*old, *new}:
                if old.get(place) != new.get(place):
                    changes[place] = deepcopy((old.get(place), new.get(place)))
        self.records, self.standing, self.deletions = after, dict(standing), dict(deletions)
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

    def restorable(self) -> list[Place]:
        """Return the records that a curator or the undo of a run deleted."""
        return sorted(self.deletions)

    def restore(self, table: str, pk: Any) -> Action:
        """Restore a deleted record."""
        rec = deepcopy(self.deletions[table, pk])
        if self.find(table, rec.key) is not None or self._is_deleted_elsewhere((table, pk), rec):
            raise ActionRefusedError("another has its key")
        after, standing = dict(self.records), dict(self.standing)
        after[table, pk] = rec
        if rec.file is not None:  # a record that a curator created has no tombstone, but an earlier one may have one
            standing.pop((table, pk), None)
        if self.broken(after):
            raise ActionRefusedError("refers to nothing")
        return self.do("restored", after, standing)

    def _is_deleted_elsewhere(self, place: Place, rec: Rec) -> bool:
        """Return whether another record with the key of *rec* has a tombstone."""
        return any(
            other != place and other[0] == place[0] and key == rec.key for other, (key, _) in self.standing.items()
        )

    def create(self, table: str, pk: Any, key: Any, values: dict[str, Any]) -> Action:
        """Create a record by an edit."""
        return self.do("created", self.records | {(table, pk): Rec(key, values)})

    # Undo and redo.

    def undo(self, action: Action) -> None:
        """Undo an action; raise ActionRefusedError if its records have another state or others depend on them."""
        if action.undone:
            raise ActionRefusedError("undone already")
        undo = self._reverse(action)
        if action.kind == "run":  # the records that it created can be restored
            self.deletions |= {p: deepcopy(was) for p, (was, now) in undo.changes.items() if was and now is None}
        action.undone, action.undo = True, undo

    def redo(self, action: Action) -> None:
        """Apply an undone action again."""
        if action.undo is None or not action.undone:
            raise ActionRefusedError("not undone")
        self._reverse(action.undo)
        action.undone = False

    def take(self, steps: list[Step]) -> None:
        """Take the steps of an undo or redo with the changes that block it."""
        if not steps:
            raise ActionRefusedError("blocked by something that cannot be undone")
        for verb, name, pk in steps:
            {"undo": self.undo, "redo": self.redo}[verb](self.action(name, pk))

    def action(self, name: str, pk: Any) -> Action:
        """Return the action with this name and this key of its run or edit."""
        [action] = [action for action in self.actions if (action.name, action.handle.pk) == (name, pk)]
        return action

    def _reverse(self, action: Action) -> Action:
        after, standing, deletions = dict(self.records), dict(self.standing), dict(self.deletions)
        for place, (_, left) in action.changes.items():
            now, tombstone = self.records.get(place), action.standing.get(place, (None, None))[1]
            has_other_tombstone = left is None and self.standing.get(place) != tombstone
            if effect(now) != effect(left) or has_other_tombstone:
                raise ActionRefusedError("changed since")
        for place, (before, left) in action.changes.items():
            after.pop(place, None)
            deletions.pop(place, None)
            if before is not None:
                twin = any(name == place[0] and rec.key == before.key for (name, _), rec in after.items())
                is_restored = left is None or left.key != before.key
                if twin or (is_restored and self._is_deleted_elsewhere(place, before)):
                    raise ActionRefusedError("another has its key")
                after[place] = deepcopy(before)
        for changes, state in ((action.standing, standing), (action.deletions, deletions)):
            for place, (before, _) in changes.items():
                state.pop(place, None)
                if before is not None:
                    state[place] = before
        if self.broken(after):
            raise ActionRefusedError("refers to nothing, or is referred to")
        return self._set("undone", after, standing, deletions)


def effect(rec: Rec | None) -> Rec | None:
    """Return a record without its origin, which a later import may have changed."""
    return rec and replace(rec, file=None, line=None)
