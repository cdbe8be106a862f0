"""Human-readable changes: field by field, with labels for references and masked personal data."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db import connection, models

from curation.history.editable_fields import own_fields, stored_name
from datasets import exact_json
from datasets.fields import related_model
from datasets.listing import label_field
from datasets.records.masking import Viewer, hidden_fields, masked
from datasets.sql.chunks import values_by_key
from datasets.sql.dialect import pk_column, quoted
from datasets.sql.row_json import as_json
from imports.engine.chosen_pairs import chosen_records
from imports.models import Change, ImportRun, SourceFile

Row = dict[str, Any]


@dataclass(frozen=True)
class Difference:
    """One field of a change; None for no value. *mark* is ``corrected`` or ``reverted`` if its correction changed."""

    label: str
    before: str | None
    after: str | None
    mark: str = ""


@dataclass(frozen=True)
class Entry:
    """One entry of a record's history: a Change, or the creation by an import, which has no Change."""

    change: Change | None
    kind: str
    file: SourceFile | None
    line: int | None
    differences: list[Difference]
    likeness: float | None = None  # of the row and the record of a pair; None if it is hidden from the user

    @property
    def pair(self) -> str:
        """How the run paired a row with the record: ``paired``, or ``chosen`` by a user; empty if it did not."""
        if self.change is None or self.change.likeness is None or self.change.run is None:
            return ""
        return "chosen" if self.change.record in chosen_records(self.change.run, self.change.table) else "paired"

    @property
    def run(self) -> ImportRun | None:
        """The run that made the change, or None."""
        if self.change:
            return self.change.run
        return self.file.run if self.file else None

    @property
    def reason(self) -> str:
        """The reason of the edit or the run; an empty string if there is none."""
        if self.change and self.change.edit:
            return self.change.edit.reason
        return self.run.reason if self.run else ""

    @property
    def at(self) -> datetime | None:
        """The time of the change, or None if it is unknown."""
        if self.change and self.change.edit:
            return self.change.edit.at
        return (self.run.finished_at or self.run.started_at) if self.run else None


def stored_row(model: type[models.Model], key: Any) -> Row | None:
    """Return the stored row of the record with the primary key *key*, or None."""
    table, pk = quoted(model._meta.db_table), quoted(pk_column(model))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {as_json(model, 'r')} FROM {table} r WHERE r.{pk} = %s", [key])
        row = cursor.fetchone()
    return exact_json.loads(row[0]) if row else None


def changes_of(model: type[models.Model], key: Any) -> models.QuerySet:
    """Return the changes of the record with the primary key *key*, oldest first."""
    return Change.objects.filter(table=model._meta.db_table, record=str(key)).order_by("pk")


def entries(
    model: type[models.Model], changes: list[Change], now: Row | None, user: Viewer, before: Row | None
) -> list[Entry]:
    """Return *changes*, oldest first, as history entries.

    *before* is the row before the first change, *now* the row after the last. A record that an import created has no
    Change for its creation: the first row shows it.
    """
    steps: list[tuple[Change | None, str, Row | None, Row | None]] = []
    current = before
    for change in changes:
        if current is None and change.before is not None:
            steps.append((None, Change.Kind.CREATED, None, change.before))
        steps.append((change, change.kind, change.before, change.after))
        current = change.after
    if current is None and now is not None:
        steps.append((None, Change.Kind.CREATED, None, now))
    readable = Readable(model, user, (row for _, _, *pair in steps for row in pair))
    return [_entry(readable, *step) for step in steps]


def _entry(readable: "Readable", change: Change | None, kind: str, old: Row | None, new: Row | None) -> Entry:
    verb = "created" if change is None else "changed"
    row = new if new and (change is None or change.run_id) else {}
    file, line = readable.files.get(row.get(f"{verb}_in_id")), row.get(f"{verb}_line")
    likeness = None if change is None or readable.hidden else change.likeness  # it depends on hidden values, too
    return Entry(change, str(Change.Kind(kind).label), file, line, list(readable.differences(old, new)), likeness)


class Readable:
    """Stored *rows* of a model, readable for *user*; each table that they refer to is queried once."""

    def __init__(self, model: type[models.Model], user: Viewer, rows: Iterable[Row | None]):
        self.model, self.fields = model, own_fields(model)
        self.hidden = hidden_fields(model, user)
        self.rows = [row for row in rows if row]
        self.rows += [row["corrections"] for row in self.rows if row.get("corrections")]

    def differences(self, old: Row | None, new: Row | None) -> Iterator[Difference]:
        """Yield the fields that differ between two rows; if one row is None, the fields with a value."""
        remembered, remembers = ((row or {}).get("corrections") or {} for row in (old, new))
        for field in self.fields:
            name = stored_name(field)
            before, after = (row.get(name) if row else None for row in (old, new))
            mark = ""
            if name in remembers and name not in remembered:
                mark = "corrected"
            elif name in remembered and name not in remembers and new:
                mark = "reverted"
            if before != after or mark:
                yield from self._difference(field, before, after, mark)
            if name in remembered and name in remembers and remembered[name] != remembers[name]:
                yield self._pair(field, f"{field.verbose_name} (file value)", remembered[name], remembers[name], "")

    def value(self, field: models.Field, value: Any) -> str | None:
        """Return a stored value of *field* in readable form; None for no value."""
        if value is None:
            return None
        if field.name in self.hidden:
            return masked(str(value))
        if field.many_to_many:
            return (
                ", ".join(str(self.labels[related_model(field)].get(key, f"{key} (deleted)")) for key in value) or None
            )
        if field.is_relation:
            return str(self.labels[related_model(field)].get(value, f"{value} (deleted)"))
        if isinstance(field, models.JSONField):
            return exact_json.text(value)
        if isinstance(value, Decimal):
            value = float(value)  # as it is stored
        if isinstance(field, models.BooleanField):
            return "Yes" if value else "No"
        return str(dict(field.flatchoices).get(value, value))

    @cached_property
    def labels(self) -> dict[type[models.Model], dict[Any, Any]]:
        """The labels of the records that the rows refer to, by model and key."""
        wanted: dict[type[models.Model], set[Any]] = defaultdict(set)
        for field in self.fields:
            if field.is_relation:
                for value in (row.get(stored_name(field)) for row in self.rows):
                    wanted[related_model(field)].update(value if isinstance(value, list) else [value])
        return {model: self._labels(model, keys - {None}) for model, keys in wanted.items()}

    @cached_property
    def files(self) -> dict[Any, SourceFile]:
        """The source files of the rows, with their runs."""
        keys = {row.get(name) for row in self.rows for name in ("created_in_id", "changed_in_id")} - {None}
        return SourceFile.objects.select_related("run").in_bulk(keys) if keys else {}

    @staticmethod
    def _labels(model: type[models.Model], keys: set[Any]) -> dict[Any, Any]:
        return values_by_key(model._base_manager.all(), keys, label_field(model))

    def _difference(self, field: models.Field, before: Any, after: Any, mark: str) -> Iterator[Difference]:
        if isinstance(before, dict) and isinstance(after, dict):
            for path, was, becomes in _leaves(before, after, str(field.verbose_name)):
                yield self._pair(field, path, was, becomes, mark)
        else:
            yield self._pair(field, str(field.verbose_name), before, after, mark)

    def _pair(self, field: models.Field, label: str, before: Any, after: Any, mark: str) -> Difference:
        return Difference(label, self.value(field, before), self.value(field, after), mark)


def _leaves(before: Row, after: Row, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield the differences between two JSON documents: the path and both values."""
    for name in dict.fromkeys([*before, *after]):
        was, becomes = before.get(name), after.get(name)
        if isinstance(was, dict) and isinstance(becomes, dict):
            yield from _leaves(was, becomes, f"{path}.{name}")
        elif was != becomes:
            yield f"{path}.{name}", was, becomes
