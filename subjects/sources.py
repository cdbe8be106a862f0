"""What an experiment folder's ``subject.json`` holds, through all the shapes that it has had."""

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

from datasets.sql.chunks import chunks
from imports.sources import DocumentError, JSONSource, Reference, Row, as_cell
from subjects.models import Session, Subject

# Folders are called <modality>_<subject>_<date>_<time>, often with what was done later behind it.
TIME_STAMP = re.compile(r"(\d{4}-\d{2}-\d{2})_(\d{2}-\d{2}-\d{2})")


class SubjectDocument(JSONSource):
    """A JSON document that describes a subject, known by its folder, or by its own name where that says more.

    An experiment's folder holds other documents, too (procedures.json, session.json, rig.json), which are not read.
    """

    file = "subject.json"
    named = ("*.json",)

    def known_as(self, path: Path) -> str:
        return path.parent.name if path.name.lower() == self.file else path.stem

    def folder_of(self, path: Path) -> Path:
        return path.parent.parent if path.name.lower() == self.file else path.parent


class Subjects(SubjectDocument):
    model = Subject
    key = ["subject_id"]
    settles = True

    def row(self, document: Any, name: str) -> dict[str, Any]:
        subject = unwrapped(document)
        # From schema 2 on all but the id stands under subject_details; those of a person or of a calibration object
        # lack most of it, and what is there is taken.
        details = subject.get("subject_details")
        details = subject if details in (None, "", {}) else details
        if not isinstance(details, dict):
            raise DocumentError(f"has subject_details that are no object but {as_cell(details)}")
        return {
            "subject_id": subject["subject_id"],
            "date_of_birth": details.get("date_of_birth"),
            "species": name_of(details.get("species")),
            "sex": details.get("sex"),
            # A strain object took the place of the background strain in schema 2.0.12.
            "background_strain": name_of(details.get("background_strain"), details.get("strain")),
            "genotype": details.get("genotype"),
        }

    def settle(self, rows: list[Row]) -> tuple[list[Row], list[str]]:
        """Make one row of each subject: of every column the newest session's value, of the sessions that have one.

        Sessions stored by earlier runs count, too, unless this run has brought them anew.
        """
        described: dict[str, list[Described]] = {}
        for row in rows:
            described.setdefault(row.values["subject_id"], []).append(Described(row.name, row.values, row))
        here = {row.name for row in rows}
        stored = (Session.objects.filter(subject__in=some).iterator() for some in chunks(list(described)))
        for session in chain.from_iterable(stored):
            if session.name not in here:
                with suppress(DocumentError):  # somebody has changed the document since
                    values = self.checked(self.row(session.document, session.name))
                    described[session.subject_id].append(Described(session.name, values, None))
        settled, notes = [], []
        for subject, descriptions in described.items():
            descriptions.sort(key=Described.age, reverse=True)
            newest = next(d.row for d in descriptions if d.row)
            values = {column: first_known(column, descriptions) for column in newest.values}
            values["subject_id"] = subject  # whatever the document says of a session that was given another subject
            settled.append(Row(newest.file, newest.line, values, newest.name))
            notes += disagreements(subject, descriptions)
        return settled, notes


class Sessions(SubjectDocument):
    model = Session
    key = ["name"]
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
    """A subject as one session describes it; with its row where the session is of this run."""

    def __init__(self, session: str, values: dict[str, Any], row: Row | None):
        self.session, self.values, self.row = session, values, row

    def age(self) -> tuple[str, str]:
        """The first time stamp in the session's name, none being the oldest, then the name."""
        stamp = TIME_STAMP.search(self.session)
        return (stamp.group(0) if stamp else "", self.session)


def unwrapped(document: Any) -> dict[str, Any]:
    """Return the object that has the subject's id, out of ``{"data": …}`` or ``{"subject": …}`` where it is in one."""
    wrapping = document
    for _ in range(3):
        if not isinstance(wrapping, dict):
            break
        if wrapping.get("subject_id") not in (None, ""):
            return wrapping
        wrapping = wrapping.get("data") or wrapping.get("subject")
    raise DocumentError("holds no subject: expected an object with a subject_id, by itself or under data or subject")


def name_of(value: Any, *others: Any) -> Any:
    """Return the name of what is a text in old schemas, an object with a name in new ones, and once held two deep.

    Where it has none, return that of the first of *others* that does.
    """
    while isinstance(value, dict):
        value = value.get("name")
    if value is None or isinstance(value, str) and not value.strip():
        return name_of(*others) if others else None
    return value


def first_known(column: str, descriptions: list[Described]) -> Any:
    return next((d.values[column] for d in descriptions if d.values[column] is not None), None)


def disagreements(subject: str, descriptions: list[Described]) -> Iterator[str]:
    """Yield a sentence for each column of which sessions say different things; the newest comes first."""
    for column in descriptions[0].values:
        said: dict[Any, str] = {}
        for described in descriptions:
            if described.values[column] is not None:
                said.setdefault(described.values[column], described.session)
        if len(said) > 1:
            (taken, newest), *others = said.items()
            versions = ", ".join(f"{value} in {session}" for value, session in others)
            yield f"Subject {subject}: {column} is {taken} in {newest}, which is the newest, but {versions}."
