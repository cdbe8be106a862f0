"""The model of an import: its expected effect on the tables."""

from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

from tests.model.edited_rows import New, edited_rows
from tests.model.tables import REFERS, Action, Place, Rec, Tables

Row = tuple[str, int, Any, dict[str, Any]]  # file, line, key, values; references by the keys in the files
KeyOf = Callable[[str, Row], Any]  # the primary key of a new record
MOST_DIFFERING = 2  # columns of a pair of people that no curator chose
Choices = dict[int, tuple[Any, bool]]  # by line: a record, and whether the row is its new version


class Import:
    """One run: it merges the rows of each table into the tables, parents first."""

    def __init__(self, tables: Tables, rows: dict[str, list[Row]], files: dict[str, set[str]]):
        self.tables, self.rows, self.files = tables, rows, files
        self.after = deepcopy(tables.records)
        self.touched: set = set()
        self.refused: dict[int, Any] = {}  # the keys of people that refer to a place that does not exist, by line
        self.missing: dict[Any, Rec] = {}  # people, before some are deleted
        self.counts: dict[str, int] = {}  # of people
        self.doubtful = False  # whether people.csv may be another file, so that its rows must not be paired silently
        self.new: list[int] = []  # the lines of new people
        self.pairs: dict[int, Any] = {}  # the records of paired rows, by line
        self.edited: dict[int, Any] = {}  # the records of the rows that had to be paired, by line

    def find(self, table: str, key: Any) -> Any:
        """Return the primary key of a record by its key in the files, new records included."""
        return next((pk for (name, pk), rec in self.after.items() if name == table and rec.key == key), None)

    def merge(self, key_of: KeyOf, *, remove: bool = False, **of_people: Any) -> Action:
        """Apply the run."""
        self.run(key_of, remove=remove, **of_people)
        return self.tables.do("run", self.after)

    def run(self, key_of: KeyOf, *, remove: bool, **of_people: Any) -> None:
        """Compute the records after the run; *of_people* are the arguments of _add_people."""
        for table, rows in self.rows.items():
            if table == "people":
                self._add_people(rows, key_of, **of_people)
            for row in rows if table != "people" else ():
                self._add_row(table, row, key_of)
        if remove:
            self.after = {place: rec for place, rec in self.after.items() if place not in self._missing_people()}
            self.counts["deleted"] = len(self.missing)
            for table in reversed([table for table in self.rows if table != "people"]):
                self._remove(table)

    def _add_row(self, table: str, row: Row, key_of: KeyOf) -> None:
        file, line, key, sent = row
        values = self._resolved(table, sent)
        if values is None or self.tables.is_deleted(table, key):
            return
        pk = self.find(table, key)
        if pk is None:
            pk = key_of(table, row)
            self.after[table, pk] = Rec(key, values, file, line)
            self.touched.add((table, pk))
            return
        rec = self.after[table, pk]
        if any(rec.file_value(name) != value for name, value in values.items()):
            rec.take(values, file, line)
            self.touched.add((table, pk))

    def _resolved(self, table: str, sent: dict[str, Any]) -> dict[str, Any] | None:
        """Return the values of a row with the primary keys of its references; None if one does not exist."""
        values = dict(sent)
        for name, parent in REFERS.get(table, {}).items():
            several = isinstance(values[name], tuple)
            pks = [self.find(parent, parent_key) for parent_key in (values[name] if several else (values[name],))]
            if None in pks:
                return None
            values[name] = tuple(sorted(pks)) if several else pks[0]
        return values

    def _remove(self, table: str) -> None:
        files = self.files[table]
        keys = {key for _, _, key, _ in self.rows[table]}
        for (name, pk), rec in list(self.after.items()):
            missing = rec.file in files and rec.key not in keys and (name, pk) not in self.touched
            if name == table and missing:
                without = {place: other for place, other in self.after.items() if place != (name, pk)}
                if not self.tables.broken(without):
                    self.after = without

    # People, whose rows have no key.

    def _add_people(
        self,
        rows: list[Row],
        key_of: KeyOf,
        *,
        pairs: Iterable[dict[str, Any]] = (),
        pairing: bool = False,
        choices: Choices | None = None,
        states: dict[int, str] | None = None,
        fixed: Iterable[Place | None] = (),
    ) -> None:
        """Pair new rows as in *pairs*, a report, and create the records of the others.

        The report must have all *choices*, and with *pairing*, all rows that are beyond doubt edited. *states* are
        those of the rejected rows by line, and *fixed* are the records of the fixed ones.
        """
        states, choices, new = states or {}, choices or {}, {}
        for _, line, key, sent in rows:
            if self.find("people", key) is None and not self.tables.is_deleted("people", key):
                values = self._resolved("people", sent)
                if values is None:
                    self.refused[line] = key
                else:
                    new[line] = (key, values)
        lines = {line for line in self.refused if states.get(line) != "fixed"}  # the records of these are not missing
        keys, files = {key for _, _, key, _ in rows}, self.files.get("people", ())
        self.missing = {
            pk: rec
            for (table, pk), rec in self.after.items()
            if table == "people" and rec.file in files and rec.key not in keys and rec.line not in lines
            if ("people", pk) not in fixed
        }
        if pairing:
            self.edited = self._edited(new, choices)
        updated = sum(self._pair(pair, new, choices) for pair in pairs)
        self._expect_pairs(choices)
        self.new = [*new]
        for file, line, key, sent in rows:
            if line in new:
                pk = key_of("people", (file, line, key, sent))
                self.after["people", pk] = Rec(key, new[line][1], file, line)
        of_state = [list(states.values()).count(state) for state in ("open", "fixed", "ignored")]
        self.counts = dict(zip(("rejected", "fixed_before", "ignored"), of_state, strict=True)) | {
            "read": len(rows),
            "created": len(new),
            "updated": updated,
            "paired": updated,
            "unchanged": len(rows) - len(states) - len(new) - updated,
            "missing": len(self.missing),
            "deleted": 0,
        }
        chosen = sum(paired for _, paired in choices.values())
        uncertain = updated - chosen + min(len(new), len(self.missing))  # a pair that a curator chose does match
        self.doubtful = updated > chosen and self.counts["unchanged"] + chosen < uncertain

    def _edited(self, new: New, choices: Choices) -> dict[int, Any]:
        """Return the records of the rows that must be paired, except those that the curator has chosen about."""
        records = [pk for pk, _ in choices.values()]
        rows = {line: row for line, row in new.items() if line not in choices}
        missing = {pk: rec for pk, rec in self.missing.items() if pk not in records}
        return edited_rows(rows, missing, [rec for (table, _), rec in self.after.items() if table == "people"])

    def _expect_pairs(self, choices: Choices) -> None:
        """Assert that all rows are paired that must be, and none that the curator has separated."""
        chosen = {line: pk for line, (pk, paired) in choices.items() if paired}
        expected = chosen | self.edited
        assert {line: self.pairs.get(line) for line in expected} == expected, (self.pairs, choices, self.edited)
        separated = [(line, pk) for line, (pk, paired) in choices.items() if not paired]
        assert not any(line in self.pairs for line, _ in separated), (self.pairs, choices)
        records = {pk for _, pk in separated} - {*chosen.values()}
        assert not records & {*self.pairs.values()}, (self.pairs, choices)

    def _pair(self, pair: dict[str, Any], new: New, choices: Choices) -> bool:
        """Update the record of a pair, if the pair is possible; return whether a value that is shown has changed."""
        pk, line = int(pair["record"]), pair["line"]
        assert (pair["source"], pair["file"]) == ("people", "people.csv") and 0 <= pair["likeness"] <= 1, pair
        assert line in new, f"the row is not new, or is paired twice: {pair}"
        assert pk in self.missing, f"the record is not missing, or is paired twice: {pair}"
        rec, (key, values) = self.missing.pop(pk), new.pop(line)
        differing = [name for name, value in values.items() if rec.file_value(name) != value]
        assert sorted(pair.get("columns", differing)) == sorted(differing), (pair, differing)
        assert len(differing) <= MOST_DIFFERING or choices.get(line) == (pk, True), (pair, differing)
        self.pairs[line] = pk
        is_changed = any(name not in rec.corrections for name in differing)
        rec.take(values, pair["file"], line)
        rec.key = key
        return is_changed

    def _missing_people(self) -> set[Place]:
        return {("people", pk) for pk in self.missing}
