"""The model of an import: its expected effect on the tables, and the files that it reads."""

import csv
import json
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.model.tables import DATASETS, KEYS, REFERS, Action, Rec, Tables

Row = tuple[str, int, Any, dict[str, Any]]  # file, line, key, values; references by the keys in the files
SUBJECT = ("date_of_birth", "species", "sex", "background_strain", "genotype")
# Column names in files that differ from the field names.
HEADINGS = {"user": "user_id", "compounds": "experiment_compound_ids"}


class Import:
    """One run: it merges the rows of each table into the tables, parents first."""

    def __init__(self, tables: Tables, rows: dict[str, list[Row]], files: dict[str, set[str]]):
        self.tables, self.rows, self.files = tables, rows, files
        self.after = deepcopy(tables.records)
        self.touched: set = set()
        self.refused: set = set()
        self.protected: set = set()  # records that are not missing, although the file has no row of them

    def find(self, table: str, key: Any) -> Any:
        """Return the primary key of a record by its key in the files, new records included."""
        return next((pk for (name, pk), rec in self.after.items() if name == table and rec.key == key), None)

    def merge(self, key_of: Callable[[str, Row], Any], *, remove: bool) -> Action:
        """Apply the run; *key_of* returns the primary key of a new record."""
        for table, rows in self.rows.items():
            for row in rows:
                self.add_row(table, row, key_of)
        if remove:
            for table in reversed(self.rows):
                self._remove(table)
        return self.tables.do("run", self.after)

    def add_row(self, table: str, row: Row, key_of) -> None:
        file, line, key, sent = row
        values = dict(sent)
        for name, parent in REFERS.get(table, {}).items():
            several = isinstance(values[name], tuple)
            pks = [self.find(parent, parent_key) for parent_key in (values[name] if several else (values[name],))]
            if None in pks:
                self.refused.add((table, key))
                return
            values[name] = tuple(sorted(pks)) if several else pks[0]
        if self.tables.is_deleted(table, key):
            return
        pk = self.find(table, key)
        if pk is None:
            pk = key_of(table, row)
            self.after[table, pk] = Rec(key, values, file, line)
            self.touched.add((table, pk))
            return
        rec = self.after[table, pk]
        if table != "people" and any(rec.file_value(name) != value for name, value in values.items()):
            for name, value in values.items():
                (rec.corrections if name in rec.corrections else rec.values)[name] = value
            rec.file, rec.line = file, line
            self.touched.add((table, pk))

    def _remove(self, table: str) -> None:
        files = self.files[table]
        keys = {key for _, _, key, _ in self.rows[table]}
        for (name, pk), rec in list(self.after.items()):
            missing = rec.file in files and rec.key not in keys and (name, pk) not in self.touched | self.protected
            if name == table and missing:
                without = {place: other for place, other in self.after.items() if place != (name, pk)}
                if not self.tables.broken(without):
                    self.after = without


def as_written(value: Any) -> str:
    """Return a value as text in a CSV file."""
    if isinstance(value, tuple):
        return ";".join(map(str, value))
    return repr(value) if isinstance(value, float) else str(value)


def write_tables(folder: Path, tables: dict[str, list[dict]], suffix: str) -> None:
    """Write CSV files; each row has its key and its values by the names of the model."""
    for table, rows in tables.items():
        with (folder / f"{table}{suffix}.csv").open("w", newline="") as opened:
            names = {name: HEADINGS.get(name, name) for name in rows[0]}
            writer = csv.DictWriter(opened, list(names.values()))
            writer.writeheader()
            writer.writerows({names[n]: as_written(v) for n, v in row.items()} for row in rows)


def rows_of(table: str, rows: list[dict], file: str) -> list[Row]:
    """Return the rows of a table as an import reads them."""
    if table == "people":
        seen: Counter = Counter()
        matches = []
        for line, row in enumerate(rows, 2):
            content = tuple(sorted(row.items()))
            seen[content] += 1
            matches.append((file, line, (content, seen[content]), row))
        return matches
    key = KEYS[table]
    return [(file, n, row[key], {k: v for k, v in row.items() if k != key}) for n, row in enumerate(rows, 2)]


def exact(text: str) -> Any:
    """Parse a JSON document with exact numbers."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def subject_rows(tables: Tables, documents: dict[str, str]) -> dict[str, list[Row]]:
    """Return the rows of subjects and sessions in documents, by folder name.

    Each column of a subject has the value of the last session with a value, including stored sessions.
    """
    described: dict[str, dict[str, tuple[dict, bool]]] = {}
    sessions = []
    for name, text in documents.items():
        document = exact(text)
        described.setdefault(document["subject_id"], {})[name] = (document, True)
        values = {"subject": document["subject_id"], "schema_version": document.get("schema_version")}
        sessions.append((name, 1, name, values | {"document": document}))
    for rec in tables.of("sessions").values():
        document = rec.values["document"]  # a curator may have removed its subject
        readable = isinstance(document, dict) and "subject_id" in document
        if readable and rec.key not in documents and rec.values["subject"] in described:
            described[rec.values["subject"]][rec.key] = (rec.values["document"], False)
    subjects = []
    for subject, result in described.items():
        newest_first = [result[name] for name in sorted(result, reverse=True)]
        values = {
            column: next((d[column] for d, _ in newest_first if d.get(column) is not None), None) for column in SUBJECT
        }
        file = next(name for name in sorted(result, reverse=True) if result[name][1])
        subjects.append((file, 1, subject, values))
    return {"subjects": subjects, "sessions": sessions}


def tables_of(dataset: str) -> list[str]:
    """Return the tables of a dataset, parents first."""
    return DATASETS[dataset]
