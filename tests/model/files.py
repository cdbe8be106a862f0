"""The files of the model's imports, and the rows that an import reads from them."""

import csv
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.model.importing import Row
from tests.model.tables import KEYS, Tables

SUBJECT = ("date_of_birth", "species", "sex", "background_strain", "genotype")
# Column names in files that differ from the field names.
HEADINGS = {"user": "user_id", "compounds": "experiment_compound_ids"}


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
