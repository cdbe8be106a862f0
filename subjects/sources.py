"""The ``subject.json`` of an experiment folder, in all versions of its schema."""

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

from datasets.sql.chunks import chunks
from imports.sources import DocumentError, JSONSource, Reference, Row, as_cell
from subjects.models import Session, Subject

# Folders are named <modality>_<subject>_<date>_<time>, often followed by the name and time of a processing step.
TIME_STAMP = re.compile(r"(\d{4}-\d{2}-\d{2})_(\d{2}-\d{2}-\d{2})")


class SubjectDocument(JSONSource):
    """A JSON document that describes a subject, known by its folder, or by its file name unless that is subject.json.

    Other documents of an experiment's folder (procedures.json, session.json, rig.json) are not read.
    """

    file = "subject.json"
    named = ("*.json",)

    def known_as(self, path: Path) -> str:
        return path.parent.name if path.name.lower() == self.file else path.stem

    def folder_of(self, path: Path) -> Path:
        return path.parent.parent if path.name.lower() == self.file else path.parent


class Subjects(SubjectDocument):
    model = Subject
    key = ("subject_id",)
    settles = True

    def row(self, document: Any, name: str) -> dict[str, Any]:
        subject = unwrapped(document)
        # From schema 2 on, all properties except the id are under subject_details. Those of a person or of a
        # calibration object lack most properties.
        details = subject.get("subject_details")
        details = subject if details in (None, "", {}) else details
        if not isinstance(details, dict):
            raise DocumentError(f"has subject_details that are not an object (found {as_cell(details)})")
        return {
            "subject_id": subject["subject_id"],
            "date_of_birth": details.get("date_of_birth"),
            "species": name_of(details.get("species")),
            "sex": details.get("sex"),
            # In schema 2.0.12, a strain object replaced the background strain.
            "background_strain": name_of(details.get("background_strain"), details.get("strain")),
            "genotype": details.get("genotype"),
        }

    def settle(self, rows: list[Row]) -> tuple[list[Row], list[str]]:
        """Merge the sessions of each subject into one row, with each column's value from the newest session with one.

        Sessions stored by earlier runs count too, unless this run contains a new version of them.
        """
        described: dict[str, list[Described]] = {}
        for row in rows:
            described.setdefault(row.values["subject_id"], []).append(Described(row.name, row.values, row))
        here = {row.name for row in rows}
        stored = (Session.objects.filter(subject__in=some).iterator() for some in chunks(list(described)))
        for session in chain.from_iterable(stored):
            if session.name not in here:
                with suppress(DocumentError):  # a curator has edited the document since
                    values = self.checked(self.row(session.document, session.name))
                    described[session.subject_id].append(Described(session.name, values, None))
        settled: list[Row] = []
        notes: list[str] = []
        for subject, descriptions in described.items():
            descriptions.sort(key=Described.age, reverse=True)
            newest = next(d.row for d in descriptions if d.row)
            values = {column: first_known(column, descriptions) for column in newest.values}
            values["subject_id"] = (
                subject  # differs from the document if a curator has corrected the subject of the session
            )
            settled.append(Row(newest.file, newest.line, values, newest.name))
            notes += disagreements(subject, descriptions)
        return settled, notes


class Sessions(SubjectDocument):
    model = Session
    key = ("name",)
    columns = {"subject_id": Reference(Subject, by="subject_id", field="subject")}

    def row(self, document: Any, name: str) -> dict[str, Any]:
        subject = unwrapped(document)
        return {
            "name": name,
            "subject_id": subject["subject_id"],
            "schema_version": subject.get("schema_version"),
            "document": document,
        }


class Described:
    """A subject as described by one session, with its row if the session belongs to this run."""

    def __init__(self, session: str, values: dict[str, Any], row: Row | None):
        self.session, self.values, self.row = session, values, row

    def age(self) -> tuple[str, str]:
        """Return the sort key of the session: the first time stamp in its name ("" is the oldest), then the name."""
        stamp = TIME_STAMP.search(self.session)
        return (stamp.group(0) if stamp else "", self.session)


def unwrapped(document: Any) -> dict[str, Any]:
    """Return the object with the subject's id, which may be wrapped in ``{"data": …}`` or ``{"subject": …}``."""
    wrapping = document
    for _ in range(3):
        if not isinstance(wrapping, dict):
            break
        if wrapping.get("subject_id") not in (None, ""):
            return wrapping
        wrapping = wrapping.get("data") or wrapping.get("subject")
    raise DocumentError(
        "contains no subject: expected an object with a subject_id, at the top level or under data or subject"
    )


def name_of(value: Any, *others: Any) -> Any:
    """Return a name that old schemas have as a string, new ones as an object with a name, or as two nested ones.

    If it is missing, return the name of the first of *others* that has one.
    """
    while isinstance(value, dict):
        value = value.get("name")
    if value is None or (isinstance(value, str) and not value.strip()):
        return name_of(*others) if others else None
    return value


def first_known(column: str, descriptions: list[Described]) -> Any:
    return next((d.values[column] for d in descriptions if d.values[column] is not None), None)


def disagreements(subject: str, descriptions: list[Described]) -> Iterator[str]:
    """Yield a sentence for each column in which sessions differ, with the newest session first."""
    for column in descriptions[0].values:
        sessions_by_value: dict[Any, str] = {}
        for described in descriptions:
            if described.values[column] is not None:
                sessions_by_value.setdefault(described.values[column], described.session)
        if len(sessions_by_value) > 1:
            (taken, newest), *others = sessions_by_value.items()
            versions = ", ".join(f"{value} in {session}" for value, session in others)
            yield f"Subject {subject}: {column} is {taken} in the newest session {newest}, but {versions}."
