"""What the tables should hold: a plain model of imports, edits and undo, without a database."""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

# Parents first; of each table what its files know records by, and what may be corrected.
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


class Refused(Exception):
    """What the site has to refuse: everything stays as it was."""


@dataclass
class Rec:
    """A record: what it is known by, its values, what its file says of corrected ones, and its last file and line."""

    key: Any
    values: dict[str, Any]
    file: str | None = None
    line: int | None = None
    corrections: dict[str, Any] = field(default_factory=dict)

    def said(self, name: str) -> Any:
        """What the file says."""
        return self.corrections.get(name, self.values[name])


@dataclass
class Action:
    """A run or an edit: what it changed, record by record, and which deletions stood before and after it."""

    kind: str
    handle: Any = None  # the key of the run or edit
    changes: dict[Place, tuple[Rec | None, Rec | None]] = field(default_factory=dict)
    standing: dict[Place, tuple[Any, Any]] = field(default_factory=dict)
    rows: dict[Place, Any] = field(default_factory=dict)  # as the database held them before
    undone: bool = False


class Tables:
    """The tables as they should be, and the actions that made them so."""

    def __init__(self):
        self.records: dict[Place, Rec] = {}
        self.standing: dict[Place, Any] = {}  # deletions by hand that stand: the key, and the action's place
        self.actions: list[Action] = []

    def of(self, table: str) -> dict[Any, Rec]:
        """The records of a table by primary key."""
        return {pk: rec for (name, pk), rec in self.records.items() if name == table}

    def find(self, table: str, key: Any) -> Any:
        """The primary key of the record that a file knows by *key*; None where there is none."""
        return next((pk for pk, rec in self.of(table).items() if rec.key == key), None)

    def is_deleted(self, table: str, key: Any) -> bool:
        """Whether a deletion of the record stands."""
        return any(name == table and known == key for (name, _), (known, _) in self.standing.items())

    def broken(self, records: dict[Place, Rec]) -> bool:
        """Whether a record refers to one that is not there."""
        for (table, _), rec in records.items():
            for name, parent in REFERS.get(table, {}).items():
                value = rec.values[name]
                wanted = value if isinstance(value, tuple) else (value,)
                if any((parent, one) not in records for one in wanted):
                    return True
        return False

    def do(self, kind: str, after: dict[Place, Rec], standing: dict[Place, Any] | None = None) -> Action:
        """Bring the tables to *after* and remember how; raises Refused where nothing changes."""
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
            raise Refused("nothing changes")
        self.records, self.standing = after, dict(standing)
        self.actions.append(action)
        return action

    # What somebody does by hand.

    def correct(self, table: str, pks: list, new: dict[str, Any]) -> Action:
        """Set fields of records; of those from a file, what it says is remembered."""
        after = deepcopy(self.records)
        for pk in pks:
            rec = after.get((table, pk))
            if rec is None:
                continue
            for name, value in new.items():
                if rec.file is not None:
                    said = rec.said(name)
                    rec.corrections.pop(name, None)
                    if said != value:
                        rec.corrections[name] = said
                rec.values[name] = value
        if self.broken(after):
            raise Refused("refers to nothing")
        return self.do("corrected", after)

    def revert(self, table: str, pk: Any, name: str) -> Action:
        """Give a field back to its file."""
        after = deepcopy(self.records)
        rec = after.get((table, pk))
        if rec is None or name not in rec.corrections:
            raise Refused("not corrected")
        rec.values[name] = rec.corrections.pop(name)
        if self.broken(after):
            raise Refused("refers to nothing")
        return self.do("reverted", after)

    def delete(self, table: str, pks: list) -> Action:
        """Delete records; imports pass those over that came from a file."""
        after, standing = dict(self.records), dict(self.standing)
        for pk in pks:
            rec = after.pop((table, pk), None)
            if rec is not None and rec.file is not None:
                standing[table, pk] = (rec.key, len(self.actions))
        if self.broken(after):
            raise Refused("others refer to them")
        return self.do("deleted", after, standing)

    def last_of(self, place: Place) -> Action | None:
        """The last action that holds and changed a record."""
        return next((a for a in reversed(self.actions) if not a.undone and place in a.changes), None)

    def restorable(self) -> list[Place]:
        """The records whose last change is a deletion by hand."""
        places = {place for action in self.actions for place in action.changes if place not in self.records}
        return sorted((p for p in places if (a := self.last_of(p)) and a.kind == "deleted"), key=repr)

    def restore(self, table: str, pk: Any) -> Action:
        """Bring a record back that somebody deleted."""
        last = self.last_of((table, pk))
        if (table, pk) in self.records or last is None or last.kind != "deleted":
            raise Refused("no deletion to take back")
        rec = deepcopy(last.changes[table, pk][0])
        if self.find(table, rec.key) is not None:
            raise Refused("another has its key")
        after, standing = dict(self.records), dict(self.standing)
        after[table, pk] = rec
        if (table, pk) in last.standing:
            standing.pop((table, pk), None)
        if self.broken(after):
            raise Refused("refers to nothing")
        return self.do("restored", after, standing)

    def create(self, table: str, pk: Any, key: Any, values: dict[str, Any]) -> Action:
        """Make a record by hand."""
        return self.do("created", self.records | {(table, pk): Rec(key, values)})

    # Taking back.

    def undo(self, action: Action) -> None:
        """Take an action back; raises Refused where later ones stand on it."""
        if action.undone:
            raise Refused("undone already")
        later = self.actions[self.actions.index(action) + 1 :]
        if any(place in other.changes for other in later if not other.undone for place in action.changes):
            raise Refused("changed since")
        after = dict(self.records)
        for place, (before, _) in action.changes.items():
            after.pop(place, None)
            if before is not None:
                if any(name == place[0] and rec.key == before.key for (name, _), rec in after.items()):
                    raise Refused("another has its key")
                after[place] = deepcopy(before)
        if self.broken(after):
            raise Refused("refers to nothing, or is referred to")
        self.records = after
        for place, (before, _) in action.standing.items():
            self.standing.pop(place, None)
            if before is not None:
                self.standing[place] = before
        action.undone = True
